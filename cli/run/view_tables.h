/*
 * What every run sees of the machine, one row each: a fixed list without sockets or FIFOs. A
 * read-only bind does not stop connect() on a socket or a write into a FIFO, so nothing that holds
 * such things (/run, /var/run, /tmp, home directories) is ever on it.
 */
#ifndef FAILCORE_CLI_RUN_VIEW_TABLES_H
#define FAILCORE_CLI_RUN_VIEW_TABLES_H

/* Directories of the system; where the machine has a link (merged /usr), the run has the link. */
#define VIEW_SYSTEM_TABLE(ROW)                                                                     \
    ROW("usr")                                                                                     \
    ROW("bin")                                                                                     \
    ROW("sbin")                                                                                    \
    ROW("lib")                                                                                     \
    ROW("lib32")                                                                                   \
    ROW("lib64")                                                                                   \
    ROW("libx32")

/* Names in /etc that programs need and that tell nothing about this machine's users and secrets. */
#define VIEW_ETC_TABLE(ROW)                                                                        \
    ROW("alternatives")                                                                            \
    ROW("bash.bashrc")                                                                             \
    ROW("bash_completion.d")                                                                       \
    ROW("bindresvport.blacklist")                                                                  \
    ROW("ca-certificates")                                                                         \
    ROW("ca-certificates.conf")                                                                    \
    ROW("crypto-policies")                                                                         \
    ROW("debian_version")                                                                          \
    ROW("default/locale")                                                                          \
    ROW("ethertypes")                                                                              \
    ROW("fonts")                                                                                   \
    ROW("gai.conf")                                                                                \
    ROW("gitconfig")                                                                               \
    ROW("host.conf")                                                                               \
    ROW("inputrc")                                                                                 \
    ROW("issue")                                                                                   \
    ROW("java-17-openjdk")                                                                         \
    ROW("ld.so.cache")                                                                             \
    ROW("ld.so.conf")                                                                              \
    ROW("ld.so.conf.d")                                                                            \
    ROW("locale.alias")                                                                            \
    ROW("locale.conf")                                                                             \
    ROW("localtime")                                                                               \
    ROW("login.defs")                                                                              \
    ROW("lsb-release")                                                                             \
    ROW("magic")                                                                                   \
    ROW("magic.mime")                                                                              \
    ROW("mailcap")                                                                                 \
    ROW("mime.types")                                                                              \
    ROW("nanorc")                                                                                  \
    ROW("networks")                                                                                \
    ROW("nsswitch.conf")                                                                           \
    ROW("os-release")                                                                              \
    ROW("perl")                                                                                    \
    ROW("pki/ca-trust")                                                                            \
    ROW("pki/tls/certs")                                                                           \
    ROW("profile")                                                                                 \
    ROW("profile.d")                                                                               \
    ROW("protocols")                                                                               \
    ROW("python3")                                                                                 \
    ROW("python3.9")                                                                               \
    ROW("python3.10")                                                                              \
    ROW("python3.11")                                                                              \
    ROW("python3.12")                                                                              \
    ROW("python3.13")                                                                              \
    ROW("rpc")                                                                                     \
    ROW("services")                                                                                \
    ROW("shells")                                                                                  \
    ROW("skel")                                                                                    \
    ROW("ssl/cert.pem")                                                                            \
    ROW("ssl/certs")                                                                               \
    ROW("ssl/openssl.cnf")                                                                         \
    ROW("terminfo")                                                                                \
    ROW("timezone")                                                                                \
    ROW("vim")                                                                                     \
    ROW("vimrc")                                                                                   \
    ROW("zsh")

/* Names in /etc that are written for the run (view_files.h). */
#define VIEW_WRITTEN_TABLE(ROW)                                                                    \
    ROW("passwd")                                                                                  \
    ROW("group")                                                                                   \
    ROW("resolv.conf")                                                                             \
    ROW("hosts")                                                                                   \
    ROW("hostname")

/* Directories of the run's own: empty, or something of its own is mounted there. */
#define VIEW_DIRECTORY_TABLE(ROW)                                                                  \
    ROW("dev/pts")                                                                                 \
    ROW("dev/shm")                                                                                 \
    ROW("etc")                                                                                     \
    ROW("proc")                                                                                    \
    ROW("run")                                                                                     \
    ROW("sys")                                                                                     \
    ROW("tmp")                                                                                     \
    ROW("var/cache")                                                                               \
    ROW("var/lib")

/*
 * Where people's files are. They are there, so that a look at something in them is recorded by its
 * own name; to list one is refused. One that something is mounted in is a directory.
 */
#define VIEW_ELSEWHERE_TABLE(ROW)                                                                  \
    ROW("home")                                                                                    \
    ROW("root")

/*
 * What the C library and ordinary programs look for at each start, on any machine, and do without:
 * absent in every run, and asking for it is not an attempt at anything. Nothing that could hold a
 * secret, or somebody's name, belongs here.
 */
#define VIEW_ABSENT_TABLE(ROW)                                                                     \
    ROW("etc/arch-release")                                                                        \
    ROW("etc/curlrc")                                                                              \
    ROW("etc/debian_chroot")                                                                       \
    ROW("etc/env.d")                                                                               \
    ROW("etc/fedora-release")                                                                      \
    ROW("etc/gitattributes")                                                                       \
    ROW("etc/gnutls")                                                                              \
    ROW("etc/iproute2")                                                                            \
    ROW("etc/ld.so.nohwcap")                                                                       \
    ROW("etc/ld.so.preload")                                                                       \
    ROW("etc/manpath.config")                                                                      \
    ROW("etc/netsvc.conf")                                                                         \
    ROW("etc/npmrc")                                                                               \
    ROW("etc/pip.conf")                                                                            \
    ROW("etc/redhat-release")                                                                      \
    ROW("etc/selinux")                                                                             \
    ROW("etc/suid-debug")                                                                          \
    ROW("etc/svc.conf")                                                                            \
    ROW("etc/sysless")                                                                             \
    ROW("etc/syslesskey")                                                                          \
    ROW("etc/wgetrc")                                                                              \
    ROW("etc/xdg")                                                                                 \
    ROW("node_modules")                                                                            \
    ROW("package.json")                                                                            \
    ROW("run/nscd")                                                                                \
    ROW("run/systemd")                                                                             \
    ROW("selinux")                                                                                 \
    ROW("sys/devices")                                                                             \
    ROW("sys/fs")                                                                                  \
    ROW("sys/kernel")

/* Device nodes, bound one by one. */
#define VIEW_DEVICE_TABLE(ROW)                                                                     \
    ROW("null")                                                                                    \
    ROW("zero")                                                                                    \
    ROW("full")                                                                                    \
    ROW("random")                                                                                  \
    ROW("urandom")                                                                                 \
    ROW("tty")

/* name, target */
#define VIEW_LINK_TABLE(ROW)                                                                       \
    ROW("dev/fd", "/proc/self/fd")                                                                 \
    ROW("dev/stdin", "/proc/self/fd/0")                                                            \
    ROW("dev/stdout", "/proc/self/fd/1")                                                           \
    ROW("dev/stderr", "/proc/self/fd/2")                                                           \
    ROW("dev/ptmx", "pts/ptmx")                                                                    \
    ROW("etc/mtab", "/proc/self/mounts")                                                           \
    ROW("var/tmp", "/tmp")                                                                         \
    ROW("var/run", "/run")

/* Entries of /proc that speak about the machine, not about the run: nothing to read there. */
#define VIEW_PROC_MASKED_TABLE(ROW)                                                                \
    ROW("acpi")                                                                                    \
    ROW("asound")                                                                                  \
    ROW("config.gz")                                                                               \
    ROW("interrupts")                                                                              \
    ROW("iomem")                                                                                   \
    ROW("ioports")                                                                                 \
    ROW("kallsyms")                                                                                \
    ROW("kcore")                                                                                   \
    ROW("key-users")                                                                               \
    ROW("keys")                                                                                    \
    ROW("kmsg")                                                                                    \
    ROW("kpagecgroup")                                                                             \
    ROW("kpagecount")                                                                              \
    ROW("kpageflags")                                                                              \
    ROW("latency_stats")                                                                           \
    ROW("mtrr")                                                                                    \
    ROW("sched_debug")                                                                             \
    ROW("scsi")                                                                                    \
    ROW("slabinfo")                                                                                \
    ROW("sysrq-trigger")                                                                           \
    ROW("timer_list")                                                                              \
    ROW("timer_stats")                                                                             \
    ROW("vmallocinfo")

/* Readable, never writable, whoever the workload is. */
#define VIEW_PROC_READ_ONLY_TABLE(ROW)                                                             \
    ROW("bus")                                                                                     \
    ROW("driver")                                                                                  \
    ROW("fs")                                                                                      \
    ROW("irq")                                                                                     \
    ROW("sys")                                                                                     \
    ROW("tty")

/* A mount of the workspace may not lie at, above or (the last column) below these. */
#define VIEW_RESERVED_TABLE(ROW)                                                                   \
    ROW("/proc", true)                                                                             \
    ROW("/sys", true)                                                                              \
    ROW("/dev", true)                                                                              \
    ROW("/etc", true)                                                                              \
    ROW("/run", true)                                                                              \
    ROW("/usr", false)                                                                             \
    ROW("/bin", true)                                                                              \
    ROW("/sbin", true)                                                                             \
    ROW("/lib", true)                                                                              \
    ROW("/lib32", true)                                                                            \
    ROW("/lib64", true)                                                                            \
    ROW("/libx32", true)                                                                           \
    ROW("/tmp", false)                                                                             \
    ROW("/usr/bin", true)                                                                          \
    ROW("/usr/sbin", true)                                                                         \
    ROW("/usr/lib", true)                                                                          \
    ROW("/usr/lib64", true)                                                                        \
    ROW("/var/tmp", true) /* links, in the view */                                                 \
    ROW("/var/run", true)

#endif
