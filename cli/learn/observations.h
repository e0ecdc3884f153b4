/*
 * What a run was permitted to do, by name: the raw material of a learned policy. Refused attempts
 * are kept apart, for comments only; so are permitted ones that nobody should allow by machine
 * (SECURITY-RULES SR31).
 *
 * Ownership: release with observations_clear().
 */
#ifndef FAILCORE_CLI_LEARN_OBSERVATIONS_H
#define FAILCORE_CLI_LEARN_OBSERVATIONS_H

#include "cli/log/tally.h"
#include "shared/audit/record_reader.h"
#include "shared/policy/operations.h"

/* Numbers of the rows of `names`. */
enum learned_name {
    NAME_OPERATIONS = 0, /* 1 << enum fs_operation */
    NAME_REQUESTS,
    NAME_IS_DIRECTORY,
};

/* Numbers of the rows of `hosts`, whose keys are "host:port". */
enum learned_host { LEARNED_REQUESTS = 0 };

/* Two names that traded places: their rules must agree (SR12). */
struct name_pair {
    struct tally_row *from;
    struct tally_row *to;
};

struct observations {
    struct tally names; /* by path */
    struct tally hosts;
    struct tally refused;    /* sentences; numbers: requests */
    struct tally suspicious; /* sentences: permitted, and left closed all the same */
    struct tally foreign;    /* sentences: what a policy of text cannot say */
    struct name_pair *pairs;
    size_t pair_count;
    size_t pair_capacity;
    uint64_t requests;
    bool has_files;
};

int observations_add(struct observations *observations, const struct audit_record *record);
void observations_clear(struct observations *observations);

#endif
