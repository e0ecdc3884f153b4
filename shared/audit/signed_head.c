#include "shared/audit/signed_head.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

int audit_note_read(int directory, const char *path, struct text_buffer *note,
                    struct failure *reterr)
{
    /* What the caller names may be a pipe; what lies in a log's directory may not. */
    AUTO_CLOSE int fd =
        directory == AT_FDCWD ? open(path, O_RDONLY | O_CLOEXEC) : open_plain_file(directory, path);
    int error = fd >= 0                 ? read_to_end(fd, CHECKPOINT_MAX, note)
                : directory == AT_FDCWD ? -errno
                                        : fd;

    return error < 0 ? failure_set(reterr, error, "cannot read %s: %s", path, strerror(-error)) : 0;
}

int audit_key_read(int directory, const char *key, struct sha256 *sha, struct note_key *ret_key,
                   struct failure *reterr)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    int error;

    if (key != NULL && note_key_parse(str_view_from(key), sha, ret_key) == 0) {
        return 0;
    }
    error = audit_note_read(key == NULL ? directory : AT_FDCWD, key == NULL ? "vkey" : key, &text,
                            reterr);
    if (error < 0) {
        return error;
    }
    if (note_key_parse(text_buffer_view(&text), sha, ret_key) < 0) {
        failure_set_mend(reterr, "give the vkey that was kept when the log began");
        return failure_set(reterr, -EINVAL, "%s is not a verifier key", key == NULL ? "vkey" : key);
    }
    return 0;
}

int audit_head_read(int directory, const struct note_key *key, struct text_buffer *note,
                    struct checkpoint *ret_head, struct failure *reterr)
{
    int error = audit_note_read(directory, "checkpoint", note, reterr);

    if (error < 0) {
        return error;
    }
    error = checkpoint_open(text_buffer_view(note), key, ret_head);
    return error < 0
               ? failure_set(reterr, error, "the checkpoint is not one that the log's key signed")
               : 0;
}
