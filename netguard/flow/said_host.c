#include "netguard/flow/said_host.h"

#define LABEL_MAX 63U /* RFC 1035 section 2.3.4 */

bool said_host(struct str_view said, char *ret_host, size_t size)
{
    size_t label = 0;

    if (said.length == 0 || said.length >= size) {
        return false;
    }
    for (size_t i = 0; i < said.length; i++) {
        char byte = said.bytes[i];

        if (byte >= 'A' && byte <= 'Z') {
            byte = (char)(byte + ('a' - 'A'));
        }
        if (byte == '.' && label > 0) {
            label = 0;
        } else if (((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' ||
                    byte == '_') &&
                   label < LABEL_MAX) {
            label++;
        } else {
            return false;
        }
        ret_host[i] = byte;
    }
    ret_host[said.length] = '\0';
    return label > 0;
}
