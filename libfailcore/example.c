/*
 * Decide, record, then do:
 *
 *     cc example.c $(pkg-config --cflags --libs libfailcore)
 *     ./a.out POLICY AUDIT-DIRECTORY PATH
 */
#include <failcore.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    struct failcore_decision decision = {.size = sizeof(decision)};
    struct failcore_verdict_of_log verdict = {.size = sizeof(verdict)};
    struct failcore_error error = {0};
    struct failcore_policy *policy = NULL;
    struct failcore_audit *audit = NULL;
    const char *words[1];
    int done = 1;

    if (argc != 4) {
        fprintf(stderr, "usage: %s POLICY AUDIT-DIRECTORY PATH\n", argv[0]);
        return 2;
    }
    words[0] = argv[1];
    if (failcore_policy_open(words, 1, &policy, &error) == 0 &&
        failcore_audit_open(argv[2], "example", policy, &audit, &error) == 0 &&
        failcore_decide(policy, "fs", "read", argv[3], &decision, &error) == 0 &&
        failcore_audit_decision(audit, "fs", "read", argv[3], &decision) == 0) {
        printf("run %s: %s%s%s\n", failcore_audit_run(audit),
               decision.permitted ? "may be read" : "may not be read: ", decision.code,
               decision.permitted ? "" : " by its policy");
        done = decision.permitted ? 0 : 77;
    } else {
        fprintf(stderr, "example: %s\n  %s\n  %s\n", error.what, error.needed, error.mend);
    }
    failcore_audit_close(audit);
    failcore_policy_close(policy);
    if (done != 1 && failcore_verify(argv[2], NULL, &verdict, &error) == 0) {
        printf("%llu records, %s\n", (unsigned long long)verdict.records,
               verdict.intact ? "intact" : verdict.why);
    }
    return done;
}
