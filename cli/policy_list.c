/* failcore policy list: the installed policies, where they are and which of a name counts. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json_call.h"
#include "cli/policy_verbs.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/policy/policy_load.h"

static const struct command_table command = {
    .name = "failcore policy list",
    .synopsis = "[--json]",
    .summary = "the installed policies: vendor, system, user; a later one of a name counts",
    .examples = "  failcore policy list\n",
    .options = json_call_options,
    .option_count = 2,
};

static const char *const place_words[PLACE_COUNT] = {
    [PLACE_VENDOR] = "vendor",
    [PLACE_SYSTEM] = "system",
    [PLACE_USER] = "user",
};

struct listing {
    const struct policy_directories *directories;
    bool json;
    size_t printed;
    int worst;
};

static bool name_is_in(const struct policy_directories *directories, enum policy_place place,
                       const char *file)
{
    char path[2 * PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s", directories->path[place], file);
    return directories->path[place][0] != '\0' && access(path, F_OK) == 0;
}

static bool is_overshadowed(const struct listing *listing, enum policy_place place,
                            const char *file)
{
    for (size_t later = place + 1; later < PLACE_COUNT; later++) {
        if (name_is_in(listing->directories, (enum policy_place)later, file)) {
            return true;
        }
    }
    return false;
}

static void print_row(struct listing *listing, enum policy_place place, const char *path,
                      const char *file, const struct policy *policy, const struct failure *failure)
{
    struct str_view name = {.bytes = file, .length = strlen(file) - strlen(".yaml")};
    struct str_view text =
        policy == NULL ? str_view_from(failure->what) : policy_model(policy)->description;
    bool hidden = is_overshadowed(listing, place, file);

    if (listing->json) {
        AUTO(text_buffer_clear) struct text_buffer row = {0};

        text_buffer_append_text(&row, listing->printed == 0 ? "{\"name\":" : ",{\"name\":");
        text_buffer_append_json_string(&row, name);
        append_member_json(&row, "place", str_view_from(place_words[place]));
        append_member_json(&row, "path", str_view_from(path));
        text_buffer_printf(&row, ",\"valid\":%s,\"counts\":%s,\"enforced\":%s",
                           policy == NULL ? "false" : "true", hidden ? "false" : "true",
                           policy != NULL && policy_model(policy)->enforce ? "true" : "false");
        append_member_json(&row, policy == NULL ? "error" : "description", text);
        text_buffer_append_char(&row, '}');
        fputs(text_buffer_text(&row), stdout);
    } else {
        printf("%-18.*s %-7s %s%s%.*s\n", STR_VIEW_PRINTF(name), place_words[place],
               hidden ? "(another one of this name counts) " : "",
               policy == NULL                  ? "INVALID: "
               : policy_model(policy)->enforce ? "(enforced) "
                                               : "",
               STR_VIEW_PRINTF(text));
    }
    listing->printed++;
    if (policy == NULL) {
        listing->worst = EXIT_CODE_POLICY_INVALID;
    }
}

static int is_policy_file(const struct dirent *entry)
{
    return entry->d_name[0] != '.' &&
           str_view_ends_with(str_view_from(entry->d_name), STR_VIEW_LITERAL(".yaml"));
}

static void list_place(struct listing *listing, enum policy_place place)
{
    struct policy_directories alone = {0}; /* enforced ones would hide what is in the file */
    const char *directory = listing->directories->path[place];
    struct dirent **entries = NULL;
    int count = directory[0] == '\0' ? 0 : scandir(directory, &entries, is_policy_file, alphasort);

    memcpy(alone.path[PLACE_VENDOR], listing->directories->path[PLACE_VENDOR], PATH_MAX);
    memcpy(alone.path[PLACE_USER], listing->directories->path[PLACE_USER], PATH_MAX);
    for (int i = 0; i < count; i++) {
        AUTO(policy_release) struct policy *policy = NULL;
        struct failure failure = {0};
        char path[2 * PATH_MAX];
        const char *word = path;

        snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
        (void)policy_load_from(&word, 1, &alone, &policy, &failure);
        print_row(listing, place, path, entries[i]->d_name, policy, &failure);
        free(entries[i]);
    }
    free(entries);
}

int verb_policy_list(int argc, char **argv)
{
    struct policy_directories directories;
    struct listing listing = {.directories = &directories, .worst = EXIT_CODE_OK};
    struct json_call call;
    int code = json_call_scan(&command, argc, argv, 0, 0, &call);

    if (code != JSON_CALL_GO_ON) {
        return code;
    }
    directories = policy_directories_default();
    listing.json = call.json;
    fputs(call.json ? "{\"policies\":[" : "", stdout);
    for (size_t place = 0; place < PLACE_COUNT; place++) {
        list_place(&listing, (enum policy_place)place);
    }
    fputs(call.json ? "]}\n" : "", stdout);
    return listing.worst;
}
