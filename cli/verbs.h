/* The verbs of the failcore program, one row each; each is a file or a folder of cli/. */
#ifndef FAILCORE_CLI_VERBS_H
#define FAILCORE_CLI_VERBS_H

/* name, function, summary */
#define VERB_TABLE(ROW)                                                                            \
    ROW("policy", verb_policy, "check, read, compare and test policies")                           \
    ROW("ps", verb_ps, "the runs that live now")                                                   \
    ROW("stop", verb_stop, "asks runs to end, and ends them after ten seconds")                    \
    ROW("kill", verb_kill, "ends runs now, whatever they do")                                      \
    ROW("resume", verb_resume, "lets runs go on after their circuit breaker has tripped")          \
    ROW("run", verb_run, "runs a command so that unsafe actions cannot happen")                    \
    ROW("audit", verb_audit, "verify, prove and export the audit log")                             \
    ROW("doctor", verb_doctor, "what this machine really enforces, and the mend")                  \
    ROW("errors", verb_errors, "every denial code and exit code with its meaning and mend")        \
    ROW("metrics", verb_metrics, "the log in numbers, for Prometheus")                             \
    ROW("top", verb_top, "live view of runs")                                                      \
    ROW("replay", verb_replay, "decide recorded requests again, touching nothing")                 \
    ROW("show", verb_show, "what happened in a run")                                               \
    ROW("why", verb_why, "why something was blocked, and what would allow it")                     \
    ROW("completion", verb_completion, "a script that completes command lines in your shell")

#define VERB_DECLARE(name, function, summary) int function(int argc, char **argv);
VERB_TABLE(VERB_DECLARE)
#undef VERB_DECLARE

#endif
