/* failcore run: one command, every layer. The parts are in this folder; docs/ARCHITECTURE.md. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/run/options.h"
#include "cli/run/plan.h"
#include "cli/run/supervisor.h"
#include "cli/verbs.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/confine/descriptors.h"
#include "shared/confine/landlock.h"

/* What is enforced today; a policy that asks for more is refused whole. */
#define ENFORCED                                                                                   \
    (POLICY_PART_FILESYSTEM | POLICY_PART_NETWORK | POLICY_PART_NAME_CHECK | POLICY_PART_AUDIT |   \
     POLICY_PART_LIMITS | POLICY_PART_SANDBOX | POLICY_PART_PROCESS | POLICY_PART_BREAKER)

static int refuse(const struct failure *failure, int exit_code)
{
    failure_print(stderr, run_command.name, failure);
    return exit_code;
}

static int check_policy(const struct run_plan *plan, struct failure *reterr)
{
    return policy_requires_only(plan->policy, ENFORCED, reterr);
}

/* What --strict does not accept; of the limits, limits_prepare() says it. */
static int check_strict(const struct run_plan *plan, struct failure *reterr)
{
    const int abi = landlock_abi();

    if (!plan->options->strict || abi >= LANDLOCK_ABI_WHOLE) {
        return 0;
    }
    failure_set(reterr, -EOPNOTSUPP,
                "Landlock here is of ABI %d, which keeps no signal and no abstract socket in", abi);
    failure_set_needed(reterr, "--strict, which accepts no weaker form of a layer");
    failure_set_mend(reterr, "boot Linux 6.12 or newer, or leave --strict out");
    return -EOPNOTSUPP;
}

static int run(const struct run_plan *plan, struct waiting_daemons *waiting, int argc, char **argv)
{
    struct run_result result = {0};
    struct failure failure = {0};

    supervisor_run(plan, waiting, argv, argc, &result, &failure);
    if (failure.what[0] != '\0') {
        failure_print(stderr, run_command.name, &failure);
    }
    return run_exit_code(&result);
}

/* The programs of the run are called as soon as it is known that they are needed: they are loaded
 * while the plan is made. */
static int make_plan(const struct run_options *options, struct run_plan *plan,
                     struct waiting_daemons *waiting, struct failure *reterr)
{
    char id[RUN_ID_SIZE];
    int error = run_id_make(id);

    if (error < 0) {
        return failure_set(reterr, error, "cannot make a run id: %s", strerror(-error));
    }
    error = options->plan ? 0 : mount_call(id, waiting, reterr);
    error = error < 0 ? error : run_plan_read(options, id, plan, reterr);
    if (error == 0 && plan->guard && !options->plan) {
        error = guard_call(id, waiting, reterr);
    }
    error = error < 0 ? error : run_plan_complete(plan, reterr);
    error = error < 0 ? error : check_policy(plan, reterr);
    error = error < 0 ? error : check_strict(plan, reterr);
    return error < 0
               ? error
               : limits_prepare(plan->policy, plan->id, options->strict, &plan->limits, reterr);
}

int verb_run(int argc, char **argv)
{
    struct run_options options;
    struct failure failure = {0};
    AUTO(run_plan_clear)
    struct run_plan plan = {.runtime = -1, .workspace_fd = -1, .identity = {.claim_fd = -1}};
    AUTO(daemons_dismiss) struct waiting_daemons waiting = WAITING_DAEMONS_NONE;
    int error;

    if (descriptors_fill_standard() < 0) {
        return EXIT_CODE_FAILCORE_FAILED;
    }
    if (run_options_parse(argc, argv, &options, &failure) < 0) {
        return refuse(&failure, EXIT_CODE_USAGE);
    }
    if (options.help) {
        command_table_print_help(stdout, &run_command);
        return EXIT_CODE_OK;
    }
    error = make_plan(&options, &plan, &waiting, &failure);
    if (error < 0) {
        bool of_policy = plan.policy_invalid || error == -EOPNOTSUPP ||
                         (error == -EINVAL && failure.needed[0] != '\0');

        return refuse(&failure, of_policy ? EXIT_CODE_POLICY_INVALID : EXIT_CODE_FAILCORE_FAILED);
    }
    if (options.plan) {
        return run_plan_print(stdout, &plan, options.json) < 0 ? EXIT_CODE_FAILCORE_FAILED
                                                               : EXIT_CODE_OK;
    }
    return run(&plan, &waiting, argc, argv);
}
