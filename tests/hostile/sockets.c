/* Sockets: families, raw types, the network's configuration, sockets of the machine. */
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/hostile/hostile.h"

static enum outcome family(const char *number)
{
    long wanted = strtol(number, NULL, 0);

    for (int type = SOCK_STREAM; type <= SOCK_SEQPACKET; type++) {
        if (syscall(SYS_socket, wanted, type, 0) >= 0) {
            return THROUGH;
        }
    }
    return HELD;
}

static enum outcome raw(const char *number)
{
    long wanted = strtol(number, NULL, 0);

    return held_if_negative(syscall(SYS_socket, wanted, SOCK_RAW, IPPROTO_RAW)) == HELD &&
                   syscall(SYS_socket, wanted, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP) < 0
               ? HELD
               : THROUGH;
}

static enum outcome netlink(const char *number)
{
    return held_if_negative(
        syscall(SYS_socket, AF_NETLINK, SOCK_RAW, (int)strtol(number, NULL, 10)));
}

/* A change of links, addresses or routes, answered by the kernel. */
static enum outcome configure(const char *what)
{
    struct {
        struct nlmsghdr header;
        union {
            struct ifinfomsg link;
            struct ifaddrmsg address;
            struct rtmsg route;
        } body;
    } request = {.header = {.nlmsg_len = sizeof(request),
                            .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE}};
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        char rest[512];
    } answer = {0};
    int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

    if (fd < 0) {
        return HELD;
    }
    switch (what[0]) {
    case 'l':
        request.header.nlmsg_type = RTM_NEWLINK;
        request.body.link = (struct ifinfomsg){.ifi_index = 1, .ifi_change = IFF_UP};
        break;
    case 'd':
        request.header.nlmsg_type = RTM_DELLINK;
        request.body.link = (struct ifinfomsg){.ifi_index = 2};
        break;
    case 'a':
        request.header.nlmsg_type = RTM_NEWADDR;
        request.body.address = (struct ifaddrmsg){.ifa_family = AF_INET, .ifa_index = 1};
        break;
    default:
        request.header.nlmsg_type = RTM_NEWROUTE;
        request.body.route = (struct rtmsg){.rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN};
        break;
    }
    if (send(fd, &request, sizeof(request), 0) < 0 || recv(fd, &answer, sizeof(answer), 0) < 0) {
        return HELD;
    }
    return answer.header.nlmsg_type == NLMSG_ERROR && answer.error.error == -EPERM ? HELD : THROUGH;
}

static enum outcome interface_flags(const char *name)
{
    struct ifreq request = {0};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    memcpy(request.ifr_name, name, strlen(name));
    request.ifr_flags = 0;
    return fd < 0 ? HELD : held_if_negative(ioctl(fd, SIOCSIFFLAGS, &request));
}

static enum outcome socket_option(const char *number)
{
    int option = (int)strtol(number, NULL, 10);
    int value = 1;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    return fd < 0 ? HELD
                  : held_if_negative(setsockopt(fd, SOL_SOCKET, option, &value, sizeof(value)));
}

static enum outcome transparent(const char *unused)
{
    int value = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    (void)unused;
    return fd < 0 ? HELD
                  : held_if_negative(setsockopt(fd, SOL_IP, IP_TRANSPARENT, &value, sizeof(value)));
}

static enum outcome connect_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    memcpy(address.sun_path, path, strlen(path) + 1);
    return fd < 0
               ? HELD
               : held_if_negative(connect(fd, (const struct sockaddr *)&address, sizeof(address)));
}

/* Abstract names belong to the network namespace: the machine's are not there. */
static enum outcome connect_abstract(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    memcpy(address.sun_path + 1, name, strlen(name));
    return fd < 0 ? HELD
                  : held_if_negative(connect(fd, (const struct sockaddr *)&address,
                                             (socklen_t)(sizeof(sa_family_t) + 1 + strlen(name))));
}

static const struct attempt attempts[] = {
    {"SR7", "family packet", family, "17"},
    {"SR7", "family key", family, "15"},
    {"SR7", "family alg", family, "38"},
    {"SR7", "family vsock", family, "40"},
    {"SR7", "family xdp", family, "44"},
    {"SR7", "family bluetooth", family, "31"},
    {"SR7", "family can", family, "29"},
    {"SR7", "family tipc", family, "30"},
    {"SR7", "family rds", family, "21"},
    {"SR7", "family rxrpc", family, "33"},
    {"SR7", "family kcm", family, "41"},
    {"SR7", "family smc", family, "43"},
    {"SR7", "family mctp", family, "45"},
    {"SR7", "family ax25", family, "3"},
    {"SR7", "family appletalk", family, "5"},
    {"SR7", "family x25", family, "9"},
    {"SR7", "family nfc", family, "39"},
    {"SR7", "family caif", family, "37"},
    {"SR7", "family packet, high bits", family, "0x100000011"},
    {"SR7", "raw", raw, "2"},
    {"SR7", "raw", raw, "10"},
    {"SR7", "netlink netfilter", netlink, "12"},
    {"SR7", "netlink audit", netlink, "9"},
    {"SR7", "netlink generic", netlink, "16"},
    {"SR7", "netlink uevent", netlink, "15"},
    {"SR7", "netlink xfrm", netlink, "6"},
    {"SR2", "configure", configure, "link"},
    {"SR2", "configure", configure, "delete the link"},
    {"SR2", "configure", configure, "address"},
    {"SR2", "configure", configure, "route"},
    {"SR2", "interface flags", interface_flags, "lo"},
    {"SR2", "mark", socket_option, "36"},
    {"SR2", "debug", socket_option, "1"},
    {"SR2", "receive buffer by force", socket_option, "33"},
    {"SR2", "transparent", transparent, NULL},
    {"SR6", "connect", connect_unix, "/run/dbus/system_bus_socket"},
    {"SR6", "connect", connect_unix, "/run/systemd/private"},
    {"SR6", "connect", connect_unix, "/var/run/docker.sock"},
    {"SR6", "connect", connect_unix, "/run/failcore/control"},
    {"SR6", "connect", connect_unix, "/tmp/.X11-unix/X0"},
    {"SR6", "connect abstract", connect_abstract, "/tmp/.X11-unix/X0"},
    {"SR6", "connect abstract", connect_abstract, "/containerd-shim/hostile"},
    {"SR6", "connect abstract", connect_abstract, "failcore-hostile-host"},
};

const struct battery battery_sockets = {attempts, sizeof(attempts) / sizeof(attempts[0])};
