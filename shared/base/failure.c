#include "shared/base/failure.h"

#include <stdarg.h>

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
    fputc('\n', stream);
}

void failure_print(FILE *stream, const char *program, const struct failure *failure)
{
    fprintf(stream, "%s: ", program);
    print_inert(stream, failure->what);
    if (failure->needed[0] != '\0') {
        fputs("  needed by: ", stream);
        print_inert(stream, failure->needed);
    }
    if (failure->mend[0] != '\0') {
        fputs("  try: ", stream);
        print_inert(stream, failure->mend);
    }
}
