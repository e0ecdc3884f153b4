#include "cli/doctor/security_modules.h"

#include <stdio.h>
#include <string.h>

#define SELINUX_MEND                                                                               \
    "if a service is refused: ausearch -m avc -c failcore-mount, then audit2allow (as root)"

static void line_below(const char *root, const char *path, char *text, size_t size)
{
    char whole[PATH_MAX];

    text[0] = '\0';
    if (snprintf(whole, sizeof(whole), "%s%s", root, path) < (int)sizeof(whole)) {
        probe_first_line(whole, text, size);
    }
}

bool apparmor_restricts(const char *root)
{
    char line[32];

    line_below(root, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", line, sizeof(line));
    return strcmp(line, "1") == 0;
}

struct probe_result apparmor_probe(const char *root, bool may_anyway)
{
    static const char ours[] = "failcore ";
    char line[128];

    line_below(root, "/sys/module/apparmor/parameters/enabled", line, sizeof(line));
    if (line[0] != 'Y') {
        return probe_found(PROBE_OK, "", "not in force");
    }
    if (!apparmor_restricts(root)) {
        return probe_found(PROBE_OK, "", "in force; user namespaces are not restricted");
    }
    line_below(root, "/proc/self/attr/apparmor/current", line, sizeof(line));
    if (strncmp(line, ours, sizeof(ours) - 1) == 0) {
        return probe_found(PROBE_OK, "", "restricts user namespaces; failcore has its profile");
    }
    return may_anyway ? probe_found(PROBE_WEAK, APPARMOR_MEND,
                                    "restricts the user namespaces of ordinary users, and "
                                    "failcore's profile is not loaded")
                      : probe_found(PROBE_MISSING, APPARMOR_MEND,
                                    "restricts user namespaces, and failcore's profile is not "
                                    "loaded");
}

struct probe_result selinux_probe(const char *root)
{
    char enforce[8];
    char context[128];

    line_below(root, "/sys/fs/selinux/enforce", enforce, sizeof(enforce));
    if (enforce[0] == '\0') {
        return probe_found(PROBE_OK, "", "not in force");
    }
    if (enforce[0] == '0') {
        return probe_found(PROBE_OK, "", "permissive: it records and refuses nothing");
    }
    line_below(root, "/proc/self/attr/current", context, sizeof(context));
    return strstr(context, ":unconfined_t:") != NULL
               ? probe_found(PROBE_OK, SELINUX_MEND,
                             "enforces, not on runs from this shell (%s); services of failcore "
                             "were not tried under it",
                             context)
               : probe_found(PROBE_WEAK, SELINUX_MEND,
                             "enforces, also on this process (%s): no module is shipped for it",
                             context);
}
