/* Packets: what a view points to lies in the packet, and is all of it behind the headers. */
#include <stdint.h>
#include <stdlib.h>

#include "netguard/flow/packet_view.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct packet_view view;

    if (packet_view_parse(bytes, length, &view) < 0) {
        return 0;
    }
    if (view.source.family != view.destination.family || view.source.family == IP_NONE) {
        abort();
    }
    if (view.protocol == NET_OTHER) {
        if (view.payload != NULL || view.source_port != 0 || view.tcp_flags != 0) {
            abort();
        }
        return 0;
    }
    if (view.payload + view.payload_length != bytes + length ||
        view.payload < bytes + (view.source.family == IP_V4 ? 28 : 48)) {
        abort();
    }
    return 0;
}
