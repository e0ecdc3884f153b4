#include "netguard/flow/queue_patience.h"

struct queue_patience queue_patience_init(long processors)
{
    return (struct queue_patience){.alone = processors < 2};
}

static bool is_recent(const struct queue_patience *patience, uint64_t now_ns)
{
    return patience->judged_at_ns != 0 && now_ns - patience->judged_at_ns < QUEUE_PATIENCE_NS;
}

void queue_patience_on_packet(struct queue_patience *patience, uint64_t now_ns)
{
    if (patience->looks) {
        patience->misses = 0;
        patience->looks = false;
    }
    patience->waits =
        !patience->alone && is_recent(patience, now_ns) && now_ns >= patience->rests_until_ns;
    if (patience->waits && patience->owed > 0) {
        patience->owed--;
        patience->waits = false;
    }
}

void queue_patience_on_verdict(struct queue_patience *patience, uint64_t now_ns)
{
    patience->judged_at_ns = now_ns;
}

bool queue_patience_lasts(struct queue_patience *patience, uint64_t now_ns)
{
    if (patience->waits && is_recent(patience, now_ns)) {
        patience->looks = true;
        return true;
    }
    if (patience->looks) { /* in vain */
        patience->looks = false;
        patience->misses += patience->misses < QUEUE_PATIENCE_MISSES ? 1 : 0;
        patience->owed = 1U << patience->misses;
    }
    patience->waits = false;
    return false;
}

void queue_patience_on_turn(struct queue_patience *patience, uint64_t since_ns, uint64_t now_ns)
{
    if (now_ns - since_ns > QUEUE_PATIENCE_LONG_NS) {
        patience->waits = patience->looks = false;
        patience->rests_until_ns = now_ns + QUEUE_PATIENCE_REST_NS;
    }
}
