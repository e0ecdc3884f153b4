#include "cli/log/record_filter.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "shared/base/cleanup.h"

static bool path_passes(const struct record_bytes *bytes, const char *wanted)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    struct str_view prefix;
    const char *path;

    if (!record_bytes_present(bytes)) {
        return false;
    }
    record_bytes_append(&text, bytes);
    path = text_buffer_text(&text);
    if (strpbrk(wanted, "*?[") != NULL) {
        return fnmatch(wanted, path, 0) == 0;
    }
    prefix = str_view_from(wanted);
    while (prefix.length > 0 && prefix.bytes[prefix.length - 1] == '/') {
        prefix.length--;
    }
    return str_view_starts_with(text_buffer_view(&text), prefix) &&
           (prefix.length == 0 || path[prefix.length] == '\0' || path[prefix.length] == '/');
}

static bool name_passes(const struct record_bytes *bytes, const char *wanted)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    size_t length = strlen(wanted);
    const char *end;

    if (!record_bytes_present(bytes)) {
        return false;
    }
    record_bytes_append(&text, bytes);
    if (text.length < length) {
        return false;
    }
    end = text_buffer_text(&text) + text.length - length;
    return strcasecmp(end, wanted) == 0 && (text.length == length || end[-1] == '.');
}

bool record_filter_passes(const struct record_filter *filter, const struct audit_record *record)
{
    const struct record_call *call = &record->call;
    int64_t time;

    if (filter->blocked_only && (!record->has_status || record->status != AUDIT_STATUS_BLOCKED)) {
        return false;
    }
    if (filter->path != NULL && !path_passes(&call->path, filter->path) &&
        !path_passes(&call->path2, filter->path)) {
        return false;
    }
    if (filter->host != NULL && !name_passes(&call->host, filter->host) &&
        !name_passes(&call->sni, filter->host) &&
        !(call->address.length > 0 && str_view_equals_text(call->address, filter->host))) {
        return false;
    }
    return filter->since_ns == INT64_MIN ||
           (record_time_parse(record->timestamp, &time) == 0 && time >= filter->since_ns);
}

static int64_t unit_seconds(char unit)
{
    switch (unit) {
    case 's':
        return 1;
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return 86400;
    default:
        return 0;
    }
}

static const char *skip_format(const char *text, const char *format, struct tm *when)
{
    const char *end = strptime(text, format, when);

    return end == NULL ? text : end;
}

int since_parse(const char *text, int64_t now_ns, int64_t *ret_ns)
{
    time_t now = (time_t)(now_ns / 1000000000);
    struct tm when = {0};
    const char *at;
    char *end;
    long count;
    time_t seconds;

    errno = 0;
    count = strtol(text, &end, 10);
    if (end != text && errno == 0 && count >= 0 && unit_seconds(*end) != 0 && end[1] == '\0') {
        int64_t back;

        if (__builtin_mul_overflow((int64_t)count, unit_seconds(*end) * 1000000000, &back)) {
            return -EINVAL;
        }
        *ret_ns = now_ns - back;
        return 0;
    }
    localtime_r(&now, &when);
    when.tm_hour = when.tm_min = when.tm_sec = 0;
    when.tm_isdst = -1;
    at = skip_format(text, "%Y-%m-%d", &when);
    if (at != text && (*at == 'T' || *at == ' ')) {
        at++;
    }
    if (*at != '\0') {
        const char *clock = at;

        at = skip_format(clock, "%H:%M:%S", &when);
        at = at == clock ? skip_format(clock, "%H:%M", &when) : at;
        if (at == clock) {
            return -EINVAL;
        }
    }
    if (at == text || (*at != '\0' && strcmp(at, "Z") != 0)) {
        return -EINVAL;
    }
    seconds = *at == 'Z' ? timegm(&when) : mktime(&when);
    *ret_ns = (int64_t)seconds * 1000000000;
    return 0;
}
