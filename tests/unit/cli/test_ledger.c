#include "tests/support/unit.h"

#include <string.h>

#include "cli/log/ledger.h"
#include "shared/base/cleanup.h"
#include "tests/unit/cli/sample_record.h"

static void add(struct ledger *ledger, struct samples *samples, struct sample sample)
{
    struct audit_record record = sample_record(samples, sample);

    assert_int_equal(ledger_add(ledger, &record), 0);
}

static void programs_are_those_that_were_let_through(void **state)
{
    AUTO(samples_clear) struct samples samples = {0};
    AUTO(ledger_clear) struct ledger ledger = {0};
    static const char sh[] = "\"op\":\"exec\",\"path\":\"/bin/sh\",\"argv_hash\":\"\",\"argc\":1";

    (void)state;
    /* The run's command: nobody's thread, and known by its result. */
    add(&ledger, &samples,
        (struct sample){.source = "exec", .call = sh, .status = "ALLOWED", .no_tid = true});
    assert_int_equal(ledger.started, 0);
    add(&ledger, &samples,
        (struct sample){.source = "exec",
                        .kind = "RESULT",
                        .call = sh,
                        .status = "FAIL",
                        .error = "ENOENT",
                        .no_tid = true});
    assert_int_equal(ledger.started, 0);
    add(&ledger, &samples,
        (struct sample){
            .source = "exec", .kind = "RESULT", .call = sh, .status = "OK", .no_tid = true});
    assert_int_equal(ledger.started, 1);
    /* What it starts itself. */
    add(&ledger, &samples, (struct sample){.source = "exec", .call = sh, .status = "ALLOWED"});
    add(&ledger, &samples,
        (struct sample){.source = "exec",
                        .call = sh,
                        .status = "BLOCKED",
                        .decision = "blocked",
                        .code = "EXEC_DENIED"});
    assert_int_equal(ledger.started, 2);
    assert_int_equal(ledger.programs.count, 1);
    assert_int_equal(ledger.programs.rows[0]->numbers[0], 2);
}

static void a_change_is_settled_by_its_result_or_a_later_refusal(void **state)
{
    AUTO(samples_clear) struct samples samples = {0};
    AUTO(ledger_clear) struct ledger ledger = {0};
    static const char rm_a[] = "\"op\":\"delete\",\"path\":\"a\"";
    static const char rm_b[] = "\"op\":\"delete\",\"path\":\"b\"";

    (void)state;
    add(&ledger, &samples, (struct sample){.call = rm_a, .status = "ALLOWED"});
    assert_int_equal(ledger.pending, 1);
    add(&ledger, &samples,
        (struct sample){.kind = "RESULT", .call = rm_a, .status = "OK", .of = 0});
    assert_int_equal(ledger.pending, 0);
    assert_int_equal(ledger.deleted, 1);

    add(&ledger, &samples, (struct sample){.call = rm_a, .status = "ALLOWED"});
    /* Another thread's refusal, and one of another name, say nothing about it. */
    add(&ledger, &samples,
        (struct sample){.call = rm_a, .status = "BLOCKED", .decision = "blocked", .tid = 43});
    add(&ledger, &samples,
        (struct sample){.call = rm_b, .status = "BLOCKED", .decision = "blocked"});
    assert_int_equal(ledger.pending, 1);
    add(&ledger, &samples,
        (struct sample){.call = rm_a, .status = "BLOCKED", .decision = "blocked"});
    assert_int_equal(ledger.pending, 0);
    assert_int_equal(ledger.deleted, 1);
}

static void bytes_are_those_of_results(void **state)
{
    AUTO(samples_clear) struct samples samples = {0};
    AUTO(ledger_clear) struct ledger ledger = {0};

    (void)state;
    for (int i = 0; i < 2; i++) {
        add(&ledger, &samples,
            (struct sample){.source = "net",
                            .kind = "RESULT",
                            .status = i == 0 ? "OK" : "FAIL", /* bytes are a fact either way */
                            .call = "\"op\":\"flow_end\",\"protocol\":\"tcp\","
                                    "\"source_address\":\"10.0.0.2\",\"source_port\":1,"
                                    "\"address\":\"93.184.216.34\",\"port\":443,"
                                    "\"host\":\"example.org\",\"bytes_in\":\"100\","
                                    "\"bytes_out\":\"20\""});
    }
    assert_int_equal(ledger.bytes_in, 200);
    assert_int_equal(ledger.bytes_out, 40);
    assert_int_equal(ledger.hosts.count, 1);
    assert_int_equal(ledger.hosts.rows[0]->numbers[HOST_FLOWS], 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_are_those_that_were_let_through),
        cmocka_unit_test(a_change_is_settled_by_its_result_or_a_later_refusal),
        cmocka_unit_test(bytes_are_those_of_results),
    };

    return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
