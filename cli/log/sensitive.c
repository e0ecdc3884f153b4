#include "cli/log/sensitive.h"

#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>

struct sensitive_name {
    const char *pattern; /* over one component, or over the end of the path when it has a slash */
    const char *what;
};

static const struct sensitive_name names[] = {
    {".env", "a file of secrets"},
    {".env.*", "a file of secrets"},
    {".envrc", "a file that direnv executes"},
    {"*.pem", "a key or certificate"},
    {"*.key", "a private key"},
    {"*.p12", "a key store"},
    {"*.pfx", "a key store"},
    {"*.jks", "a key store"},
    {"*.kdbx", "a password store"},
    {"id_rsa*", "an SSH key"},
    {"id_dsa*", "an SSH key"},
    {"id_ecdsa*", "an SSH key"},
    {"id_ed25519*", "an SSH key"},
    {".ssh", "SSH keys and settings"},
    {".gnupg", "GnuPG keys"},
    {".aws", "cloud credentials"},
    {".azure", "cloud credentials"},
    {"gcloud", "cloud credentials"},
    {".kube", "cluster credentials"},
    {".docker", "registry credentials"},
    {".netrc", "passwords"},
    {".pgpass", "passwords"},
    {".npmrc", "registry credentials"},
    {".pypirc", "registry credentials"},
    {".git-credentials", "passwords"},
    {"*credential*", "credentials"},
    {"*secret*", "a secret, by its name"},
    {"*password*", "a secret, by its name"},
    {"*token*", "a secret, by its name"},
    {"shadow", "password hashes"},
    {"gshadow", "password hashes"},
    {"sudoers", "the rules of sudo"},
    {".bashrc", "a file that shells execute"},
    {".profile", "a file that shells execute"},
    {".zshrc", "a file that shells execute"},
    {".vscode", "tasks that an editor executes"},
    {".idea", "tasks that an editor executes"},
    {"crontab", "a file that cron executes"},
    {".gitattributes", "filters that git executes"},
    {".gitmodules", "a file that git trusts"},
    {".git/hooks", "files that git executes"},
    {".git/config", "a file that git trusts"},
    {".git/modules", "files that git trusts"},
};

static const char *component_sensitivity(const char *component, const char *rest)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *pattern = names[i].pattern;
        size_t length = strlen(pattern);

        if (strchr(pattern, '/') == NULL ? fnmatch(pattern, component, FNM_CASEFOLD) == 0
                                         : strncmp(rest, pattern, length) == 0 &&
                                               (rest[length] == '\0' || rest[length] == '/')) {
            return names[i].what;
        }
    }
    return NULL;
}

const char *path_sensitivity(struct str_view path)
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
            what = component_sensitivity(component, at);
        }
        if (what != NULL) {
            return what;
        }
        at += length;
        at += *at == '/';
    }
    return NULL;
}
