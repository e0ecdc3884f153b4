#include "cli/log/sensitive.h"

#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>

struct sensitive_name {
    const char *pattern; /* over one component, or over the end of the path when it has a slash */
    const char *what;
    bool changes_only; /* reading it is everyday work */
};

static const struct sensitive_name names[] = {
    {".env", "a file of secrets", false},
    {".env.*", "a file of secrets", false},
    {"*.pem", "a key or certificate", false},
    {"*.key", "a private key", false},
    {"*.p12", "a key store", false},
    {"*.pfx", "a key store", false},
    {"*.jks", "a key store", false},
    {"*.keystore", "a key store", false},
    {"*.kdbx", "a password store", false},
    {"id_rsa*", "an SSH key", false},
    {"id_dsa*", "an SSH key", false},
    {"id_ecdsa*", "an SSH key", false},
    {"id_ed25519*", "an SSH key", false},
    {".ssh", "SSH keys and settings", false},
    {".gnupg", "GnuPG keys", false},
    {".aws", "cloud credentials", false},
    {".azure", "cloud credentials", false},
    {"gcloud", "cloud credentials", false},
    {".kube", "cluster credentials", false},
    {".docker", "registry credentials", false},
    {".netrc", "passwords", false},
    {".pgpass", "passwords", false},
    {".npmrc", "registry credentials", false},
    {".pypirc", "registry credentials", false},
    {".git-credentials", "passwords", false},
    {".vault-token", "a secret", false},
    {"credentials*", "credentials", false},
    {"secret.*", "a secret, by its name", false},
    {"secrets.*", "a secret, by its name", false},
    {"*.secret", "a secret, by its name", false},
    {"password*", "a secret, by its name", false},
    {"shadow", "password hashes", false},
    {"gshadow", "password hashes", false},
    {"sudoers", "the rules of sudo", true},
    {".envrc", "a file that direnv executes", true},
    {".bashrc", "a file that shells execute", true},
    {".profile", "a file that shells execute", true},
    {".bash_profile", "a file that shells execute", true},
    {".zshrc", "a file that shells execute", true},
    {".vscode", "tasks that an editor executes", true},
    {".idea", "tasks that an editor executes", true},
    {"crontab", "a file that cron executes", true},
    {".gitattributes", "filters that git executes", true},
    {".gitmodules", "a file that git trusts", true},
    {".git/hooks", "files that git executes", true},
    {".git/config", "a file that git trusts", true},
    {".git/modules", "files that git trusts", true},
    {".claude", "an agent's own settings", true},
    {".mcp.json", "an agent's own settings", true},
};

static const char *component_sensitivity(const char *component, const char *rest, bool changes)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *pattern = names[i].pattern;
        size_t length = strlen(pattern);

        if (names[i].changes_only && !changes) {
            continue;
        }
        if (strchr(pattern, '/') == NULL ? fnmatch(pattern, component, FNM_CASEFOLD) == 0
                                         : strncmp(rest, pattern, length) == 0 &&
                                               (rest[length] == '\0' || rest[length] == '/')) {
            return names[i].what;
        }
    }
    return NULL;
}

const char *path_sensitivity(struct str_view path, bool changes)
{
    char whole[PATH_MAX];
    char component[NAME_MAX + 1];
    const char *at = whole;

    if (path.length >= sizeof(whole)) {
        return "a name too long to judge";
    }
    memcpy(whole, path.bytes, path.length);
    whole[path.length] = '\0';
    while (*at != '\0') {
        size_t length = strcspn(at, "/");
        const char *what = NULL;

        if (length > 0 && length < sizeof(component)) {
            memcpy(component, at, length);
            component[length] = '\0';
            what = component_sensitivity(component, at, changes);
        }
        if (what != NULL) {
            return what;
        }
        at += length;
        at += *at == '/';
    }
    return NULL;
}

bool sensitive_pattern(size_t index, const char **ret_pattern, bool *ret_changes_only)
{
    if (index >= sizeof(names) / sizeof(names[0])) {
        return false;
    }
    *ret_pattern = names[index].pattern;
    *ret_changes_only = names[index].changes_only;
    return true;
}
