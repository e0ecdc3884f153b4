/*
 * A run of an agent as its daemons would record it, emitted to the real writer: honest work,
 * refusals of each kind, failures, a limit, and names as attackers choose them.
 *
 *   audit_story DIR [--run ID] [--policy FILE] [--bulk COUNT] [--hostile] [--calm] [--open]
 *
 * --policy: its text goes into the START record. --bulk: that many further allowed events.
 * --hostile: names full of escapes, markup and bidi. --calm: nothing is refused. --open: no END.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shared/audit/producer.h"
#include "shared/audit/start_record.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

struct story {
    const char *directory;
    const char *run;
    const char *policy;
    unsigned long bulk;
    bool hostile;
    bool calm;
    bool open;
    struct audit_producer *producer;
};

static const struct audit_event base_event = {
    .kind = AUDIT_KIND_DECISION,
    .status = AUDIT_STATUS_ALLOWED,
    .decision = AUDIT_DECISION_ALLOWED,
    .phase = AUDIT_PHASE_POLICY,
    .rule = {"workspace", 9},
    .overhead_ns = 1800,
};

static uint64_t emit(struct story *story, struct audit_event event)
{
    uint64_t ticket = 0;
    int error = -EIO;

    event.actor = (struct audit_actor){
        .pid = getpid(), .tid = getpid(), .uid = 1000, .gid = 1000, .present = true};
    for (int i = 0; i < 1000 && error < 0; i++) {
        error = audit_emit(story->producer, &event, &ticket);
        if (error < 0) {
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        }
    }
    if (error < 0) {
        fprintf(stderr, "audit_story: refused: %s\n", strerror(-error));
        exit(1);
    }
    return ticket;
}

static void result(struct story *story, struct audit_event event, uint64_t ticket,
                   enum audit_status status, int error)
{
    event.kind = AUDIT_KIND_RESULT;
    event.phase = AUDIT_PHASE_EXECUTE;
    event.status = status;
    event.error = error;
    event.of = ticket;
    event.duration_ns = 3200000;
    (void)emit(story, event);
}

static void block(struct audit_event *event, const char *code, const char *rule, const char *reason,
                  int error)
{
    event->status = AUDIT_STATUS_BLOCKED;
    event->decision = AUDIT_DECISION_BLOCKED;
    event->code = str_view_from(code);
    event->rule = str_view_from(rule);
    event->reason = str_view_from(reason);
    event->error = error;
}

static struct audit_event fs_event(const char *operation, const char *path, const char *path2)
{
    struct audit_event event = base_event;

    event.source = AUDIT_SOURCE_FS;
    event.call.fs = (struct audit_call_fs){.operation = operation,
                                           .path = str_view_from(path),
                                           .path2 = str_view_from(path2),
                                           .inode = 7};
    return event;
}

static void fs_done(struct story *story, const char *operation, const char *path, const char *path2,
                    uint64_t written, int error)
{
    struct audit_event event = fs_event(operation, path, path2);
    uint64_t ticket = emit(story, event);

    event.call.fs.bytes_written = written;
    result(story, event, ticket, error == 0 ? AUDIT_STATUS_OK : AUDIT_STATUS_FAIL, error);
}

static void fs_blocked(struct story *story, const char *operation, const char *path,
                       const char *code, const char *rule, const char *reason)
{
    struct audit_event event = fs_event(operation, path, NULL);

    block(&event, code, rule, reason, EACCES);
    (void)emit(story, event);
}

static struct audit_event net_event(const char *host, const char *address, uint16_t port)
{
    struct audit_event event = base_event;

    event.source = AUDIT_SOURCE_NET;
    event.rule = STR_VIEW_LITERAL("model-api");
    event.call.net = (struct audit_call_net){
        .operation = "connect", .protocol = "tcp", .port = port, .host = str_view_from(host)};
    if (ip_address_parse(str_view_from(address), &event.call.net.address) < 0) {
        exit(2);
    }
    return event;
}

static void net_done(struct story *story, const char *host, const char *address, uint16_t port,
                     uint64_t in, uint64_t out)
{
    struct audit_event event = net_event(host, address, port);
    uint64_t ticket = emit(story, event);

    event.call.net.operation = "flow_end";
    event.call.net.bytes_in = in;
    event.call.net.bytes_out = out;
    result(story, event, ticket, AUDIT_STATUS_OK, 0);
}

static void net_blocked(struct story *story, const char *host, const char *address, uint16_t port,
                        const char *code, const char *rule, const char *reason)
{
    struct audit_event event = net_event(host, address, port);

    block(&event, code, rule, reason, EACCES);
    (void)emit(story, event);
}

static void dns_asked(struct story *story, const char *host, const char *answer, const char *code)
{
    struct audit_event event = base_event;
    struct ip_address address = {0};

    event.source = AUDIT_SOURCE_DNS;
    event.rule = STR_VIEW_LITERAL("model-api");
    event.call.dns =
        (struct audit_call_dns){.operation = "query", .host = str_view_from(host), .type = "A"};
    if (answer != NULL && ip_address_parse(str_view_from(answer), &address) == 0) {
        event.call.dns.answers = &address;
        event.call.dns.answer_count = 1;
    }
    if (code != NULL) {
        block(&event, code, "default", "no rule allows this name", EACCES);
    }
    (void)emit(story, event);
}

static void exec_done(struct story *story, const char *path, const char *code)
{
    struct audit_event event = base_event;
    uint64_t ticket;

    event.source = AUDIT_SOURCE_EXEC;
    event.rule = STR_VIEW_LITERAL("default");
    event.call.exec = (struct audit_call_exec){.operation = "exec",
                                               .path = str_view_from(path),
                                               .argv = STR_VIEW_LITERAL("agent\0--fast"),
                                               .argc = 2};
    if (code != NULL) {
        block(&event, code, "no-shell", "a process rule denies this executable", EACCES);
        (void)emit(story, event);
        return;
    }
    ticket = emit(story, event);
    result(story, event, ticket, AUDIT_STATUS_OK, 0);
}

static void tell_honest_work(struct story *story)
{
    exec_done(story, "/usr/bin/python3", NULL);
    for (int i = 0; i < 12; i++) {
        (void)emit(story, fs_event("read", "src/main.c", NULL));
    }
    (void)emit(story, fs_event("list", "", NULL));
    fs_done(story, "create", "src/report.py", NULL, 0, 0);
    fs_done(story, "write", "src/report.py", NULL, 5321, 0);
    fs_done(story, "create", "build/a.o", NULL, 0, 0);
    fs_done(story, "rename", "build/a.o", "build/b.o", 0, 0);
    fs_done(story, "delete", "build/b.o", NULL, 0, 0);
    fs_done(story, "write", "docs/guide.md", NULL, 120, 0);
    fs_done(story, "read", "missing.txt", NULL, 0, ENOENT);
    dns_asked(story, "api.openai.com", "162.159.140.245", NULL);
    net_done(story, "api.openai.com", "162.159.140.245", 443, 1300000, 4200);
    net_done(story, "api.openai.com", "162.159.140.245", 443, 20000, 900);
    exec_done(story, "/usr/bin/git", NULL);
}

static void tell_refusals(struct story *story)
{
    struct audit_event event;

    fs_blocked(story, "read", ".env", "PATH_DENIED", "secrets", "keys stay with the operator");
    fs_blocked(story, "write", ".git/hooks/post-checkout", "PATH_DENIED", "self-executing",
               "git would execute this file");
    fs_blocked(story, "write", "vendor/notes.txt", "PATH_DENIED", "default", "");
    fs_blocked(story, "read", "/home/alice/.ssh/id_ed25519", "OUTSIDE_VIEW", "builtin",
               "the path is outside what this run can see");
    for (int i = 0; i < 40; i++) {
        fs_blocked(story, "delete", "src/main.c", "PATH_DENIED", "keep-the-project",
                   "what is in this project stays");
    }
    event = fs_event("rename", "src", "old");
    block(&event, "RENAME_ESCAPE", "builtin", "the two names have different rules", EXDEV);
    (void)emit(story, event);
    dns_asked(story, "exfil.example.net", NULL, "DOMAIN_DENIED");
    net_blocked(story, NULL, "169.254.169.254", 80, "SSRF_BLOCKED", "builtin",
                "169.254.0.0/16: link-local, cloud metadata");
    net_blocked(story, NULL, "10.0.0.1", 80, "SSRF_BLOCKED", "builtin", "10.0.0.0/8: private use");
    net_blocked(story, "api.openai.com", "162.159.140.245", 22, "PORT_DENIED", "model-api",
                "port 22 is not among the rule's ports");
    exec_done(story, "/bin/sh", "EXEC_DENIED");
    event = fs_event("write", "notes/log.txt", NULL);
    event.decision = AUDIT_DECISION_LOGGED;
    event.rule = STR_VIEW_LITERAL("watch-notes");
    (void)emit(story, event);
}

static void tell_hostile_names(struct story *story)
{
    static const char *const names[] = {
        "<script>alert(1)</script>.txt",
        "</script><img src=x onerror=alert(2)>",
        "\x1b[2J\x1b]0;owned\x07\x1b[31mred",
        "a\nfake: 12  10:30:00  ok  write  innocent.txt",
        "txt.\xe2\x80\xae"
        "cod.exe",
        "\xe2\x81\xa6\xe2\x80\x8bhidden",
        "\xff\xfe\xed\xa0\x80 not utf-8",
        "csi \xc2\x9b"
        "31m and nel \xc2\x85 end",
        "=cmd|' /C calc'!A0",
        "\" onmouseover=\"alert(3)",
        "' style='position:fixed",
        "quote\"back\\slash & amp; {{template}} ${shell} `tick`",
        "]]>--><!--",
        "\\u003cscript\\u003e",
        " leading and trailing ",
        "+1+1",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r\nCEF:0|FailCore|failcore|1|forged|read|1|cn1=1",
        "bar|equals=back\\slash act=allowed, \"comma\"",
    };
    char long_name[4097];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        fs_done(story, "write", names[i], NULL, 10, 0);
        fs_blocked(story, "delete", names[i], "PATH_DENIED", names[i], names[i]);
        dns_asked(story, names[i], NULL, "DOMAIN_DENIED");
        exec_done(story, names[i], NULL);
        net_done(story, names[i], "93.184.216.34", 443, 100, 100);
        fs_done(story, "rename", names[i], names[(i + 1) % (sizeof(names) / sizeof(names[0]))], 0,
                0);
    }
    memset(long_name, 'A', sizeof(long_name) - 1);
    memcpy(long_name + 4080, "<b>end</b>", 10);
    long_name[4096] = '\0';
    fs_blocked(story, "write", long_name, "PATH_DENIED", "default", "");
}

static void tell_bulk(struct story *story)
{
    for (unsigned long i = 0; i < story->bulk; i++) {
        char path[64];

        snprintf(path, sizeof(path), "src/module-%lu/file-%lu.c", i % 97, i);
        if (i % 1000 == 999 && !story->calm) {
            fs_blocked(story, "write", path, "PATH_DENIED", "default", "");
        } else {
            (void)emit(story, fs_event(i % 3 == 0 ? "write" : "read", path, NULL));
        }
        if (i % 500 == 0) {
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        }
    }
}

static void tell_end(struct story *story)
{
    const struct audit_event end = {
        .kind = AUDIT_KIND_END,
        .source = AUDIT_SOURCE_RUN,
        .status = AUDIT_STATUS_OK,
        .decision = AUDIT_DECISION_ALLOWED,
        .phase = AUDIT_PHASE_EXECUTE,
        .call.run = {.operation = "end",
                     .members = STR_VIEW_LITERAL(
                         "\"exit\":0,\"cause\":\"exited\",\"detail\":\"exit code 0\","
                         "\"output_bytes\":1234")},
        .sync = true,
    };
    const struct audit_event limit = {
        .kind = AUDIT_KIND_LIMIT,
        .source = AUDIT_SOURCE_RUN,
        .status = AUDIT_STATUS_LIMIT,
        .phase = AUDIT_PHASE_EXECUTE,
        .code = STR_VIEW_LITERAL("LIMIT_OUTPUT"),
        .reason = STR_VIEW_LITERAL("10 MiB of output reached; the rest is dropped"),
        .call.run = {.operation = "limit",
                     .members = STR_VIEW_LITERAL("\"limit\":\"output_bytes\",\"value\":10485760")},
    };

    if (!story->calm) {
        (void)emit(story, limit);
    }
    if (!story->open) {
        (void)emit(story, end);
    }
}

static void tell_start(struct story *story)
{
    AUTO(text_buffer_clear) struct text_buffer members = {0};
    AUTO(text_buffer_clear) struct text_buffer policy = {0};
    AUTO_CLOSE int fd = -1;

    text_buffer_append_text(&members,
                            "\"workspace\":\"/home/alice/project\",\"mount\":\"/work\","
                            "\"name\":\"story\",\"network\":\"default\","
                            "\"workload_uid\":64001,\"layers\":[\"namespaces\",\"fuse\"]");
    if (story->policy != NULL) {
        fd = open(story->policy, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || read_to_end(fd, 1U << 20, &policy) < 0) {
            fprintf(stderr, "audit_story: cannot read %s\n", story->policy);
            exit(2);
        }
        text_buffer_append_text(&members, ",\"policy\":");
        text_buffer_append_json_string(&members, text_buffer_view(&policy));
    }
    if (audit_emit_start(story->producer, text_buffer_view(&members)) < 0 ||
        audit_producer_await(story->producer) < 0) {
        fprintf(stderr, "audit_story: START refused\n");
        exit(1);
    }
}

static void read_arguments(struct story *story, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(argv[i], "--run") == 0) {
            story->run = next;
            i++;
        } else if (strcmp(argv[i], "--policy") == 0) {
            story->policy = next;
            i++;
        } else if (strcmp(argv[i], "--bulk") == 0) {
            story->bulk = strtoul(next, NULL, 10);
            i++;
        } else if (strcmp(argv[i], "--hostile") == 0) {
            story->hostile = true;
        } else if (strcmp(argv[i], "--calm") == 0) {
            story->calm = true;
        } else if (strcmp(argv[i], "--open") == 0) {
            story->open = true;
        } else {
            story->directory = argv[i];
        }
    }
}

int main(int argc, char **argv)
{
    struct story story = {0};
    struct audit_producer_options options;
    struct failure failure = {0};

    read_arguments(&story, argc, argv);
    if (story.directory == NULL) {
        fprintf(stderr, "usage: %s DIR [OPTIONS]\n", argv[0]);
        return 2;
    }
    options = (struct audit_producer_options){
        .directory = story.directory,
        .run = story.run,
        .program = "audit_story",
        .policy_name = STR_VIEW_LITERAL("coding-agent"),
        .policy_revision = STR_VIEW_LITERAL("1.0"),
        .policy_hash = STR_VIEW_LITERAL("0123456789abcdef"),
        .threads = 1,
    };
    if (audit_producer_attach(&options, &story.producer, &failure) < 0) {
        failure_print(stderr, "audit_story", &failure);
        return 1;
    }
    tell_start(&story);
    tell_honest_work(&story);
    if (!story.calm) {
        tell_refusals(&story);
    }
    if (story.hostile) {
        tell_hostile_names(&story);
    }
    tell_bulk(&story);
    tell_end(&story);
    printf("%s\n", audit_producer_run(story.producer));
    audit_producer_detach(story.producer);
    return 0;
}
