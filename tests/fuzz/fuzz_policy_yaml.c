/*
 * The YAML loader: whatever comes in, it is refused with a place and a mend, or it is a policy
 * whose canonical form is the same policy with the same hash, and which answers.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/policy/policy_load.h"
#include "shared/policy/policy_merge.h"
#include "shared/policy/policy_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void require(bool held, const char *what)
{
    if (!held) {
        fprintf(stderr, "does not hold: %s\n", what);
        abort();
    }
}

static struct policy *compile(struct str_view text)
{
    static const struct document_source source = {.file = "fuzz.yaml"};
    struct arena arena = {0};
    struct model *own;
    struct model *whole = NULL;
    struct policy *policy = NULL;
    struct failure failure = {0};
    bool resolved;
    int error =
        policy_read(text, &source, STR_VIEW_LITERAL("fuzz"), &arena, &own, &resolved, &failure);

    if (error == 0) {
        whole = arena_alloc(&arena, sizeof(*whole));
        require(whole != NULL, "memory");
        error = model_adopt(whole, own, resolved, &arena, &failure);
    }
    if (error < 0) {
        require(error == -EINVAL, "an invalid policy is -EINVAL");
        require(strncmp(failure.needed, "fuzz.yaml:", 10) == 0, "file:line:column");
        require(failure.what[0] != '\0' && failure.mend[0] != '\0', "what and mend");
        arena_clear(&arena);
        return NULL;
    }
    model_close_absent(whole);
    model_sort(whole);
    require(policy_compile(whole, &arena, &policy, &failure) == 0, "a valid policy compiles");
    return policy;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct policy *policy =
        compile((struct str_view){.bytes = (const char *)bytes, .length = length});
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    const struct policy_state *state;
    struct policy *again = NULL;
    struct failure failure = {0};
    int fd;

    if (policy == NULL) {
        return 0;
    }
    require(policy_print(policy, &text) == 0, "prints");
    fd = memory_file_from("policy", text_buffer_text(&text), text.length);
    require(fd >= 0, "memory file");
    if (policy_load_resolved_fd(fd, &again, &failure) < 0) {
        failure_print(stderr, "again", &failure);
        fputs(text_buffer_text(&text), stderr);
        abort();
    }
    close(fd);
    if (strcmp(policy_hash(policy), policy_hash(again)) != 0) {
        fputs(text_buffer_text(&text), stderr);
        require(false, "the same hash");
    }
    state = policy_path_walk(again, STR_VIEW_LITERAL("a/.git/x"));
    for (unsigned int operation = 0; operation < FS_OPERATION_COUNT; operation++) {
        struct decision decision = policy_decide_fs(again, state, (enum fs_operation)operation);

        require(decision_permits(decision) == (decision.code == DENIAL_NONE), "a code or none");
    }
    policy_state_unref(state);
    policy_unref(policy);
    policy_unref(again);
    return 0;
}
