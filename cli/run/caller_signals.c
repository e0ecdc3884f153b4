#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/run/messages.h"
#include "cli/run/supervisor_state.h"

static const int watched_signals[] = {SIGINT,  SIGTERM,  SIGHUP,  SIGQUIT, SIGUSR1,
                                      SIGUSR2, SIGWINCH, SIGCONT, SIGCHLD};

int caller_signals_watch(struct supervisor *supervisor)
{
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(watched_signals) / sizeof(watched_signals[0]); i++) {
        sigaddset(&set, watched_signals[i]);
    }
    (void)signal(SIGPIPE, SIG_IGN); /* a closed standard output ends the pump, not us */
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) {
        return -errno;
    }
    supervisor->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return supervisor->signals < 0 ? -errno : 0;
}

void caller_signals_pass(const struct supervisor *supervisor, int signal)
{
    const struct message message = {.kind = MESSAGE_SIGNAL, .signal = signal};

    (void)message_send(supervisor->socket, &message, NULL, 0);
}

void caller_signals_take(struct supervisor *supervisor)
{
    struct signalfd_siginfo info;

    while (read(supervisor->signals, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo == SIGWINCH) {
            streams_copy_window_size(&supervisor->streams);
        } else if (info.ssi_signo != SIGCONT && info.ssi_signo != SIGCHLD) {
            caller_signals_pass(supervisor, (int)info.ssi_signo);
        }
    }
}

void caller_signals_stop_with_the_command(struct supervisor *supervisor)
{
    const struct message go_on = {.kind = MESSAGE_CONTINUE};

    if (!streams_want_terminal(&supervisor->streams)) {
        return;
    }
    streams_terminal_leave(&supervisor->streams);
    (void)kill(0, SIGSTOP);
    streams_terminal_enter(&supervisor->streams);
    (void)message_send(supervisor->socket, &go_on, NULL, 0);
}
