#include "shared/base/failure.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int failure_set(struct failure *failure, int error, const char *what_format, ...)
{
    va_list args;

    if (failure->what[0] != '\0') {
        return error;
    }
    va_start(args, what_format);
    vsnprintf(failure->what, sizeof(failure->what), what_format, args);
    va_end(args);
    return error;
}

void failure_set_needed(struct failure *failure, const char *format, ...)
{
    va_list args;

    if (failure->needed[0] != '\0') {
        return;
    }
    va_start(args, format);
    vsnprintf(failure->needed, sizeof(failure->needed), format, args);
    va_end(args);
}

void failure_set_mend(struct failure *failure, const char *format, ...)
{
    va_list args;

    if (failure->mend[0] != '\0') {
        return;
    }
    va_start(args, format);
    vsnprintf(failure->mend, sizeof(failure->mend), format, args);
    va_end(args);
}

/* A hostile file name in a message must not drive the reader's terminal. */
static void print_inert(FILE *stream, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;

        fputc(byte < 0x20 || byte == 0x7f ? '?' : byte, stream);
    }
}

/* systemd.exec(5): $JOURNAL_STREAM names the device and the inode of the stream that the journal
 * reads. It is inherited; only the stream itself tells. */
static bool is_journal(FILE *stream)
{
    const char *journal = secure_getenv("JOURNAL_STREAM");
    int fd = fileno(stream);
    char own[64];
    struct stat status;

    if (journal == NULL || fd < 0 || fstat(fd, &status) < 0) {
        return false;
    }
    snprintf(own, sizeof(own), "%" PRIu64 ":%" PRIu64, (uint64_t)status.st_dev,
             (uint64_t)status.st_ino);
    return strcmp(own, journal) == 0;
}

static void print_field(FILE *stream, const char *name, const char *text)
{
    if (*text == '\0') {
        return;
    }
    fprintf(stream, " %s=\"", name);
    for (; *text != '\0'; text++) {
        char one[] = {*text, '\0'};

        if (*text == '"' || *text == '\\') {
            fputc('\\', stream);
        }
        print_inert(stream, one);
    }
    fputc('"', stream);
}

static void print_line(FILE *stream, const char *before, const char *text)
{
    if (*text != '\0') {
        fputs(before, stream);
        print_inert(stream, text);
        fputc('\n', stream);
    }
}

void failure_print(FILE *stream, const char *program, const struct failure *failure)
{
    if (is_journal(stream)) {
        fprintf(stream, "<3>%s:", program);
        print_field(stream, "error", failure->what);
        print_field(stream, "needed_by", failure->needed);
        print_field(stream, "try", failure->mend);
        fputc('\n', stream);
        return;
    }
    fprintf(stream, "%s: ", program);
    print_inert(stream, failure->what);
    fputc('\n', stream);
    print_line(stream, "  needed by: ", failure->needed);
    print_line(stream, "  try: ", failure->mend);
}
