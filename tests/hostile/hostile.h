/*
 * A hostile program: what an agent with bad intentions tries from inside a run, with raw system
 * calls and without any library of the view (it is linked statically).
 *
 * Each attempt answers whether it got through. HELD is the good answer; THROUGH fails the battery.
 * ABSENT means that this machine has nothing to attack there; the battery counts it apart.
 */
#ifndef FAILCORE_TESTS_HOSTILE_H
#define FAILCORE_TESTS_HOSTILE_H

#include <stddef.h>

enum outcome { THROUGH = 0, HELD, ABSENT };

struct attempt {
    const char *rule; /* SECURITY-RULES id that it attacks */
    const char *name;
    enum outcome (*try)(const char *argument);
    const char *argument;
};

struct battery {
    const struct attempt *attempts;
    size_t count;
};

extern const struct battery battery_files;
extern const struct battery battery_processes;
extern const struct battery battery_namespaces;
extern const struct battery battery_sockets;
extern const struct battery battery_calls;

/* HELD when the call failed. */
static inline enum outcome held_if_negative(long result)
{
    return result < 0 ? HELD : THROUGH;
}

#endif
