/*
 * What others know about names: IDNA through libidn2, and the public suffix list through libpsl.
 */
#ifndef FAILCORE_POLICY_HOST_REGISTRY_H
#define FAILCORE_POLICY_HOST_REGISTRY_H

#include <stdbool.h>

#include "shared/policy/host_name.h"

/*
 * A name with letters outside ASCII as its A-labels ("bücher.example" is
 * "xn--bcher-kva.example"; UTS 46, non-transitional). An ASCII name is copied. A leading "*." or
 * a lone "*" stays. NULL, or a sentence that says what is wrong with the name.
 */
const char *host_name_to_ascii(struct str_view name, char ret_text[static HOST_NAME_TEXT_MAX + 2]);

enum public_suffix {
    SUFFIX_NONE = 0, /* somebody registered this name */
    SUFFIX_REGISTRY, /* co.uk, com: anybody can register below it (ICANN section) */
    SUFFIX_PROVIDER, /* github.io: customers of one provider live below it (private section) */
};
/* Of a folded name. */
enum public_suffix host_name_public_suffix(struct str_view name);
/* The end of a folded name that somebody registered: "b.co.uk" of "x.b.co.uk". A name that nobody
 * can have registered is all of it its own end. */
struct str_view host_name_registered(struct str_view name);

#endif
