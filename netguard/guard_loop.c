#include "netguard/guard_loop.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "netguard/clock.h"
#include "netguard/control.h"
#include "netguard/flow/processor_choice.h"
#include "netguard/guard_breaker.h"
#include "netguard/guard_flows.h"
#include "netguard/nft/ruleset.h"
#include "shared/base/cleanup.h"
#include "shared/base/service_manager.h"

/*
 * Nearly every turn is the queue's, and a client waits for it: each descriptor that is polled costs
 * that client something. So most of them wait behind one. The alarm of the log cannot: its number
 * stands for another file when another writer was found.
 */
enum polled_fd { POLLED_QUEUE = 0, POLLED_AUDIT, POLLED_OTHERS, POLLED_COUNT };

enum other_fd {
    OTHER_RESOLVER = 0,
    OTHER_DROPS,
    OTHER_ENDED,
    OTHER_HOST,
    OTHER_KEEPER,
    OTHER_LISTENER,
    OTHER_SUPERVISOR,
    OTHER_SIGNALS,
    OTHER_COUNT
};
#define OTHER(fd) (1U << OTHER_##fd)

struct packet_turn {
    struct guard *guard;
    struct processor_choice *processor;
};

static void judge_packet(void *context, const struct queued_packet *packet)
{
    const struct packet_turn *turn = context;

    processor_choice_on_packet(turn->processor, packet->place.number);
    guard_judge_packet(turn->guard, packet);
}

/* What the loop does by the clock. */
struct pulse {
    struct processor_choice processor;
    uint64_t next_beat_ms;
    uint64_t next_sign_ms; /* of life, to the service manager */
    int sign_ms;           /* -1: it does not ask */
    int manager;           /* socket; -1: nobody's service */
};

static void tell_manager(const struct guard *guard, int manager, const char *state)
{
    char text[256];

    snprintf(text, sizeof(text),
             "%s\nSTATUS=open; packets judged %llu, refused %llu; names asked %llu, refused %llu",
             state, (unsigned long long)guard->packets_judged,
             (unsigned long long)guard->packets_refused, (unsigned long long)guard->names.asked,
             (unsigned long long)guard->names.refused);
    (void)service_manager_say(manager, text);
}

/* The heartbeat, when it is time; true when the guard must end. */
static bool beat(struct guard *guard, struct pulse *pulse, uint64_t now)
{
    if (now < pulse->next_beat_ms) {
        return false;
    }
    if (processor_choice_on_beat(&pulse->processor, now - pulse->next_beat_ms)) {
        processor_choice_take(&pulse->processor);
    }
    if (guard_heartbeat(guard) < 0 || guard_count_bytes(guard) < 0) {
        return true;
    }
    guard_end_waiting(guard);
    (void)audit_producer_flush(guard->gate.audit); /* POLLED_AUDIT sees a writer that has gone */
    guard_look_for_ended(guard);
    if (pulse->sign_ms >= 0 && now >= pulse->next_sign_ms) {
        tell_manager(guard, pulse->manager, "WATCHDOG=1");
        pulse->next_sign_ms = now + (uint64_t)pulse->sign_ms;
    }
    pulse->next_beat_ms = now + RULESET_HEARTBEAT_MS;
    return false;
}

/* OTHER() of those that something has come for. */
static unsigned int others_ready(int others)
{
    struct epoll_event events[OTHER_COUNT];
    int count = epoll_wait(others, events, OTHER_COUNT, 0);
    unsigned int ready = 0;

    for (int i = 0; i < count; i++) {
        ready |= 1U << events[i].data.u32;
    }
    return ready;
}

/* True when the guard must end. */
static bool serve_others(struct guard *guard, const struct guard_loop *loop, unsigned int ready)
{
    if ((ready & OTHER(RESOLVER)) != 0 && guard_serve_resolver(guard) < 0) {
        return true;
    }
    if ((ready & OTHER(DROPS)) != 0) {
        drop_log_read(&guard->drop_log, &guard->gate);
    }
    if ((ready & OTHER(HOST)) != 0 && guard_update_host(guard) < 0) {
        return true;
    }
    if ((ready & OTHER(ENDED)) != 0) {
        guard_record_ended(guard);
    }
    return (ready & OTHER(LISTENER)) != 0 && control_serve(guard, loop->listener) == CONTROL_STOP;
}

/*
 * One packet, and back to the poll, which says sooner than the queue that there is no other: a
 * client waits until the guard sleeps. The heartbeat and everybody else have their turn in a flood,
 * too.
 */
static void serve_queue(struct guard *guard, struct processor_choice *processor, uint64_t now_ns)
{
    struct packet_turn turn = {guard, processor};

    (void)packet_queue_read(&guard->queue, judge_packet, &turn);
    if (processor_choice_on_verdict(processor, now_ns)) {
        processor_choice_take(processor);
    }
}

/* One turn; true when the guard must end. */
static bool serve_once(struct guard *guard, const struct guard_loop *loop, struct pollfd *polled,
                       struct pulse *pulse)
{
    const uint64_t now_ns = clock_now_ns(), now = now_ns / 1000000U;
    unsigned int ready;

    if (beat(guard, pulse, now) || guard_breaker_look(guard) < 0) {
        return true;
    }
    if (poll(polled, POLLED_COUNT, (int)(pulse->next_beat_ms - now)) < 0) {
        return errno != EINTR;
    }
    ready = polled[POLLED_OTHERS].revents != 0 ? others_ready(polled[POLLED_OTHERS].fd) : 0;
    if (polled[POLLED_AUDIT].revents != 0 ||
        (ready & (OTHER(SUPERVISOR) | OTHER(SIGNALS) | OTHER(KEEPER))) != 0) {
        return true;
    }
    if (polled[POLLED_QUEUE].revents != 0) {
        serve_queue(guard, &pulse->processor, now_ns);
    }
    return ready != 0 && serve_others(guard, loop, ready);
}

/* A descriptor that becomes readable when one of the others does. */
static int gather_others(const struct guard *guard, const struct guard_loop *loop)
{
    const int fds[OTHER_COUNT] = {
        [OTHER_RESOLVER] = guard->resolver,
        [OTHER_DROPS] = drop_log_fd(&guard->drop_log),
        [OTHER_HOST] = host_networks_fd(&guard->host),
        [OTHER_KEEPER] = guard->uplink.keeper,
        [OTHER_ENDED] = conntrack_fd(&guard->conntrack),
        [OTHER_LISTENER] = loop->listener,
        [OTHER_SUPERVISOR] = loop->supervisor,
        [OTHER_SIGNALS] = loop->signals,
    };
    AUTO_CLOSE int others = epoll_create1(EPOLL_CLOEXEC);

    for (uint32_t i = 0; others >= 0 && i < OTHER_COUNT; i++) {
        struct epoll_event wanted = {.events = EPOLLIN, .data.u32 = i};

        if (fds[i] >= 0 && epoll_ctl(others, EPOLL_CTL_ADD, fds[i], &wanted) < 0) {
            return -1;
        }
    }
    return take_fd(&others);
}

void guard_loop_run(struct guard *guard, const struct guard_loop *loop)
{
    AUTO_CLOSE int others = gather_others(guard, loop);
    struct pollfd polled[POLLED_COUNT] = {
        [POLLED_QUEUE] = {.fd = packet_queue_fd(&guard->queue), .events = POLLIN},
        [POLLED_AUDIT] = {.fd = audit_producer_alarm_fd(guard->gate.audit), .events = POLLIN},
        [POLLED_OTHERS] = {.fd = others, .events = POLLIN},
    };
    struct pulse pulse = {.processor = processor_choice_init(guard->queue.count),
                          .next_beat_ms = clock_now_ms(),
                          .manager = loop->manager,
                          .sign_ms = service_manager_watchdog_ms()};

    if (others < 0) {
        return; /* nobody would hear of the end */
    }
    tell_manager(guard, loop->manager, "READY=1");
    while (!serve_once(guard, loop, polled, &pulse)) {
    }
}
