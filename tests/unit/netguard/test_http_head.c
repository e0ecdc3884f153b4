#include "tests/support/unit.h"

#include <string.h>

#include "netguard/flow/http_head.h"

static enum http_state read_text(const char *text, struct http_head *head)
{
    return http_head_read((const uint8_t *)text, strlen(text), head);
}

static void the_host_is_found(void **state)
{
    static const char *const requests[] = {
        "GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n",
        "GET / HTTP/1.1\r\nAccept: */*\r\nhOsT:   WWW.Example.org:80 \t\r\n\r\nbody",
        "POST http://www.example.org/x?y HTTP/1.1\r\nHost: www.example.org\r\n\r\n",
        "GET http://www.example.org?y HTTP/1.0\r\nHost: www.example.org\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: www.example.org\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        struct http_head head;

        assert_int_equal(read_text(requests[i], &head), HTTP_WHOLE);
        assert_string_equal(head.host, "www.example.org");
        assert_memory_equal(requests[i] + head.wire_bytes - 4, "\r\n\r\n", 4);
    }
}

static void every_beginning_asks_for_more(void **state)
{
    static const char request[] = "GET /a HTTP/1.1\r\nA: b\r\nHost: www.example.org\r\n\r\n";
    struct http_head head;

    (void)state;
    for (size_t i = 0; i + 1 < sizeof(request) - 1; i++) {
        assert_int_equal(http_head_read((const uint8_t *)request, i, &head), HTTP_MORE);
    }
}

static void doubtful_requests_are_bad(void **state)
{
    static const char *const requests[] = {
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.org\r\nHost: a.org\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a.org\r\n\r\n",
        "GET / HTTP/1.1\r\nX: y\r\n Host: a.org\r\n\r\n",
        "GET / HTTP/1.1\r\nX: y\nHost: a.org\r\n\r\n",
        "GET / HTTP/1.1\nHost: a.org\n\n",
        "GET / HTTP/1.1\r\nHost: a.org b.org\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.org, b.org\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: user@a.org\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a..org\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.org.\r\n\r\n",
        "GET http://b.org/ HTTP/1.1\r\nHost: a.org\r\n\r\n",
        "GET http://b.org@a.org/ HTTP/1.1\r\nHost: a.org\r\n\r\n",
        "GET ftp://a.org/ HTTP/1.1\r\nHost: a.org\r\n\r\n",
        "GET a.org HTTP/1.1\r\nHost: a.org\r\n\r\n",
        "CONNECT a.org:80 HTTP/1.1\r\nHost: a.org\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\n",
        "GET /  HTTP/1.1\r\nHost: a.org\r\n\r\n",
        "GET / HTTP/1.1 \r\nHost: a.org\r\n\r\n",
        "GET /\r\nHost: a.org\r\n\r\n",
        " GET / HTTP/1.1\r\nHost: a.org\r\n\r\n",
        "\r\nGET / HTTP/1.1\r\nHost: a.org\r\n\r\n",
        "G\x01T / HTTP/1.1\r\nHost: a.org\r\n\r\n",
        "GET / HTTP/1.1\r\nX\r\nHost: a.org\r\n\r\n",
        "GET / HTTP/1.1\r\n: y\r\nHost: a.org\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        struct http_head head;

        if (read_text(requests[i], &head) != HTTP_BAD) {
            fail_msg("not refused: %s", requests[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_host_is_found),
        cmocka_unit_test(every_beginning_asks_for_more),
        cmocka_unit_test(doubtful_requests_are_bad),
    };

    return cmocka_run_group_tests_name("http_head", tests, NULL, NULL);
}
