/* What is told of an execve: the arguments wherever they lie, and that nobody is left. */
#include "tests/support/unit.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/confine/exec_watch.h"

#define PAGE 4096U
#define MANY 3000U

/* Two pages: a name in the first, and an argument over their border. */
struct places {
    char *pages;
    char *other;
    char *many[MANY + 1];
};

static void lay_out(struct places *places)
{
    places->pages =
        mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    places->other = strdup("elsewhere");
    memcpy(places->pages, "/nowhere/program", 17);
    memcpy(places->pages + 32, "beside", 7);
    memset(places->pages + PAGE - 8, 'x', 16);
    for (size_t i = 0; i < MANY; i++) {
        places->many[i] = places->pages + 200;
    }
    memset(places->pages + 200, 'y', 99);
}

_Noreturn static void try_some(int socket)
{
    struct places places = {0};
    char *nothing[] = {NULL};
    int listener;

    lay_out(&places);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        _exit(1);
    }
    listener = exec_watch_begin();
    if (listener < 0 || send_with_fds(socket, "L", 1, &listener, 1) < 0) {
        _exit(2);
    }
    close(listener);
    execve(places.pages, (char *[]){places.pages, places.pages + 32, NULL}, nothing);
    execve(places.pages, (char *[]){places.pages, places.other, NULL}, nothing);
    execve(places.pages, (char *[]){places.pages + PAGE - 8, places.pages, NULL}, nothing);
    execve(places.pages, places.many, nothing);
    syscall(SYS_execve, places.pages, NULL, nothing);
    _exit(errno == EACCES ? 0 : 3);
}

static void expect(int listener, const char *arguments, size_t length, size_t count)
{
    AUTO(exec_notice_clear) struct exec_notice notice = {0};

    assert_int_equal(exec_watch_receive(listener, &notice), 0);
    assert_string_equal(text_buffer_text(&notice.path), "/nowhere/program");
    assert_int_equal(notice.arguments.length, length);
    assert_int_equal(notice.argument_count, count);
    assert_false(notice.cut);
    if (length > 0) {
        assert_memory_equal(notice.arguments.bytes, arguments, length);
    }
    assert_int_equal(exec_watch_answer(listener, &notice, -EACCES), 0);
}

static void expect_cut(int listener)
{
    AUTO(exec_notice_clear) struct exec_notice notice = {0};

    assert_int_equal(exec_watch_receive(listener, &notice), 0);
    assert_true(notice.cut);
    assert_true(notice.arguments.length <= EXEC_ARGUMENTS_MAX + PAGE);
    assert_int_equal(exec_watch_answer(listener, &notice, -EACCES), 0);
}

/* The kernel lets a process and its parents have one listener among them: a run has one already. */
static bool somebody_listens(void)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        _exit(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && exec_watch_begin() == -EBUSY);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

static void ring(int signal)
{
    (void)signal;
}

static void arguments_are_told_wherever_they_lie(void **state)
{
    const struct sigaction interrupt = {.sa_handler = ring}; /* no SA_RESTART */
    struct exec_notice none = {0};
    int error;
    int ends[2];
    int listener = -1;
    size_t count = 1;
    char byte;
    int status = 0;
    pid_t pid;

    (void)state;
    if (somebody_listens()) {
        print_message("needs to be outside a run: one listener of execs is all that can be\n");
        skip();
    }
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    pid = fork();
    if (pid == 0) {
        try_some(ends[1]);
    }
    close(ends[1]);
    assert_int_equal(receive_with_fds(ends[0], &byte, 1, &listener, &count), 1);
    expect(listener, "/nowhere/program\0beside", 24, 2);
    expect(listener, "/nowhere/program\0elsewhere", 27, 2);
    expect(listener, "xxxxxxxxxxxxxxxx\0/nowhere/program", 34, 2);
    expect_cut(listener);
    expect(listener, "", 0, 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    /* Kernels before 6.11 wait for a signal. */
    assert_int_equal(sigaction(SIGALRM, &interrupt, NULL), 0);
    alarm(3);
    error = exec_watch_receive(listener, &none);
    assert_true(error == -ECONNRESET || error == -EINTR);
    alarm(0);
    close(listener);
    close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_are_told_wherever_they_lie),
    };

    return cmocka_run_group_tests_name("exec_watch", tests, NULL, NULL);
}
