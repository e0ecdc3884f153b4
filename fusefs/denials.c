#include "fusefs/denials.h"

#include <string.h>
#include <time.h>

void denials_init(struct denials *denials)
{
    *denials = (struct denials){0};
    pthread_mutex_init(&denials->lock, NULL);
}

static struct denial_text cut(struct str_view text)
{
    struct denial_text kept = {0};

    kept.length = (uint16_t)(text.length < DENIAL_TEXT_MAX ? text.length : DENIAL_TEXT_MAX);
    if (kept.length > 0) {
        memcpy(kept.bytes, text.bytes, kept.length);
    }
    return kept;
}

/* The same refusal, met before. */
static struct denial *find(struct denials *denials, uid_t uid, const char *operation,
                           const char *code, struct str_view path)
{
    uint64_t kept = denials->count < DENIALS_KEPT ? denials->count : DENIALS_KEPT;

    for (uint64_t i = 0; i < kept; i++) {
        struct denial *denial = &denials->ring[i];

        if (denial->uid == uid && strcmp(denial->operation, operation) == 0 &&
            strcmp(denial->code, code) == 0 &&
            str_view_equals((struct str_view){denial->path, denial->path_length}, path)) {
            return denial;
        }
    }
    return NULL;
}

void denials_add(struct denials *denials, uid_t uid, const char *operation, const char *code,
                 const char *error, struct str_view rule, struct str_view reason,
                 struct str_view path)
{
    struct timespec now;
    struct denial *denial;

    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    path.length = path.length < DENIAL_PATH_MAX ? path.length : DENIAL_PATH_MAX;
    pthread_mutex_lock(&denials->lock);
    denial = find(denials, uid, operation, code, path);
    if (denial != NULL) {
        denial->seconds = now.tv_sec;
        denial->count++;
        pthread_mutex_unlock(&denials->lock);
        return;
    }
    denial = &denials->ring[denials->count++ % DENIALS_KEPT];
    denial->count = 1;
    denial->seconds = now.tv_sec;
    denial->uid = uid;
    denial->operation = operation;
    denial->code = code;
    denial->error = error;
    denial->rule = cut(rule);
    denial->reason = cut(reason);
    denial->path_length = (uint16_t)(path.length < DENIAL_PATH_MAX ? path.length : DENIAL_PATH_MAX);
    if (denial->path_length > 0) {
        memcpy(denial->path, path.bytes, denial->path_length);
    }
    pthread_mutex_unlock(&denials->lock);
}

static void member(struct text_buffer *text, const char *name, struct str_view value)
{
    text_buffer_printf(text, ",\"%s\":", name);
    text_buffer_append_json_string(text, value);
}

static void print_one(const struct denial *denial, struct text_buffer *text)
{
    struct tm utc;
    char when[32];
    time_t seconds = (time_t)denial->seconds;

    gmtime_r(&seconds, &utc);
    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &utc);
    text_buffer_printf(text, "{\"time\":\"%s\"", when);
    member(text, "op", str_view_from(denial->operation));
    member(text, "path", (struct str_view){denial->path, denial->path_length});
    member(text, "code", str_view_from(denial->code));
    member(text, "errno", str_view_from(denial->error));
    member(text, "rule", (struct str_view){denial->rule.bytes, denial->rule.length});
    member(text, "reason", (struct str_view){denial->reason.bytes, denial->reason.length});
    text_buffer_printf(text, ",\"count\":%llu}\n", (unsigned long long)denial->count);
}

void denials_print(struct denials *denials, uid_t uid, struct text_buffer *text)
{
    pthread_mutex_lock(&denials->lock);
    for (uint64_t i = denials->count > DENIALS_KEPT ? denials->count - DENIALS_KEPT : 0;
         i < denials->count; i++) {
        const struct denial *denial = &denials->ring[i % DENIALS_KEPT];

        if (uid == 0 || denial->uid == uid) {
            print_one(denial, text);
        }
    }
    pthread_mutex_unlock(&denials->lock);
}
