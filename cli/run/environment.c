#include "cli/run/environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/text_buffer.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const char *const passed[] = {
    "LANG",        "LANGUAGE", "LC_ALL",         "LC_ADDRESS",  "LC_COLLATE",        "LC_CTYPE",
    "LC_MESSAGES", "LC_NAME",  "LC_MONETARY",    "LC_NUMERIC",  "LC_IDENTIFICATION", "LC_PAPER",
    "LC_TIME",     "TERM",     "LC_MEASUREMENT", "COLORTERM",   "NO_COLOR",          "TZ",
    "CLICOLOR",    "COLUMNS",  "LINES",          "FORCE_COLOR", "CLICOLOR_FORCE",
};

struct settings {
    char *entries[RUN_ENV_MAX + 64];
    size_t count;
    bool failed;
};

static bool same_name(const char *entry, const char *name, size_t length)
{
    return strncmp(entry, name, length) == 0 && entry[length] == '=';
}

/* A later setting of the same name replaces the earlier one. */
static void set(struct settings *settings, const char *name, size_t name_length, const char *value)
{
    struct text_buffer text = {0};
    char *entry;
    size_t at = 0;

    text_buffer_append(&text, (struct str_view){.bytes = name, .length = name_length});
    text_buffer_append_char(&text, '=');
    text_buffer_append_text(&text, value);
    entry = text_buffer_take(&text);
    while (at < settings->count && !same_name(settings->entries[at], name, name_length)) {
        at++;
    }
    if (entry == NULL || at + 1 >= sizeof(settings->entries) / sizeof(settings->entries[0])) {
        free(entry);
        settings->failed = true;
        return;
    }
    if (at < settings->count) {
        free(settings->entries[at]);
    } else {
        settings->count++;
    }
    settings->entries[at] = entry;
}

static void pass(struct settings *settings, const char *name)
{
    const char *value = getenv(name);

    if (value != NULL) {
        set(settings, name, strlen(name), value);
    }
}

static void set_named(struct settings *settings, const char *name, const char *value)
{
    set(settings, name, strlen(name), value);
}

void environment_free(char **environment)
{
    for (char **entry = environment; entry != NULL && *entry != NULL; entry++) {
        free(*entry);
    }
    free(environment);
}

static char **copy(const struct settings *settings)
{
    char **environment = calloc(settings->count + 1, sizeof(*environment));

    if (environment != NULL) {
        memcpy(environment, settings->entries, settings->count * sizeof(*environment));
    }
    return environment;
}

char **environment_make(const struct run_plan *plan)
{
    struct settings settings = {0};
    char **environment = NULL;

    for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++) {
        pass(&settings, passed[i]);
    }
    set_named(&settings, "PATH", DEFAULT_PATH);
    set_named(&settings, "HOME", plan->home);
    set_named(&settings, "USER", plan->identity.user_name);
    set_named(&settings, "LOGNAME", plan->identity.user_name);
    set_named(&settings, "SHELL", "/bin/sh");
    set_named(&settings, "PWD", plan->mount_path);
    set_named(&settings, "FAILCORE_RUN", plan->id);
    for (size_t i = 0; i < policy_run_list_count(plan->policy, RUN_ENV); i++) {
        struct str_view named = policy_run_list_item(plan->policy, RUN_ENV, i);
        char name[128];

        if (named.length < sizeof(name)) {
            snprintf(name, sizeof(name), "%.*s", STR_VIEW_PRINTF(named));
            pass(&settings, name);
        }
    }
    for (size_t i = 0; i < plan->options->environment_count; i++) {
        const char *setting = plan->options->environment[i];
        const char *equals = strchr(setting, '=');

        if (equals == NULL) {
            pass(&settings, setting);
        } else {
            set(&settings, setting, (size_t)(equals - setting), equals + 1);
        }
    }
    if (!settings.failed) {
        environment = copy(&settings);
    }
    if (environment == NULL) {
        for (size_t i = 0; i < settings.count; i++) {
            free(settings.entries[i]);
        }
    }
    return environment;
}
