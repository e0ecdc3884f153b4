#include "tests/support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "tests/unit/policy/policy_text.h"

struct policy_directories test_directories(void)
{
    struct policy_directories directories = {0};
    const char *source = getenv("FAILCORE_SOURCE_DIR");

    snprintf(directories.path[PLACE_VENDOR], PATH_MAX, "%s/policies",
             source == NULL ? "." : source);
    return directories;
}

int try_policy_text(const char *text, struct policy **ret_policy, struct failure *reterr)
{
    struct policy_directories directories = test_directories();
    char path[] = "/tmp/failcore-policy-XXXXXX.yaml";
    const char *word = path;
    AUTO_CLOSE int fd = mkstemps(path, 5);
    int error;

    assert_true(fd >= 0);
    assert_int_equal(write_all(fd, text, strlen(text)), 0);
    error = policy_load_from(&word, 1, &directories, ret_policy, reterr);
    unlink(path);
    return error;
}

struct policy *policy_of_text(const char *text)
{
    struct failure failure = {0};
    struct policy *policy = NULL;

    if (try_policy_text(text, &policy, &failure) < 0) {
        failure_print(stderr, "policy_of_text", &failure);
        fail();
    }
    return policy;
}

struct policy *policy_of_words(const char *const *words, size_t count)
{
    struct policy_directories directories = test_directories();
    struct failure failure = {0};
    struct policy *policy = NULL;

    if (policy_load_from(words, count, &directories, &policy, &failure) < 0) {
        failure_print(stderr, "policy_of_words", &failure);
        fail();
    }
    return policy;
}

struct decision fs_decision(const struct policy *policy, enum fs_operation operation,
                            const char *path)
{
    const struct policy_state *state = policy_path_walk(policy, str_view_from(path));
    struct decision decision = policy_decide_fs(policy, state, operation);

    policy_state_unref(state);
    return decision;
}

struct decision net_decision(const struct policy *policy, const char *host, const char *address,
                             enum net_protocol protocol, uint16_t port)
{
    struct str_view name = str_view_from(host);
    struct net_request request = {
        .protocol = protocol, .port = port, .names = &name, .name_count = host == NULL ? 0 : 1};

    if (address != NULL) {
        assert_int_equal(ip_address_parse(str_view_from(address), &request.address), 0);
    }
    return policy_decide_net(policy, &request);
}
