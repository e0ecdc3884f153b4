#include "fusefs/carried_open.h"

#include "fusefs/server.h"

bool carried_open_begin(fuse_req_t request, uint64_t handle, struct fuse_abi_open_out *ret_opened)
{
    struct server *server = fuse_req_userdata(request);
    struct open_file *file = open_file_get(&server->tree->files, handle);
    int id = 0;
    bool carried = file != NULL && backing_files_open(&server->backing, file, &id);

    open_file_put(&server->tree->files, file);
    *ret_opened = (struct fuse_abi_open_out){
        .fh = handle,
        .open_flags = FUSE_ABI_FOPEN_PASSTHROUGH,
        .backing_id = id,
    };
    return carried;
}

int carried_open_reply(fuse_req_t request, const struct fuse_abi_open_out *opened)
{
    return fuse_reply_buf(request, (const char *)opened, sizeof(*opened));
}

int carried_open_reply_create(fuse_req_t request, const struct fuse_entry_param *param,
                              const struct fuse_abi_open_out *opened)
{
    const struct stat *from = &param->attr;
    double whole = (double)(uint64_t)param->attr_timeout;
    uint32_t nanoseconds = (uint32_t)((param->attr_timeout - whole) * 1e9);
    struct {
        struct fuse_entry_out entry;
        struct fuse_abi_open_out opened;
    } reply = {
        .entry =
            {
                .nodeid = param->ino,
                .generation = param->generation,
                .entry_valid = (uint64_t)whole,
                .attr_valid = (uint64_t)whole,
                .entry_valid_nsec = nanoseconds,
                .attr_valid_nsec = nanoseconds,
                .attr =
                    {
                        .ino = from->st_ino,
                        .size = (uint64_t)from->st_size,
                        .blocks = (uint64_t)from->st_blocks,
                        .atime = (uint64_t)from->st_atim.tv_sec,
                        .mtime = (uint64_t)from->st_mtim.tv_sec,
                        .ctime = (uint64_t)from->st_ctim.tv_sec,
                        .atimensec = (uint32_t)from->st_atim.tv_nsec,
                        .mtimensec = (uint32_t)from->st_mtim.tv_nsec,
                        .ctimensec = (uint32_t)from->st_ctim.tv_nsec,
                        .mode = from->st_mode,
                        .nlink = (uint32_t)from->st_nlink,
                        .uid = from->st_uid,
                        .gid = from->st_gid,
                        .rdev = (uint32_t)from->st_rdev,
                        .blksize = (uint32_t)from->st_blksize,
                    },
            },
        .opened = *opened,
    };

    return fuse_reply_buf(request, (const char *)&reply, sizeof(reply));
}
