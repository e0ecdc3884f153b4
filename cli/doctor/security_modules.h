/*
 * The system's own access control, where it can be in the way of a run: AppArmor, which may keep
 * user namespaces for programs with a profile, and SELinux, which may refuse services their mounts.
 * Both are read below `root`, which is "" outside of tests.
 */
#ifndef FAILCORE_CLI_DOCTOR_SECURITY_MODULES_H
#define FAILCORE_CLI_DOCTOR_SECURITY_MODULES_H

#include <stdbool.h>

#include "cli/doctor/probes.h"

/* What loads the profile that failcore ships. */
#define APPARMOR_MEND                                                                              \
    "cp " FAILCORE_DATADIR "/apparmor/failcore /etc/apparmor.d/ && "                               \
    "apparmor_parser -r /etc/apparmor.d/failcore (as root)"

/* Whether AppArmor keeps user namespaces from programs without a profile. */
bool apparmor_restricts(const char *root);

/* `may_anyway`: has the capability that user namespaces are restricted to. */
struct probe_result apparmor_probe(const char *root, bool may_anyway);
struct probe_result selinux_probe(const char *root);

#endif
