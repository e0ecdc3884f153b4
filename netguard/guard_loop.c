#include "netguard/guard_loop.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "netguard/clock.h"
#include "netguard/control.h"
#include "netguard/flow/processor_choice.h"
#include "netguard/guard_breaker.h"
#include "netguard/guard_flows.h"
#include "netguard/nft/ruleset.h"
#include "shared/base/service_manager.h"

enum polled_fd {
    POLLED_QUEUE = 0,
    POLLED_RESOLVER,
    POLLED_DROPS,
    POLLED_ENDED,
    POLLED_HOST,
    POLLED_KEEPER,
    POLLED_LISTENER,
    POLLED_SUPERVISOR,
    POLLED_AUDIT,
    POLLED_SIGNALS,
    POLLED_COUNT
};

/* What waits and what comes at once, but not for longer than a flood would like: the heartbeat and
 * everybody else must have their turn. */
#define PACKETS_AT_ONCE 64
#define TURN_NS         1000000U

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

static void drain_queue(struct guard *guard, struct processor_choice *processor)
{
    const uint64_t began = clock_now_ns();
    struct packet_turn turn = {guard, processor};
    uint64_t now = began;
    int packets = 0;

    while (packets < PACKETS_AT_ONCE && now - began < TURN_NS &&
           packet_queue_read(&guard->queue, judge_packet, &turn) != -EAGAIN) {
        packets++;
        now = clock_now_ns();
    }
    if (processor_choice_on_turn(processor, packets == PACKETS_AT_ONCE, now)) {
        processor_choice_take(processor);
    }
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

/* One turn; true when the guard must end. */
static bool serve_once(struct guard *guard, struct pollfd *polled, struct pulse *pulse)
{
    uint64_t now = clock_now_ms();

    if (now >= pulse->next_beat_ms) {
        if (processor_choice_on_beat(&pulse->processor, now - pulse->next_beat_ms)) {
            processor_choice_take(&pulse->processor);
        }
        if (guard_heartbeat(guard) < 0 || guard_count_bytes(guard) < 0) {
            return true;
        }
        guard_end_waiting(guard);
        (void)audit_producer_flush(
            guard->gate.audit); /* POLLED_AUDIT sees a writer that has gone */
        guard_look_for_ended(guard);
        if (pulse->sign_ms >= 0 && now >= pulse->next_sign_ms) {
            tell_manager(guard, pulse->manager, "WATCHDOG=1");
            pulse->next_sign_ms = now + (uint64_t)pulse->sign_ms;
        }
        pulse->next_beat_ms = now + RULESET_HEARTBEAT_MS;
    }
    if (guard_breaker_look(guard) < 0) {
        return true;
    }
    if (poll(polled, POLLED_COUNT, (int)(pulse->next_beat_ms - now)) < 0) {
        return errno != EINTR;
    }
    if (polled[POLLED_SUPERVISOR].revents != 0 || polled[POLLED_AUDIT].revents != 0 ||
        polled[POLLED_SIGNALS].revents != 0 || polled[POLLED_KEEPER].revents != 0) {
        return true;
    }
    if (polled[POLLED_QUEUE].revents != 0) {
        drain_queue(guard, &pulse->processor);
    }
    if (polled[POLLED_RESOLVER].revents != 0 && guard_serve_resolver(guard) < 0) {
        return true;
    }
    if (polled[POLLED_DROPS].revents != 0) {
        drop_log_read(&guard->drop_log, &guard->gate);
    }
    if (polled[POLLED_HOST].revents != 0 && guard_update_host(guard) < 0) {
        return true;
    }
    if (polled[POLLED_ENDED].revents != 0) {
        guard_record_ended(guard);
    }
    return polled[POLLED_LISTENER].revents != 0 &&
           control_serve(guard, polled[POLLED_LISTENER].fd) == CONTROL_STOP;
}

void guard_loop_run(struct guard *guard, const struct guard_loop *loop)
{
    int fds[POLLED_COUNT] = {
        [POLLED_QUEUE] = packet_queue_fd(&guard->queue),
        [POLLED_RESOLVER] = guard->resolver,
        [POLLED_DROPS] = drop_log_fd(&guard->drop_log),
        [POLLED_HOST] = host_networks_fd(&guard->host),
        [POLLED_KEEPER] = guard->uplink.keeper,
        [POLLED_ENDED] = conntrack_fd(&guard->conntrack),
        [POLLED_LISTENER] = loop->listener,
        [POLLED_SUPERVISOR] = loop->supervisor,
        [POLLED_AUDIT] = audit_producer_alarm_fd(guard->gate.audit),
        [POLLED_SIGNALS] = loop->signals,
    };
    struct pollfd polled[POLLED_COUNT];
    struct pulse pulse = {.processor = processor_choice_init(guard->queue.count),
                          .next_beat_ms = clock_now_ms(),
                          .manager = loop->manager,
                          .sign_ms = service_manager_watchdog_ms()};

    for (size_t i = 0; i < POLLED_COUNT; i++) {
        polled[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    }
    tell_manager(guard, loop->manager, "READY=1");
    while (!serve_once(guard, polled, &pulse)) {
    }
}
