#include "netguard/nft/queue_choice.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

struct queue_choice queue_choice_read(void)
{
    const char *session = getenv("XDG_RUNTIME_DIR");
    struct queue_choice choice = {.first = QUEUE_NATIVE};
    AUTO_CLOSE int file = -1;
    int length = 0;
    char word;

    if (geteuid() == 0) {
        length = snprintf(choice.path, sizeof(choice.path), "/run/failcore/queue");
    } else if (session != NULL && session[0] == '/') {
        length = snprintf(choice.path, sizeof(choice.path), "%s/failcore/queue", session);
    }
    if (length <= 0 || (size_t)length >= sizeof(choice.path)) {
        choice.path[0] = '\0';
        return choice;
    }
    file = open(choice.path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file >= 0 && read(file, &word, 1) == 1 && word == 'x') {
        choice.first = QUEUE_XT_TARGET;
    }
    return choice;
}

void queue_choice_keep(const struct queue_choice *choice, enum queue_statement worked)
{
    AUTO_CLOSE int file = -1;

    if (choice->path[0] == '\0' || worked == choice->first) {
        return;
    }
    file = open(choice->path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file >= 0) {
        (void)write_all(file, worked == QUEUE_XT_TARGET ? "xt\n" : "native\n",
                        worked == QUEUE_XT_TARGET ? 3 : 7);
    }
}
