/* The signed heads that the log must agree with: its checkpoint, and pins of earlier ones. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "shared/audit/signed_head.h"
#include "shared/audit/verification.h"
#include "shared/base/cleanup.h"

static int compare_heads(const void *left, const void *right)
{
    const struct signed_head *a = left;
    const struct signed_head *b = right;

    return a->checkpoint.size < b->checkpoint.size ? -1 : a->checkpoint.size > b->checkpoint.size;
}

static int add_pin(struct verification *v, const char *path, struct failure *reterr)
{
    AUTO(text_buffer_clear) struct text_buffer note = {0};
    struct signed_head *head = &v->heads[v->head_count];
    int error = audit_note_read(AT_FDCWD, path, &note, reterr);

    if (error < 0) {
        return error;
    }
    error = checkpoint_open(text_buffer_view(&note), &v->key, &head->checkpoint);
    if (error == -EKEYREJECTED) {
        verification_condemn(
            v, 0, "a pin is not signed by the key of this log: another log, or another key");
        return 0;
    }
    if (error < 0) {
        failure_set_mend(reterr, "give a file that `failcore audit pin` wrote");
        return failure_set(reterr, error, "%s is not a checkpoint", path);
    }
    head->is_pin = true;
    v->head_count++;
    return 0;
}

static void add_checkpoint(struct verification *v)
{
    AUTO(text_buffer_clear) struct text_buffer note = {0};
    struct failure ignored = {0};
    struct signed_head *head = &v->heads[v->head_count];

    if (audit_note_read(v->directory, "checkpoint", &note, &ignored) < 0) {
        verification_condemn_files(v, 0, "the signed checkpoint is missing");
        return;
    }
    if (checkpoint_open(text_buffer_view(&note), &v->key, &head->checkpoint) < 0) {
        verification_condemn(v, 0, "the checkpoint is not one that the key of this log signed");
        return;
    }
    v->verdict.signed_size = head->checkpoint.size;
    v->verdict.has_signature = true;
    v->head_count++;
}

int verification_read_heads(struct verification *v, struct failure *reterr)
{
    int error = audit_key_read(v->directory, v->options->key, v->sha, &v->key, reterr);

    if (error == -ENOENT && v->options->key == NULL) {
        reterr->what[0] = '\0';
        verification_condemn(v, 0, "the log's vkey is missing");
        return 0;
    }
    if (error < 0) {
        return error;
    }
    memcpy(v->verdict.origin, v->key.name, sizeof(v->verdict.origin));
    v->heads = calloc(v->options->pin_count + 1, sizeof(*v->heads));
    if (v->heads == NULL) {
        return failure_set(reterr, -ENOMEM, "no memory");
    }
    add_checkpoint(v);
    for (size_t i = 0; error == 0 && i < v->options->pin_count; i++) {
        error = add_pin(v, v->options->pins[i], reterr);
    }
    if (v->head_count > 0) {
        qsort(v->heads, v->head_count, sizeof(*v->heads), compare_heads);
    }
    return error;
}

void verification_check_heads(struct verification *v)
{
    uint8_t root[SHA256_SIZE];

    while (v->next_head < v->head_count && v->heads[v->next_head].checkpoint.size == v->tree.size) {
        const struct signed_head *head = &v->heads[v->next_head++];
        uint64_t bad = v->tile_seq < v->tree.size ? v->tile_seq : v->tree.size - 1;

        if (merkle_root(&v->tree, v->sha, root) < 0) {
            verification_condemn(v, bad, "the digest failed");
        } else if (memcmp(root, head->checkpoint.root, SHA256_SIZE) != 0) {
            verification_condemn(
                v, v->tree.size == 0 ? 0 : bad,
                head->is_pin ? "not the history that a pin has: the log was forked"
                             : "not the records that were signed: the chain was made again");
        } else if (head->is_pin) {
            v->verdict.pins_held++;
        }
    }
}
