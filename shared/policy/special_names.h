/*
 * Host names that stand for something else than a host somewhere.
 */
#ifndef FAILCORE_POLICY_SPECIAL_NAMES_H
#define FAILCORE_POLICY_SPECIAL_NAMES_H

#include <stdbool.h>

#include "shared/base/str_view.h"

/* Never resolved: "metadata.google.internal", *.internal, localhost, … */
bool host_name_is_internal(struct str_view name);

/*
 * A public resolver over HTTPS, or the name by which browsers ask whether to use one (RFC 8484;
 * use-application-dns.net). It answers for any name, past the guard's own resolver, so that neither
 * "*" nor `default: allow_public` means it; a rule that names it does.
 */
bool host_name_is_resolver(struct str_view name);

#endif
