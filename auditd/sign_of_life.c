#include "auditd/sign_of_life.h"

#include "auditd/writer.h"
#include "shared/base/cleanup.h"
#include "shared/base/monotonic.h"
#include "shared/base/service_manager.h"
#include "shared/base/text_buffer.h"

static void say(struct server *server, const char *state)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    text_buffer_printf(
        &text, "%s\nSTATUS=%s; %llu records, %u producers", state,
        atomic_load(&server->state->condition) == WRITER_OK ? "writing" : "the disk refuses",
        (unsigned long long)log_store_next_seq(server->drain.store), server->link_count);
    (void)service_manager_tell(text_buffer_text(&text));
    server->next_sign_ms = monotonic_ms() + (uint64_t)server->options.watchdog_ms;
}

void sign_of_life_begin(struct server *server)
{
    if (service_manager_listens()) {
        say(server, "READY=1");
    }
}

void sign_of_life_give(struct server *server)
{
    if (server->options.watchdog_ms >= 0 && monotonic_ms() >= server->next_sign_ms) {
        say(server, "WATCHDOG=1");
    }
}
