#include "netguard/link/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

struct sysctl_row {
    const char *path; /* below /proc/sys/net */
    const char *value;
    bool optional; /* a kernel without it has nothing to close */
};

/* "default" is what later links start from, "all" what holds for each of them as well. */
static const struct sysctl_row closing[] = {
    {"ipv4/ip_forward", "0", false},
    {"ipv4/conf/all/accept_redirects", "0", false},
    {"ipv4/conf/default/accept_redirects", "0", false},
    {"ipv4/conf/all/secure_redirects", "0", false},
    {"ipv4/conf/default/secure_redirects", "0", false},
    {"ipv4/conf/all/send_redirects", "0", false},
    {"ipv4/conf/default/send_redirects", "0", false},
    {"ipv4/conf/all/accept_source_route", "0", false},
    {"ipv4/conf/default/accept_source_route", "0", false},
    {"ipv4/conf/all/rp_filter", "1", false},
    {"ipv4/conf/default/rp_filter", "1", false},
    /* The look back goes by the packet's mark as well (link_route_marked). */
    {"ipv4/conf/all/src_valid_mark", "1", false},
    {"ipv4/conf/all/arp_ignore", "1", false},
    {"ipv4/conf/default/arp_ignore", "1", false},
    {"ipv4/conf/all/arp_accept", "0", false},
    {"ipv4/conf/default/arp_accept", "0", false},
    {"ipv4/conf/all/route_localnet", "0", false},
    {"ipv4/conf/default/route_localnet", "0", false},
    {"ipv6/conf/all/forwarding", "0", true},
    {"ipv6/conf/all/accept_ra", "0", true},
    {"ipv6/conf/default/accept_ra", "0", true},
    {"ipv6/conf/all/autoconf", "0", true},
    {"ipv6/conf/default/autoconf", "0", true},
    {"ipv6/conf/all/accept_redirects", "0", true},
    {"ipv6/conf/default/accept_redirects", "0", true},
    {"ipv6/conf/all/accept_source_route", "-1", true},
    {"ipv6/conf/default/accept_source_route", "-1", true},
    {"ipv6/conf/all/accept_dad", "0", true},
    {"ipv6/conf/default/accept_dad", "0", true},
    /* A refused datagram is answered, each of them: else who sends the seventh within a second
     * waits for an answer that never comes. The rules bound how many there are. */
    {"ipv4/icmp_ratelimit", "0", false},
    {"ipv4/icmp_msgs_per_sec", "10000", true},
    {"ipv4/icmp_msgs_burst", "1000", true},
    {"ipv6/icmp/ratelimit", "0", true},
};

static const struct sysctl_row conntrack[] = {
    /* A packet from the middle of a flow never starts one: a killed flow stays dead. */
    {"netfilter/nf_conntrack_tcp_loose", "0", false},
    {"netfilter/nf_conntrack_tcp_be_liberal", "0", false},
    {"netfilter/nf_conntrack_checksum", "1", false},
    {"netfilter/nf_conntrack_acct", "1", false},
    /* Half-open flows are what a flood leaves behind (SR26). */
    {"netfilter/nf_conntrack_tcp_timeout_syn_sent", "20", true},
    {"netfilter/nf_conntrack_tcp_timeout_syn_recv", "20", true},
    {"netfilter/nf_conntrack_tcp_timeout_unacknowledged", "60", true},
    /* What has been closed on both sides is soon forgotten, and its end recorded. */
    {"netfilter/nf_conntrack_tcp_timeout_fin_wait", "30", true},
    {"netfilter/nf_conntrack_tcp_timeout_close_wait", "60", true},
    {"netfilter/nf_conntrack_tcp_timeout_last_ack", "10", true},
    {"netfilter/nf_conntrack_tcp_timeout_time_wait", "1", true},
    {"netfilter/nf_conntrack_tcp_timeout_close", "1", true},
    {"netfilter/nf_conntrack_udp_timeout", "30", true},
    {"netfilter/nf_conntrack_udp_timeout_stream", "120", true},
};

static const struct sysctl_row opening[] = {
    {"ipv4/ip_forward", "1", false},
    {"ipv6/conf/all/forwarding", "1", true},
};

static int write_rows(const struct sysctl_row *rows, size_t count, struct failure *reterr)
{
    AUTO_CLOSE int net = open("/proc/sys/net", O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (net < 0) {
        failure_set(reterr, -errno, "cannot open /proc/sys/net: %s", strerror(errno));
        failure_set_mend(reterr, "mount /proc");
        return -errno;
    }
    for (size_t i = 0; i < count; i++) {
        int error = write_text_at(net, rows[i].path, rows[i].value);

        if (error == -ENOENT && rows[i].optional) {
            continue;
        }
        if (error < 0) {
            failure_set(reterr, error, "cannot set /proc/sys/net/%s to %s: %s", rows[i].path,
                        rows[i].value, strerror(-error));
            failure_set_needed(reterr, "the guard's network namespace");
            failure_set_mend(reterr, "mount /proc/sys writable");
            return error;
        }
    }
    return 0;
}

int sysctl_close_namespace(struct failure *reterr)
{
    return write_rows(closing, sizeof(closing) / sizeof(closing[0]), reterr);
}

int sysctl_set_conntrack(struct failure *reterr)
{
    return write_rows(conntrack, sizeof(conntrack) / sizeof(conntrack[0]), reterr);
}

int sysctl_open_forwarding(struct failure *reterr)
{
    return write_rows(opening, sizeof(opening) / sizeof(opening[0]), reterr);
}

bool sysctl_forwards(void)
{
    AUTO_CLOSE int fd = open("/proc/sys/net/ipv4/ip_forward", O_RDONLY | O_CLOEXEC);
    char value = '0';

    return fd >= 0 && read(fd, &value, 1) == 1 && value == '1';
}
