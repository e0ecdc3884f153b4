#include "cli/run/view_files.h"

#include <errno.h>
#include <string.h>

#include "shared/base/cleanup.h"
#include "shared/base/text_buffer.h"
#include "shared/confine/mounts.h"

#define NOBODY 65534

/* The workload, root (who owns the system's files: shown as nobody) and nobody. */
static void print_accounts(struct text_buffer *text, const struct run_plan *plan)
{
    const struct identity *identity = &plan->identity;

    if (identity->worker_uid != 0) {
        text_buffer_append_text(text, "root:x:0:0:root:/:/usr/sbin/nologin\n");
    }
    text_buffer_printf(text, "%s:x:%u:%u::%s:/bin/sh\n", identity->user_name, identity->worker_uid,
                       identity->worker_gid, plan->home);
    if (identity->worker_uid != NOBODY) {
        text_buffer_printf(text, "nobody:x:%u:%u:nobody:/:/usr/sbin/nologin\n", NOBODY, NOBODY);
    }
}

static void print_groups(struct text_buffer *text, const struct run_plan *plan)
{
    const struct identity *identity = &plan->identity;

    if (identity->worker_gid != 0) {
        text_buffer_append_text(text, "root:x:0:\n");
    }
    text_buffer_printf(text, "%s:x:%u:\n", identity->user_name, identity->worker_gid);
    if (identity->worker_gid != NOBODY) {
        text_buffer_printf(text, "nogroup:x:%u:\n", NOBODY);
    }
}

static void print_resolver(struct text_buffer *text, const char *address)
{
    text_buffer_append_text(text, "options edns0 trust-ad\n");
    if (address[0] != '\0') {
        text_buffer_printf(text, "nameserver %s\n", address);
    }
}

static void print_hosts(struct text_buffer *text)
{
    text_buffer_append_text(text, "127.0.0.1\tlocalhost " VIEW_HOST_NAME "\n"
                                  "::1\tlocalhost ip6-localhost ip6-loopback\n");
}

static int write_one(int directory, const char *path, const struct text_buffer *text,
                     struct failure *reterr)
{
    int error = text_buffer_error(text);

    if (error == 0) {
        error = place_make_file(directory, path, text->bytes, text->length, 0644);
    }
    return error < 0 ? failure_set(reterr, error, "cannot write the run's /etc/%s: %s", path,
                                   strerror(-error))
                     : 0;
}

int view_files_write(int directory, const struct run_plan *plan, const char *resolver,
                     struct failure *reterr)
{
    AUTO(text_buffer_clear) struct text_buffer accounts = {0};
    AUTO(text_buffer_clear) struct text_buffer groups = {0};
    AUTO(text_buffer_clear) struct text_buffer resolution = {0};
    AUTO(text_buffer_clear) struct text_buffer hosts = {0};
    AUTO(text_buffer_clear) struct text_buffer host_name = {0};
    int error;

    print_accounts(&accounts, plan);
    print_groups(&groups, plan);
    print_resolver(&resolution, resolver);
    print_hosts(&hosts);
    text_buffer_append_text(&host_name, VIEW_HOST_NAME "\n");
    error = write_one(directory, "passwd", &accounts, reterr);
    error = error < 0 ? error : write_one(directory, "group", &groups, reterr);
    error = error < 0 ? error : write_one(directory, "resolv.conf", &resolution, reterr);
    error = error < 0 ? error : write_one(directory, "hosts", &hosts, reterr);
    return error < 0 ? error : write_one(directory, "hostname", &host_name, reterr);
}
