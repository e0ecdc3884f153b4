/*
 * The layers of a run, one row each: what --plan prints and the START record lists. A row here
 * means that the layer is in force in every run that starts; nothing degrades silently.
 */
#ifndef FAILCORE_CLI_RUN_LAYERS_H
#define FAILCORE_CLI_RUN_LAYERS_H

/* word, what it does */
#define LAYER_TABLE(ROW)                                                                           \
    ROW("mount", "every file operation in the workspace is decided by failcore-mount")             \
    ROW("view", "a root of names alone, each look at another recorded; read-only system trees")    \
    ROW("namespaces", "user, mount, pid, ipc, uts, cgroup and network of its own")                 \
    ROW("worker-userns", "the command's user namespace owns none of the others")                   \
    ROW("no-capabilities", "no capability, none to be had: no_new_privs, empty bounding set")      \
    ROW("seccomp", "system calls of shared/confine/syscall_table.h refused; x32 and i386 end it")  \
    ROW("exec-records", "each program that is started is recorded before it begins")               \
    ROW("landlock", "the view's writable trees once more, and no signal out of the run")           \
    ROW("streams", "no descriptor from outside; standard ones are pumped")                         \
    ROW("pid1", "the run's first process is ours, hidden, and ends everything with it")            \
    ROW("supervision", "a dead daemon or supervisor ends the run at once")

#endif
