/* Feeds every file of a corpus directory to a fuzz target once: the corpus as a test. */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int main(int argc, char **argv)
{
    AUTO_CLOSEDIR DIR *corpus = argc == 2 ? opendir(argv[1]) : NULL;
    struct dirent *entry;
    unsigned int count = 0;

    if (corpus == NULL) {
        fprintf(stderr, "usage: %s CORPUS-DIRECTORY\n", argv[0]);
        return 2;
    }
    while ((entry = readdir(corpus)) != NULL) {
        AUTO(text_buffer_clear) struct text_buffer text = {0};
        AUTO_CLOSE int fd = -1;

        if (entry->d_name[0] == '.') {
            continue;
        }
        fd = openat(dirfd(corpus), entry->d_name, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || read_to_end(fd, 16U << 20, &text) < 0) {
            fprintf(stderr, "cannot read %s/%s\n", argv[1], entry->d_name);
            return 1;
        }
        LLVMFuzzerTestOneInput((const uint8_t *)text_buffer_text(&text), text.length);
        count++;
    }
    if (count == 0) {
        fprintf(stderr, "no input in %s\n", argv[1]);
        return 1;
    }
    printf("%u inputs\n", count);
    return 0;
}
