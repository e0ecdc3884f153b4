#include "fusefs/backing_files.h"

#include <errno.h>
#include <sys/ioctl.h>

#include "fusefs/fuse_abi.h"

void backing_files_init(struct backing_files *backing, int device)
{
    *backing = (struct backing_files){.device = device};
    for (unsigned int i = 0; i < BACKING_LOCKS; i++) {
        pthread_mutex_init(&backing->locks[i], NULL);
    }
}

static pthread_mutex_t *lock_of(struct backing_files *backing, const struct node *node)
{
    return &backing->locks[node->id % BACKING_LOCKS];
}

static bool register_file(struct backing_files *backing, int fd, int *ret_id)
{
    struct fuse_abi_backing_map map = {.fd = fd};
    int id = ioctl(backing->device, FUSE_ABI_BACKING_OPEN, &map);

    if (id <= 0) {
        int none = 0;

        atomic_compare_exchange_strong(&backing->error, &none, id < 0 ? errno : EPROTO);
        return false;
    }
    *ret_id = id;
    return true;
}

bool backing_files_open(struct backing_files *backing, struct open_file *file, int *ret_id)
{
    struct node *node = file->node;
    pthread_mutex_t *lock;

    if (!backing->enabled || node->type != S_IFREG) {
        return false;
    }
    lock = lock_of(backing, node);
    pthread_mutex_lock(lock);
    file->counted = true;
    file->carried = node->plain_users == 0 && !file->set_id && !file->watched &&
                    (node->backing_users > 0 ||
                     register_file(backing, file->descriptor->fd, &node->backing_id));
    if (file->carried) {
        node->backing_users++;
        *ret_id = node->backing_id;
    } else {
        node->plain_users++;
    }
    pthread_mutex_unlock(lock);
    return file->carried;
}

void backing_files_close(struct backing_files *backing, struct open_file *file)
{
    struct node *node = file->node;
    pthread_mutex_t *lock = lock_of(backing, node);

    if (!file->counted) {
        return;
    }
    pthread_mutex_lock(lock);
    if (!file->carried) {
        node->plain_users--;
    } else if (--node->backing_users == 0) {
        uint32_t id = (uint32_t)node->backing_id;

        (void)ioctl(backing->device, FUSE_ABI_BACKING_CLOSE, &id);
    }
    file->counted = false;
    pthread_mutex_unlock(lock);
}
