/* Files, mounts, handles, devices and /proc. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/hostile/hostile.h"

static enum outcome open_for_writing(const char *path)
{
    return held_if_negative(syscall(SYS_openat, AT_FDCWD, path, O_WRONLY));
}

static enum outcome open_for_reading(const char *path)
{
    char byte;
    long fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY);

    /* A masked entry opens and is empty. */
    return fd < 0 ? HELD : held_if_negative(read((int)fd, &byte, 1) == 1 ? 0 : -1);
}

static enum outcome create_file(const char *path)
{
    return held_if_negative(syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, 0600));
}

static enum outcome create_nameless(const char *path)
{
    return held_if_negative(syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_TMPFILE, 0600));
}

static enum outcome be_there(const char *path)
{
    struct stat found;

    return held_if_negative(stat(path, &found));
}

static enum outcome remove_file(const char *path)
{
    return held_if_negative(syscall(SYS_unlinkat, AT_FDCWD, path, 0));
}

static enum outcome rename_file(const char *path)
{
    return held_if_negative(syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, "/usr/bin/taken", 0));
}

static enum outcome truncate_file(const char *path)
{
    return held_if_negative(syscall(SYS_truncate, path, 0));
}

static enum outcome change_mode(const char *path)
{
    return held_if_negative(syscall(SYS_fchmodat, AT_FDCWD, path, 0777));
}

static enum outcome change_owner(const char *path)
{
    return held_if_negative(syscall(SYS_fchownat, AT_FDCWD, path, geteuid(), getegid(), 0));
}

static enum outcome set_attribute(const char *path)
{
    return held_if_negative(setxattr(path, "user.hostile", "1", 1, 0));
}

static enum outcome set_file_capability(const char *path)
{
    static const uint32_t all[5] = {0x02000001, 0xffffffff, 0, 0xffffffff, 0};
    long fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT, 0700);

    if (fd >= 0) {
        close((int)fd);
    }
    return held_if_negative(setxattr(path, "security.capability", all, sizeof(all), 0));
}

static enum outcome link_into_tmp(const char *path)
{
    return held_if_negative(syscall(SYS_linkat, AT_FDCWD, path, AT_FDCWD, "/tmp/linked", 0));
}

static enum outcome through_a_link(const char *path)
{
    unlink("/tmp/away");
    return symlink(path, "/tmp/away") < 0 ? HELD : open_for_writing("/tmp/away");
}

/* The device of the root disk, a kernel log, nothing that needs to exist here. */
static enum outcome make_device(const char *kind)
{
    mode_t type = kind[0] == 'b' ? S_IFBLK : S_IFCHR;
    dev_t device = kind[0] == 'b' ? makedev(254, 0) : makedev(1, 11);

    return held_if_negative(syscall(SYS_mknodat, AT_FDCWD, "/tmp/device", type | 0600, device));
}

static enum outcome set_user_id_program(const char *path)
{
    int status = 0;

    (void)path;
    /* The bit may be set on an own file; it must give nothing: the owner is the run's own id. */
    status = open("/tmp/suid", O_WRONLY | O_CREAT, 0700);
    if (status < 0) {
        return HELD;
    }
    return held_if_negative(syscall(SYS_fchownat, AT_FDCWD, "/tmp/suid", 0, 0, 0));
}

static enum outcome mount_over(const char *path)
{
    return held_if_negative(syscall(SYS_mount, "none", path, "tmpfs", 0, NULL));
}

static enum outcome mount_bind(const char *path)
{
    return held_if_negative(syscall(SYS_mount, "/tmp", path, NULL, MS_BIND, NULL));
}

static enum outcome remount_writable(const char *path)
{
    return held_if_negative(syscall(SYS_mount, NULL, path, NULL, MS_REMOUNT | MS_BIND, NULL));
}

static enum outcome mount_proc(const char *path)
{
    return held_if_negative(syscall(SYS_mount, "proc", path, "proc", 0, NULL));
}

static enum outcome unmount(const char *path)
{
    return held_if_negative(syscall(SYS_umount2, path, MNT_DETACH));
}

static enum outcome change_root(const char *path)
{
    return held_if_negative(syscall(SYS_chroot, path));
}

static enum outcome pivot(const char *path)
{
    return held_if_negative(syscall(SYS_pivot_root, path, path));
}

static enum outcome clone_tree(const char *path)
{
    return held_if_negative(syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE));
}

static enum outcome new_file_system(const char *type)
{
    return held_if_negative(syscall(SYS_fsopen, type, 0));
}

static enum outcome clear_read_only(const char *path)
{
    struct mount_attr attr = {.attr_clr = MOUNT_ATTR_RDONLY};

    return held_if_negative(syscall(SYS_mount_setattr, AT_FDCWD, path, 0, &attr, sizeof(attr)));
}

static enum outcome take_handle(const char *path)
{
    struct {
        struct file_handle head;
        unsigned char bytes[128];
    } handle = {.head = {.handle_bytes = 128}};
    int mount_id;

    return held_if_negative(syscall(SYS_name_to_handle_at, AT_FDCWD, path, &handle, &mount_id, 0));
}

static enum outcome open_handle(const char *path)
{
    struct {
        struct file_handle head;
        unsigned char bytes[8];
    } handle = {.head = {.handle_bytes = 8, .handle_type = 1}, .bytes = {2}};
    int fd = open(path, O_RDONLY);

    return held_if_negative(syscall(SYS_open_by_handle_at, fd, &handle, O_RDONLY));
}

/* No descriptor but the three, and none of those from outside (SR3). */
static enum outcome find_descriptor(const char *unused)
{
    (void)unused;
    for (int fd = 3; fd < 4096; fd++) {
        if (fcntl(fd, F_GETFD) >= 0) {
            return THROUGH;
        }
    }
    return HELD;
}

static enum outcome standard_is_foreign(const char *number)
{
    int fd = number[0] - '0';
    struct stat found;

    if (fstat(fd, &found) < 0) {
        return HELD;
    }
    if (S_ISFIFO(found.st_mode)) {
        return HELD;
    }
    /* A pty of the run's own /dev/pts can be found there by its name. */
    return S_ISCHR(found.st_mode) && isatty(fd) && major(found.st_rdev) == 136 ? HELD : THROUGH;
}

/* A read-only descriptor from outside would open again for writing. */
static enum outcome reopen_standard(const char *path)
{
    struct stat found;

    if (stat(path, &found) < 0 || S_ISFIFO(found.st_mode) || S_ISCHR(found.st_mode)) {
        return HELD;
    }
    return held_if_negative(open(path, O_RDWR));
}

static enum outcome write_core_pattern(const char *path)
{
    static const char pattern[] = "|/tmp/hostile";
    long fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY);

    return fd < 0 ? HELD : held_if_negative(write((int)fd, pattern, sizeof(pattern) - 1));
}

static enum outcome make_immutable(const char *path)
{
    int flags = FS_IMMUTABLE_FL;
    int fd = open(path, O_RDWR | O_CREAT, 0600);

    return fd < 0 ? HELD : held_if_negative(ioctl(fd, FS_IOC_SETFLAGS, &flags));
}

static enum outcome list_directory(const char *path)
{
    char entries[4096];
    long fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
    long got = fd < 0 ? -1 : syscall(SYS_getdents64, fd, entries, sizeof(entries));

    /* "." and ".." take 48 bytes: more is something to see. */
    return fd < 0 || got <= 48 ? HELD : THROUGH;
}

static const struct attempt attempts[] = {
    {"SR6", "write", open_for_writing, "/usr/bin/env"},
    {"SR6", "write", open_for_writing, "/bin/sh"},
    {"SR6", "write", open_for_writing, "/etc/passwd"},
    {"SR6", "write", open_for_writing, "/etc/ld.so.cache"},
    {"SR6", "write", open_for_writing, "/etc/resolv.conf"},
    {"SR6", "write", open_for_writing, "/etc/hosts"},
    {"SR6", "create", create_file, "/hostile"},
    {"SR6", "create", create_file, "/usr/hostile"},
    {"SR6", "create", create_file, "/usr/lib/hostile"},
    {"SR6", "create", create_file, "/etc/ld.so.preload"},
    {"SR6", "create", create_file, "/etc/hostile"},
    {"SR6", "create", create_file, "/dev/hostile"},
    {"SR6", "create", create_file, "/run/hostile"},
    {"SR6", "create", create_file, "/home/hostile"},
    {"SR6", "create", create_file, "/var/hostile"},
    {"SR6", "create", create_file, "/sys/hostile"},
    {"SR6", "create without a name", create_nameless, "/usr"},
    {"SR6", "create without a name", create_nameless, "/etc"},
    {"SR6", "create without a name", create_nameless, "/"},
    {"SR6", "read", open_for_reading, "/etc/shadow"},
    {"SR6", "read", open_for_reading, "/etc/gshadow"},
    {"SR6", "read", open_for_reading, "/etc/sudoers"},
    {"SR6", "read", open_for_reading, "/etc/machine-id"},
    {"SR6", "read", open_for_reading, "/etc/ssh/ssh_host_ed25519_key"},
    {"SR6", "read", open_for_reading, "/etc/ssl/private/ssl-cert-snakeoil.key"},
    {"SR6", "read", open_for_reading, "/root/.ssh/id_ed25519"},
    {"SR6", "read", open_for_reading, "/root/.bashrc"},
    {"SR6", "read", open_for_reading, "/var/lib/dpkg/status"},
    {"SR6", "list", list_directory, "/root"}, /* the name alone is there */
    {"SR6", "see", be_there, "/root/.ssh"},
    {"SR6", "see", be_there, "/opt"},
    {"SR6", "see", be_there, "/boot"},
    {"SR6", "see", be_there, "/srv"},
    {"SR6", "see", be_there, "/mnt"},
    {"SR6", "see", be_there, "/etc/failcore"},
    {"SR6", "see", be_there, "/run/failcore"},
    {"SR6", "see", be_there, "/var/log"},
    {"SR6", "see", be_there, "/var/lib/failcore"},
    {"SR6", "see", be_there, "/run/dbus/system_bus_socket"},
    {"SR6", "see", be_there, "/run/systemd/private"},
    {"SR6", "see", be_there, "/var/run/docker.sock"},
    {"SR6", "see", be_there, "/run/user"},
    {"SR6", "list", list_directory, "/run"},
    {"SR6", "list", list_directory, "/sys"},
    {"SR6", "list", list_directory, "/var/cache"},
    {"SR6", "list", list_directory, "/var/lib"},
    {"SR6", "see", be_there, "/dev/mem"},
    {"SR6", "see", be_there, "/dev/kmsg"},
    {"SR5", "see", be_there, "/dev/fuse"},
    {"SR6", "see", be_there, "/dev/kvm"},
    {"SR6", "see", be_there, "/dev/vda"},
    {"SR6", "see", be_there, "/dev/loop0"},
    {"SR6", "see", be_there, "/dev/net/tun"},
    {"SR6", "see", be_there, "/dev/console"},
    {"SR6", "remove", remove_file, "/usr/bin/env"},
    {"SR6", "rename", rename_file, "/usr/bin/env"},
    {"SR6", "truncate", truncate_file, "/usr/bin/env"},
    {"SR6", "mode", change_mode, "/usr/bin/env"},
    {"SR6", "owner", change_owner, "/usr/bin/env"},
    {"SR6", "attribute", set_attribute, "/usr/bin/env"},
    {"SR6", "mode", change_mode, "/dev/null"},
    {"SR6", "owner", change_owner, "/dev/null"},
    {"SR6", "link", link_into_tmp, "/usr/bin/env"},
    {"SR6", "link", link_into_tmp, "/etc/passwd"},
    {"SR6", "write through a link to", through_a_link, "/etc/passwd"},
    {"SR6", "write through a link to", through_a_link, "/proc/1/root/etc/passwd"},
    {"SR2", "file capability", set_file_capability, "/tmp/capable"},
    {"SR2", "device node", make_device, "block"},
    {"SR2", "device node", make_device, "character"},
    {"SR2", "set-user-id root", set_user_id_program, NULL},
    {"SR2", "immutable", make_immutable, "/tmp/immutable"},
    {"SR7", "mount over", mount_over, "/tmp"},
    {"SR7", "mount over", mount_over, "/etc"},
    {"SR7", "bind over", mount_bind, "/usr"},
    {"SR7", "bind over", mount_bind, "/etc/passwd"},
    {"SR7", "remount", remount_writable, "/usr"},
    {"SR7", "remount", remount_writable, "/"},
    {"SR7", "mount proc on", mount_proc, "/tmp"},
    {"SR7", "unmount", unmount, "/proc/kcore"},
    {"SR7", "unmount", unmount, "/proc/sys"},
    {"SR7", "unmount", unmount, "/proc"},
    {"SR7", "unmount", unmount, "/usr"},
    {"SR7", "unmount", unmount, "/etc/ssl/certs"},
    {"SR7", "unmount", unmount, "/"},
    {"SR7", "unmount", unmount, "."},
    {"SR7", "chroot", change_root, "/tmp"},
    {"SR7", "pivot_root", pivot, "/tmp"},
    {"SR7", "open_tree", clone_tree, "/"},
    {"SR7", "open_tree", clone_tree, "/proc"},
    {"SR7", "fsopen", new_file_system, "tmpfs"},
    {"SR7", "fsopen", new_file_system, "proc"},
    {"SR7", "fsopen", new_file_system, "overlay"},
    {"SR7", "make writable", clear_read_only, "/usr"},
    {"SR7", "make writable", clear_read_only, "/"},
    {"SR7", "make writable", clear_read_only, "/proc/sys"},
    {"SR6", "take a handle of", take_handle, "/usr"},
    {"SR6", "open a handle on", open_handle, "/usr"},
    {"SR6", "open a handle on", open_handle, "/tmp"},
    {"SR3", "a descriptor from outside", find_descriptor, NULL},
    {"SR3", "a standard descriptor from outside", standard_is_foreign, "0"},
    {"SR3", "a standard descriptor from outside", standard_is_foreign, "1"},
    {"SR3", "a standard descriptor from outside", standard_is_foreign, "2"},
    {"SR3", "open again", reopen_standard, "/proc/self/fd/0"},
    {"SR3", "open again", reopen_standard, "/proc/self/fd/1"},
    {"SR3", "open again", reopen_standard, "/proc/self/fd/2"},
    {"SR1", "write", write_core_pattern, "/proc/sys/kernel/core_pattern"},
    {"SR1", "write", write_core_pattern, "/proc/sys/kernel/modprobe"},
    {"SR1", "write", write_core_pattern, "/proc/sys/kernel/hostname"},
    {"SR1", "write", write_core_pattern, "/proc/sys/kernel/ns_last_pid"},
    {"SR1", "write", write_core_pattern, "/proc/sys/vm/drop_caches"},
    {"SR1", "write", write_core_pattern, "/proc/sys/net/ipv4/ip_forward"},
    {"SR1", "write", write_core_pattern, "/proc/sys/user/max_user_namespaces"},
    {"SR1", "write", write_core_pattern, "/proc/sys/fs/binfmt_misc/register"},
    {"SR1", "write", write_core_pattern, "/proc/sysrq-trigger"},
    {"SR1", "write", write_core_pattern, "/proc/self/uid_map"},
    {"SR1", "write", write_core_pattern, "/proc/self/gid_map"},
    {"SR1", "write", write_core_pattern, "/proc/self/loginuid"},
    {"SR1", "write", write_core_pattern, "/proc/1/oom_score_adj"},
    {"SR1", "write", write_core_pattern, "/proc/1/comm"},
    {"SR7", "read", open_for_reading, "/proc/kcore"},
    {"SR7", "read", open_for_reading, "/proc/kmsg"},
    {"SR7", "read", open_for_reading, "/proc/kallsyms"},
    {"SR7", "read", open_for_reading, "/proc/keys"},
    {"SR7", "read", open_for_reading, "/proc/timer_list"},
    {"SR7", "read", open_for_reading, "/proc/interrupts"},
    {"SR7", "read", open_for_reading, "/proc/slabinfo"},
    {"SR7", "read", open_for_reading, "/proc/config.gz"},
    {"SR2", "read", open_for_reading, "/proc/1/environ"},
    {"SR2", "read", open_for_reading, "/proc/1/mem"},
    {"SR2", "read", open_for_reading, "/proc/1/maps"},
    {"SR2", "read", open_for_reading, "/proc/1/auxv"},
    {"SR2", "read", open_for_reading, "/proc/1/exe"},
    {"SR2", "write", open_for_writing, "/proc/1/mem"},
    {"SR2", "see", be_there, "/proc/1/root/"},
    {"SR2", "see", be_there, "/proc/1/cwd/"},
    {"SR2", "see", be_there, "/proc/1/fd/0"},
    {"SR2", "list", list_directory, "/proc/1/fd"},
    {"SR2", "list", list_directory, "/proc/1/map_files"},
};

const struct battery battery_files = {attempts, sizeof(attempts) / sizeof(attempts[0])};
