/*
 * What would allow a refused request, in words; a ready rule only where a careless paste does no
 * harm: never for special address ranges, secrets or files that the host executes (SR31).
 */
#ifndef FAILCORE_CLI_WHY_REMEDY_H
#define FAILCORE_CLI_WHY_REMEDY_H

#include "shared/audit/record_reader.h"
#include "shared/policy/denial_codes.h"

/* DENIAL_NONE for a word that is no code. */
enum denial_code denial_code_from(struct json_text word);

/* Appends whole lines, indented by two. */
void append_remedy(struct text_buffer *text, const struct audit_record *record);

#endif
