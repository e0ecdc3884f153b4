# The verbs that read the log.
include(${PROJECT_SOURCE_DIR}/cmake/embed.cmake)
target_sources(failcore PRIVATE
    learn/learn.c learn/observations.c learn/patterns.c learn/policy_text.c
    log/event_row.c log/event_words.c log/file_history.c log/ledger.c log/log_view.c log/outcomes.c log/paint.c
    log/record_filter.c log/run_policy.c log/sensitive.c log/tally.c
    metrics/metric_set.c metrics/metrics.c
    normalize/normalize.c normalize/plain_row.c normalize/strands.c
    replay/decide_again.c replay/differences.c replay/replay.c replay/run_diff.c
    report/after_run.c report/facts.c report/footer.c report/html.c report/model.c report/page.c report/report.c report/risk.c
    report/sections.c report/summary.c report/timeline_data.c
    show/effects.c show/record_page.c show/run_list.c show/show.c show/timeline.c
    top/live_view.c top/top.c
    why/near_rules.c why/remedy.c why/why.c)
failcore_embed(failcore report_style report/report.css)
failcore_embed(failcore report_script report/report.js)
