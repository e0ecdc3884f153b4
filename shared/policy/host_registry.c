#include "shared/policy/host_registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <idn2.h>
#include <libpsl.h>

static bool is_ascii(struct str_view text)
{
    for (size_t i = 0; i < text.length; i++) {
        if ((unsigned char)text.bytes[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

const char *host_name_to_ascii(struct str_view name, char ret_text[static HOST_NAME_TEXT_MAX + 2])
{
    bool starred = str_view_starts_with(name, STR_VIEW_LITERAL("*."));
    char *converted = NULL;
    char text[4 * HOST_NAME_TEXT_MAX];
    int written;

    if (name.length >= sizeof(text)) {
        return "a name of more than 253 bytes";
    }
    if (is_ascii(name)) {
        written = snprintf(ret_text, HOST_NAME_TEXT_MAX + 2, "%.*s", STR_VIEW_PRINTF(name));
    } else {
        snprintf(text, sizeof(text), "%.*s", (int)(name.length - (starred ? 2 : 0)),
                 name.bytes + (starred ? 2 : 0));
        if (idn2_to_ascii_8z(text, &converted, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) != IDN2_OK) {
            return "letters that no domain name can have (IDNA)";
        }
        written =
            snprintf(ret_text, HOST_NAME_TEXT_MAX + 2, "%s%s", starred ? "*." : "", converted);
        idn2_free(converted);
    }
    return written < 0 || written >= HOST_NAME_TEXT_MAX + 2 ? "a name of more than 253 bytes"
                                                            : NULL;
}

enum public_suffix host_name_public_suffix(struct str_view name)
{
    const psl_ctx_t *list = psl_builtin();
    char text[HOST_NAME_TEXT_MAX];

    if (list == NULL || name.length >= sizeof(text)) {
        return SUFFIX_NONE;
    }
    snprintf(text, sizeof(text), "%.*s", STR_VIEW_PRINTF(name));
    if (psl_is_public_suffix2(list, text, PSL_TYPE_ICANN) != 0) {
        return SUFFIX_REGISTRY;
    }
    return psl_is_public_suffix2(list, text, PSL_TYPE_PRIVATE | PSL_TYPE_NO_STAR_RULE) != 0
               ? SUFFIX_PROVIDER
               : SUFFIX_NONE;
}

struct str_view host_name_registered(struct str_view name)
{
    const psl_ctx_t *list = psl_builtin();
    char text[HOST_NAME_TEXT_MAX];
    const char *registered;
    size_t length;

    if (list == NULL || name.length >= sizeof(text)) {
        return name;
    }
    snprintf(text, sizeof(text), "%.*s", STR_VIEW_PRINTF(name));
    registered = psl_registrable_domain(list, text);
    length = registered == NULL ? name.length : strlen(registered);
    return (struct str_view){name.bytes + (name.length - length), length};
}
