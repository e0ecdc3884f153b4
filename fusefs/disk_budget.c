#include "fusefs/disk_budget.h"

#include <errno.h>
#include <unistd.h>

void disk_budget_init(struct disk_budget *budget, uint64_t limit, int told_fd)
{
    atomic_init(&budget->written, 0);
    atomic_init(&budget->told, false);
    budget->limit = limit;
    budget->told_fd = told_fd;
}

int disk_budget_take(struct disk_budget *budget, uint64_t bytes)
{
    uint64_t before;

    if (budget->limit == UINT64_MAX) {
        return 0;
    }
    before = atomic_fetch_add(&budget->written, bytes);
    if (before <= budget->limit && bytes <= budget->limit - before) {
        return 0;
    }
    atomic_fetch_sub(&budget->written, bytes);
    if (budget->told_fd >= 0 && !atomic_exchange(&budget->told, true)) {
        (void)!write(budget->told_fd, DISK_BUDGET_BYTE, 1);
    }
    return -EDQUOT;
}

void disk_budget_give_back(struct disk_budget *budget, uint64_t bytes)
{
    if (budget->limit != UINT64_MAX) {
        atomic_fetch_sub(&budget->written, bytes);
    }
}
