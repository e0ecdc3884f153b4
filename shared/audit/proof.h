/*
 * An inclusion proof in one text that needs no log: C2SP tlog-proof. The record itself travels in
 * the "extra" line.
 *
 *     c2sp.org/tlog-proof@v1\nextra <base64 of the line>\nindex <seq>\n<base64
 * hash>\n...\n\n<checkpoint>
 */
#ifndef FAILCORE_AUDIT_PROOF_H
#define FAILCORE_AUDIT_PROOF_H

#include <stdint.h>

#include "shared/audit/checkpoint.h"
#include "shared/audit/merkle.h"
#include "shared/audit/record_line.h"
#include "shared/base/failure.h"

#define PROOF_TEXT_MAX (RECORD_LINE_MAX * 2 + CHECKPOINT_MAX + 64 * MERKLE_PROOF_MAX)

/*
 * `line`: the record, without its newline. The proof is made of the log's tiles and checked against
 * the hash of the line. -ENODATA: no checkpoint covers it yet. -EBADMSG: it does not hold, because
 * the record or the tree was changed.
 */
int proof_make(int directory, uint64_t seq, struct str_view line, struct text_buffer *text,
               struct failure *reterr);

/*
 * 0 when the proof holds under the key; *ret_line then is the record (appended) and *ret_seq its
 * place. -EBADMSG with the reason: it does not.
 */
int proof_check(struct str_view text, const struct note_key *key, struct text_buffer *ret_line,
                uint64_t *ret_seq, struct failure *reterr);

#endif
