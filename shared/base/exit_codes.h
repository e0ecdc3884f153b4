/* The exit codes of every program, in one table (CONTRACT: "Exit codes"). */
#ifndef FAILCORE_BASE_EXIT_CODES_H
#define FAILCORE_BASE_EXIT_CODES_H

/* name, number, meaning, mend */
#define EXIT_CODE_TABLE(ROW)                                                                       \
    ROW(OK, 0, "allowed, intact or unchanged", "")                                                 \
    ROW(USAGE, 2, "the command line is wrong", "see --help")                                       \
    ROW(POLICY_INVALID, 65, "a policy is invalid; nothing was started",                            \
        "mend the file at the line and column named")                                              \
    ROW(DENIED, 77, "denied; verification, test or lint failed; the replay differs",               \
        "failcore why names the rule")                                                             \
    ROW(TIME_LIMIT, 124, "stopped by a time limit", "raise limits.wall_time in the policy")        \
    ROW(FAILCORE_FAILED, 125, "failcore itself failed before the command began",                   \
        "the three lines on stderr say what to do")                                                \
    ROW(CANNOT_EXECUTE, 126, "the command was found but cannot be executed",                       \
        "check its mode and the policy's process rules")                                           \
    ROW(NOT_FOUND, 127, "the command was not found", "check PATH inside the view")                 \
    ROW(KILLED, 137, "killed by a limit or the breaker", "failcore show names the limit")

enum exit_code {
#define EXIT_CODE_ENUM(name, number, meaning, mend) EXIT_CODE_##name = (number),
    EXIT_CODE_TABLE(EXIT_CODE_ENUM)
#undef EXIT_CODE_ENUM
};

#endif
