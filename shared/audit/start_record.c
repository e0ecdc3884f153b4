#include "shared/audit/start_record.h"

#include <sys/utsname.h>
#include <unistd.h>

#include "shared/base/cleanup.h"

static void append_text(struct text_buffer *text, const char *name, const char *value)
{
    text_buffer_append_text(text, name);
    text_buffer_append_json_string(text, str_view_from(value));
}

int audit_emit_start(struct audit_producer *producer, struct str_view members)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    struct audit_event event = {.kind = AUDIT_KIND_START, .source = AUDIT_SOURCE_RUN, .soon = true};
    struct utsname host = {0};

    uname(&host);
    text_buffer_printf(&text, "\"launcher_uid\":%u,\"launcher_gid\":%u,\"launcher_pid\":%d",
                       getuid(), getgid(), getpid());
    append_text(&text, ",\"host\":", host.nodename);
    append_text(&text, ",\"kernel\":", host.release);
    append_text(&text, ",\"machine\":", host.machine);
    append_text(&text, ",\"failcore\":", FAILCORE_VERSION);
    if (members.length > 0) {
        text_buffer_append_char(&text, ',');
        text_buffer_append(&text, members);
    }
    if (text_buffer_error(&text) < 0) {
        return text_buffer_error(&text);
    }
    event.call.run.operation = "start";
    event.call.run.members = text_buffer_view(&text);
    event.actor.pid = getpid();
    event.actor.uid = getuid();
    event.actor.gid = getgid();
    event.actor.present = true;
    return audit_emit(producer, &event, NULL);
}
