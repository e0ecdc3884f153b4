/* The verbs of failcore-netns. Each is given argv from its own name on and returns an exit code. */
#ifndef FAILCORE_NETGUARD_NETNS_NETNS_VERBS_H
#define FAILCORE_NETGUARD_NETNS_NETNS_VERBS_H

/* name, function, summary */
#define NETNS_VERB_TABLE(ROW)                                                                      \
    ROW("create", netns_create_verb, "make a guarded network; it stays until it is deleted")       \
    ROW("exec", netns_exec_verb, "run a command in it; makes it first when there is none")         \
    ROW("list", netns_list_verb, "the guarded networks of this user")                              \
    ROW("status", netns_status_verb, "what a network's guard is doing")                            \
    ROW("reload", netns_reload_verb, "read its policies again; live flows are judged anew")        \
    ROW("resume", netns_resume_verb, "let it go on after its breaker has tripped")                 \
    ROW("delete", netns_delete_verb, "end a guarded network")

#define NETNS_VERB_DECLARE(name, function, summary) int function(int argc, char **argv);
NETNS_VERB_TABLE(NETNS_VERB_DECLARE)
#undef NETNS_VERB_DECLARE

#endif
