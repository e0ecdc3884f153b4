# What the verbs that read the log are made of: everything but the verbs themselves, so that unit
# tests reach it.
include(${PROJECT_SOURCE_DIR}/cmake/embed.cmake)
failcore_library(reading
    SOURCES
        export/ocsf.c export/rows.c
        learn/observations.c learn/patterns.c learn/policy_text.c
        log/event_row.c log/event_words.c log/file_history.c log/ledger.c log/log_view.c
        log/outcomes.c log/paint.c log/record_filter.c log/run_policy.c log/sensitive.c log/tally.c
        metrics/metric_set.c
        normalize/plain_row.c normalize/strands.c
        replay/decide_again.c replay/differences.c replay/run_diff.c
        report/facts.c report/footer.c report/html.c report/model.c report/page.c report/risk.c
        report/sections.c report/summary.c report/timeline_data.c
        show/effects.c show/record_page.c show/results.c show/run_list.c show/timeline.c
        top/live_view.c
        why/near_rules.c why/remedy.c
    LIBS base crypto audit policy)
failcore_embed(reading report_style report/report.css)
failcore_embed(reading report_script report/report.js)

# The verbs.
target_sources(failcore PRIVATE
    learn/learn.c metrics/metrics.c normalize/normalize.c replay/replay.c report/after_run.c
    report/report.c show/show.c top/top.c why/why.c)
target_link_libraries(failcore PRIVATE reading)
