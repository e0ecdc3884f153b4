/*
 * How many bytes may be written through the mount in all (limits.disk). Taken before they are
 * written; the first that would be one too many is told to whoever supervises, and from then on
 * nothing is written.
 *
 * A name that is made counts as DISK_BYTES_OF_NAME, with what a link or an attribute holds, a
 * directory as DISK_BYTES_OF_DIRECTORY: about what a file system keeps for them.
 *
 * What is overwritten or deleted gives nothing back: it is work for the disk that is limited, not
 * space. Threads: any number.
 */
#ifndef FAILCORE_FUSEFS_DISK_BUDGET_H
#define FAILCORE_FUSEFS_DISK_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct disk_budget {
    _Atomic uint64_t written;
    uint64_t limit; /* UINT64_MAX: none */
    int told_fd;    /* borrowed; gets DISK_BUDGET_BYTE once; -1: nobody is told */
    atomic_bool told;
};

#define DISK_BUDGET_BYTE "D"

#define DISK_BYTES_OF_NAME      512U
#define DISK_BYTES_OF_DIRECTORY 4096U

void disk_budget_init(struct disk_budget *budget, uint64_t limit, int told_fd);
/* 0, or -EDQUOT and nothing taken. */
int disk_budget_take(struct disk_budget *budget, uint64_t bytes);
/* Of what was taken and not written. */
void disk_budget_give_back(struct disk_budget *budget, uint64_t bytes);

#endif
