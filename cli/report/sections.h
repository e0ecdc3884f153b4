/* The sections of a report, each appended whole. */
#ifndef FAILCORE_CLI_REPORT_SECTIONS_H
#define FAILCORE_CLI_REPORT_SECTIONS_H

#include "cli/report/model.h"

void section_header(struct text_buffer *html, const struct report_model *model);
void section_summary(struct text_buffer *html, const struct report_model *model);
void section_blocked(struct text_buffer *html, const struct report_model *model);
void section_effects(struct text_buffer *html, const struct report_model *model);
void section_network(struct text_buffer *html, const struct report_model *model);
void section_programs(struct text_buffer *html, const struct report_model *model);
void section_limits(struct text_buffer *html, const struct report_model *model);
void section_run(struct text_buffer *html, const struct report_model *model);

/* The timeline: its data for the script, and what is shown without one. Reads the run again. */
int section_timeline(struct text_buffer *html, const struct report_model *model,
                     struct log_view *view, struct failure *reterr);

/* The first signed head over more than `last_seq` records; false: there is none, or no key. */
struct checkpoint;
struct note_key;
bool report_signed_head(const char *directory, uint64_t last_seq, struct note_key *ret_key,
                        struct checkpoint *ret_head);

/* Is the log whole up to this run's last record, and who signed that. */
int section_footer(struct text_buffer *html, const struct report_model *model,
                   const struct log_view *view, struct failure *reterr);

#endif
