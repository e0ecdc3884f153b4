# The verbs that read the log.
target_sources(failcore PRIVATE
    log/event_row.c log/event_words.c log/log_view.c log/outcomes.c log/paint.c log/record_filter.c
    log/run_policy.c log/sensitive.c
    show/record_page.c show/run_list.c show/show.c show/timeline.c
    why/remedy.c why/why.c)
