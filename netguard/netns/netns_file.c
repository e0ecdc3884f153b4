#include "netguard/netns/netns_file.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "netguard/netns/netns_place.h"
#include "shared/policy/document.h"
#include "shared/policy/scalar_value.h"

#define MEND_KEYS "the keys are policy, uplink, audit and user (failcore-netns(1))"

static int refuse_relative(const struct value_context *context, const struct node *node)
{
    return document_refuse(context->source, node, context->reterr, "write it from / on",
                           "%s: a relative path", context->key);
}

static int read_text(struct value_context *context, const struct node *node, bool path,
                     const char **ret_text)
{
    struct str_view text;
    int error = value_text(context, node, &text);

    if (error < 0) {
        return error;
    }
    if (path && text.bytes[0] != '/') {
        return refuse_relative(context, node);
    }
    *ret_text = text.bytes;
    return 0;
}

static int read_policies(struct value_context *context, const struct node *list,
                         struct netns_settings *settings)
{
    int error = value_expect(context, list, NODE_LIST);

    for (const struct node *node = error < 0 ? NULL : list->first; node != NULL;
         node = node->next) {
        const char **word = &settings->policies[settings->policy_count];

        if (settings->policy_count == NETNS_WORDS_MAX) {
            return document_refuse(context->source, node, context->reterr,
                                   "one policy may extend others", "more than %d policies",
                                   NETNS_WORDS_MAX);
        }
        error = read_text(context, node, false, word);
        if (error < 0) {
            return error;
        }
        if (policy_word_is_path(*word) && (*word)[0] != '/') {
            return refuse_relative(context, node);
        }
        settings->policy_count++;
    }
    return error;
}

/* What the command line says goes before what the file says. */
static int read_key(struct value_context *context, const struct node *key,
                    const struct netns_settings *given, struct netns_settings *settings)
{
    const char *unused;
    int error;

    context->key = key->text.bytes;
    if (strcmp(context->key, "policy") == 0) {
        struct netns_settings ignored = {.policy_count = 0};

        return read_policies(context, key->value, given->policy_count > 0 ? &ignored : settings);
    }
    if (strcmp(context->key, "uplink") == 0) {
        error = read_text(context, key->value, false,
                          given->uplink != NULL ? &unused : &settings->uplink);
    } else if (strcmp(context->key, "audit") == 0) {
        error =
            read_text(context, key->value, true, given->audit != NULL ? &unused : &settings->audit);
    } else if (strcmp(context->key, "user") == 0) {
        error = read_text(context, key->value, false, &settings->user);
    } else {
        error = document_refuse(context->source, key, context->reterr, MEND_KEYS,
                                "unknown key \"%s\"", context->key);
    }
    return error;
}

static int read_root(struct value_context *context, const struct node *root,
                     struct netns_settings *settings)
{
    const struct netns_settings given = *settings;
    int error;

    if (root == NULL) {
        return 0; /* an empty file says nothing */
    }
    context->key = "the file";
    error = value_expect(context, root, NODE_MAP);
    for (const struct node *key = error < 0 ? NULL : root->first; error == 0 && key != NULL;
         key = key->next) {
        for (const struct node *before = root->first; before != key; before = before->next) {
            if (str_view_equals(before->text, key->text)) {
                return document_refuse(context->source, key, context->reterr, "keep one of them",
                                       "the key \"%s\" is there twice", key->text.bytes);
            }
        }
        error = read_key(context, key, &given, settings);
    }
    return error;
}

int netns_file_complete(const char *name, struct netns_file *file, struct netns_settings *settings,
                        struct failure *reterr)
{
    static const struct policy_directories none = {.path = {{0}}};
    char path[PATH_MAX];
    struct document_source source = {.file = path};
    struct value_context context = {.source = &source, .arena = &file->arena, .reterr = reterr};
    struct node *root = NULL;
    int error;

    if (!netns_name_is_valid(name)) {
        return 0; /* refused where the network is looked for; never part of a path */
    }
    snprintf(path, sizeof(path), FAILCORE_SYSCONFDIR "/netns/%s.yaml", name);
    if (access(path, F_OK) < 0 && errno == ENOENT) {
        return 0;
    }
    error = policy_source_read(path, "", &none, &file->bytes, reterr);
    if (error == 0) {
        error = document_parse(text_buffer_view(&file->bytes.text), &source, &file->arena, &root,
                               reterr);
    }
    return error < 0 ? error : read_root(&context, root, settings);
}

void netns_file_clear(struct netns_file *file)
{
    arena_clear(&file->arena);
    policy_bytes_clear(&file->bytes);
}
