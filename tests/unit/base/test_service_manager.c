#include "tests/support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/base/service_manager.h"

/* A service manager: a datagram socket of its own for each test. */
struct manager {
    int socket;
    char path[64];
};

static int begin(void **state)
{
    struct manager *manager = calloc(1, sizeof(*manager));
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(manager->path, sizeof(manager->path), "/tmp/failcore-notify.%d", (int)getpid());
    memcpy(address.sun_path, manager->path, strlen(manager->path));
    (void)unlink(manager->path);
    manager->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    *state = manager;
    return bind(manager->socket, (struct sockaddr *)&address, sizeof(address)) +
           setenv("NOTIFY_SOCKET", manager->path, 1);
}

static int end(void **state)
{
    struct manager *manager = *state;

    (void)unlink(manager->path);
    close(manager->socket);
    free(manager);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return unsetenv("NOTIFY_SOCKET");
}

/* The next message; the descriptor that came with it, or -1. */
static int hear(const struct manager *manager, const char *wanted)
{
    char text[256] = "";
    int fd = -1;
    size_t count = 1;
    ssize_t length = receive_with_fds(manager->socket, text, sizeof(text) - 1, &fd, &count);

    assert_true(length >= 0);
    assert_string_equal(text, wanted);
    return count == 1 ? fd : -1;
}

static void nobody_listens_without_a_socket(void **state)
{
    (void)state;
    assert_true(service_manager_listens());
    unsetenv("NOTIFY_SOCKET");
    assert_false(service_manager_listens());
    assert_int_equal(service_manager_tell("READY=1"), 0);
    assert_int_equal(service_manager_connect(), -ENOTCONN);
    assert_int_equal(service_manager_say(-1, "READY=1"), 0);
    assert_int_equal(service_manager_store("x", 0), -ENOTCONN);
    setenv("NOTIFY_SOCKET", "relative", 1);
    assert_false(service_manager_listens());
    setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
    assert_int_equal(service_manager_tell("READY=1"), -ENOENT);
}

static void what_is_told_is_heard(void **state)
{
    const struct manager *manager = *state;

    assert_int_equal(service_manager_tell("READY=1\nSTATUS=serving"), 0);
    assert_int_equal(hear(manager, "READY=1\nSTATUS=serving"), -1);
}

static void *play_manager(void *argument)
{
    const struct manager *manager = argument;
    int kept = hear(manager, "FDSTORE=1\nFDPOLL=0\nFDNAME=fuse");
    int barrier = hear(manager, "BARRIER=1");

    assert_true(kept >= 0);
    assert_true(barrier >= 0);
    assert_int_equal(write(kept, "x", 1), 1);
    close(kept);
    close(barrier);
    return NULL;
}

static void a_descriptor_is_stored_before_the_call_returns(void **state)
{
    int ends[2];
    pthread_t thread;
    char byte = 0;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(pthread_create(&thread, NULL, play_manager, *state), 0);
    assert_int_equal(service_manager_store("fuse", ends[1]), 0);
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(byte, 'x');
    close(ends[0]);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void a_descriptor_is_taken_by_its_name(void **state)
{
    const struct manager *manager = *state;
    char pid[16];
    int fd;

    assert_int_equal(service_manager_take("fuse"), -ENOENT);
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "2", 1);
    setenv("LISTEN_FDNAMES", "fus:fuse", 1);
    (void)dup2(manager->socket, 4);
    fd = service_manager_take("fuse");
    assert_int_equal(fd, 4);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(hear(manager, "FDSTOREREMOVE=1\nFDNAME=fuse"), -1);
    assert_int_equal(service_manager_take("fu"), -ENOENT);
    setenv("LISTEN_FDS", "1", 1); /* a name without a descriptor */
    assert_int_equal(service_manager_take("fuse"), -ENOENT);
    setenv("LISTEN_FDS", "2", 1);
    setenv("LISTEN_PID", "1", 1); /* meant for our parent */
    assert_int_equal(service_manager_take("fuse"), -ENOENT);
    if (manager->socket != 4) {
        close(4);
    }
}

static void the_watchdog_is_asked_for_in_microseconds(void **state)
{
    char pid[16];

    (void)state;
    assert_int_equal(service_manager_watchdog_ms(), -1);
    setenv("WATCHDOG_USEC", "30000000", 1);
    assert_int_equal(service_manager_watchdog_ms(), 15000);
    setenv("WATCHDOG_PID", "1", 1);
    assert_int_equal(service_manager_watchdog_ms(), -1);
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    assert_int_equal(service_manager_watchdog_ms(), 15000);
    setenv("WATCHDOG_USEC", "10x", 1);
    assert_int_equal(service_manager_watchdog_ms(), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nobody_listens_without_a_socket, begin, end),
        cmocka_unit_test_setup_teardown(what_is_told_is_heard, begin, end),
        cmocka_unit_test_setup_teardown(a_descriptor_is_stored_before_the_call_returns, begin, end),
        cmocka_unit_test_setup_teardown(a_descriptor_is_taken_by_its_name, begin, end),
        cmocka_unit_test_setup_teardown(the_watchdog_is_asked_for_in_microseconds, begin, end),
    };

    return cmocka_run_group_tests_name("service_manager", tests, NULL, NULL);
}
