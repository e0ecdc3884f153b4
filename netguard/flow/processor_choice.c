#include "netguard/flow/processor_choice.h"

struct processor_choice processor_choice_init(uint16_t queues)
{
    struct processor_choice choice = {.queues = queues, .chosen = PROCESSOR_ANY};

    CPU_ZERO(&choice.of_process);
    /* More processors than a cpu_set_t has: it runs where the kernel likes. */
    if (sched_getaffinity(0, sizeof(choice.of_process), &choice.of_process) < 0 ||
        CPU_COUNT(&choice.of_process) < 2) {
        choice.queues = 1;
    }
    return choice;
}

static bool choose(struct processor_choice *choice, uint16_t number)
{
    const bool another = choice->chosen != number;

    choice->chosen = number;
    choice->in_row = 0;
    return another;
}

void processor_choice_on_packet(struct processor_choice *choice, uint16_t number)
{
    choice->idle = false;
    choice->in_row = number == choice->latest ? choice->in_row + 1 : 1;
    choice->latest = number;
}

bool processor_choice_on_verdict(struct processor_choice *choice, uint64_t now_ns)
{
    if (choice->queues < 2 || choice->rests || choice->latest == choice->chosen ||
        choice->in_row < PROCESSOR_FOLLOW || now_ns - choice->since_ns < PROCESSOR_STAY_NS) {
        return false;
    }
    choice->since_ns = now_ns;
    return choose(choice, choice->latest);
}

bool processor_choice_on_beat(struct processor_choice *choice, uint64_t late_ms)
{
    const bool idle = choice->idle;

    choice->idle = true;
    choice->rests = late_ms >= PROCESSOR_LATE_MS;
    return (idle || choice->rests) && choose(choice, PROCESSOR_ANY);
}

cpu_set_t processor_choice_set(const struct processor_choice *choice)
{
    cpu_set_t set;

    if (choice->chosen == PROCESSOR_ANY) {
        return choice->of_process;
    }
    CPU_ZERO(&set);
    for (unsigned int i = choice->chosen; i < CPU_SETSIZE; i += choice->queues) {
        if (CPU_ISSET(i, &choice->of_process)) {
            CPU_SET(i, &set);
        }
    }
    return set;
}

void processor_choice_take(const struct processor_choice *choice)
{
    const cpu_set_t set = processor_choice_set(choice);

    if (CPU_COUNT(&set) > 0) {
        (void)sched_setaffinity(0, sizeof(set), &set);
    }
}
