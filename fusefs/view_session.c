#include "fusefs/view_session.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fusefs/server_confinement.h"
#include "fusefs/view_requests.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/base/file_io.h"
#include "shared/policy/denial_codes.h"

#define NAMES_BYTES_MAX (1024u * 1024u)
#define ABSENT_SECONDS  60u /* one record of a name in so long, whoever looks */

#define RULE   "builtin"
#define REASON "outside what this run can see"

struct view_session {
    struct view_session_options options;
    struct view_tree tree;
    struct view_service service;
    int device;
    struct view_reply reply;
    _Alignas(8) char request[VIEW_REQUEST_MAX];
};

static int record(void *context, const struct view_look *look)
{
    const struct view_session *session = context;
    const struct str_view rule = STR_VIEW_LITERAL(RULE);
    const struct str_view reason = STR_VIEW_LITERAL(REASON);
    const struct audit_event event = {
        .kind = AUDIT_KIND_DECISION,
        .source = AUDIT_SOURCE_FS,
        .status = AUDIT_STATUS_BLOCKED,
        .decision = AUDIT_DECISION_BLOCKED,
        .phase = AUDIT_PHASE_POLICY,
        .actor = {.tid = (pid_t)look->from->pid,
                  .uid = look->from->uid,
                  .gid = look->from->gid,
                  .present = true},
        .call.fs = {.operation = look->operation, .path = look->path},
        .rule = rule,
        .code = str_view_from(denial_code_word(DENIAL_OUTSIDE_VIEW)),
        .reason = reason,
        .error = look->error,
    };

    if (atomic_load_explicit(session->options.unrecorded, memory_order_relaxed) ||
        audit_emit(session->options.audit, &event, NULL) < 0) {
        return -EIO;
    }
    denials_add(session->options.denials, look->from->uid, look->operation,
                denial_code_word(DENIAL_OUTSIDE_VIEW), strerrorname_np(look->error), rule, reason,
                look->path);
    return 0;
}

/* -ENODEV: it is unmounted. What was interrupted before we had it (ENOENT) is nobody's any more. */
static int answer_one(struct view_session *session)
{
    ssize_t length = read(session->device, session->request, sizeof(session->request));
    int error;

    if (length < 0) {
        return errno == ENOENT || errno == EINTR || errno == EAGAIN ? 0 : -errno;
    }
    error = view_answer(&session->service, session->request, (size_t)length, &session->reply);
    if (error == 0 && session->reply.header.len > 0 &&
        write(session->device, &session->reply, session->reply.header.len) < 0) {
        error = errno == ENOENT ? 0 : -errno;
    }
    return error;
}

static void *serve(void *argument)
{
    const struct server_confinement nothing = {.passthrough = false};
    struct view_session *session = argument;
    int error = server_confine(&nothing);

    while (error == 0) {
        error = answer_one(session);
    }
    if (error != -ENODEV) {
        _exit(EXIT_CODE_FAILCORE_FAILED);
    }
    return NULL;
}

static int read_names(int names, struct view_tree *ret_tree)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    int error = memory_file_read(names, NAMES_BYTES_MAX, &text);

    return error < 0 ? error : view_tree_parse(text_buffer_view(&text), ret_tree);
}

int view_session_start(int device, int names, const struct view_session_options *options,
                       struct failure *reterr)
{
    struct view_session *session = calloc(1, sizeof(*session)); /* for as long as we live */
    AUTO_CLOSE int text = names;
    pthread_t thread;
    sigset_t all;
    sigset_t before;
    int error;

    if (session == NULL) {
        return failure_set(reterr, -ENOMEM, "out of memory");
    }
    error = read_names(text, &session->tree);
    if (error < 0) {
        free(session);
        return failure_set(reterr, error, "cannot read the names of the run's view: %s",
                           strerror(-error));
    }
    session->options = *options;
    session->device = device;
    session->service = (struct view_service){
        .tree = &session->tree,
        .absent_seconds = options->strict ? 0 : ABSENT_SECONDS,
        .record = record,
        .context = session,
    };
    sigfillset(&all); /* signals are the main thread's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&thread, NULL, serve, session);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) {
        view_tree_clear(&session->tree);
        free(session);
        return failure_set(reterr, -error, "cannot start a thread: %s", strerror(error));
    }
    (void)pthread_detach(thread);
    return 0;
}
