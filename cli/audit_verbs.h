/* The verbs of `failcore audit`, one row each. */
#ifndef FAILCORE_CLI_AUDIT_VERBS_H
#define FAILCORE_CLI_AUDIT_VERBS_H

/* name, function, summary */
#define AUDIT_VERB_TABLE(ROW)                                                                      \
    ROW("verify", verb_audit_verify, "is every record there, unchanged and in order")              \
    ROW("prove", verb_audit_prove, "a proof that a record is in the log; checked without it")      \
    ROW("check-proof", verb_audit_check_proof, "does a proof hold")                                \
    ROW("pin", verb_audit_pin, "the current checkpoint, to be kept elsewhere")                     \
    ROW("export", verb_audit_export, "the log in the words of other tools")                        \
    ROW("normalize", verb_audit_normalize, "a run without clocks and chance, to be compared")      \
    ROW("report", verb_audit_report, "one self-contained HTML file about a run")                   \
    ROW("--html", verb_audit_report, "the same for the last run, on standard output")

#define VERB_DECLARE(name, function, summary) int function(int argc, char **argv);
AUDIT_VERB_TABLE(VERB_DECLARE)
#undef VERB_DECLARE

#endif
