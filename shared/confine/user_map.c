#include "shared/confine/user_map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/base/text_buffer.h"

static int write_ranges(int process, const char *file, const struct user_map_range *ranges,
                        size_t count)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    for (size_t i = 0; i < count; i++) {
        text_buffer_printf(&text, "%u %u %u\n", ranges[i].inside, ranges[i].outside,
                           ranges[i].count);
    }
    if (text_buffer_error(&text) < 0) {
        return text_buffer_error(&text);
    }
    return write_text_at(process, file, text_buffer_text(&text));
}

int user_map_write(pid_t pid, const struct user_map *map)
{
    AUTO_CLOSE int process = -1;
    char path[32] = "/proc/self";
    int error;

    if (map->user_count > USER_MAP_RANGES_MAX || map->group_count > USER_MAP_RANGES_MAX) {
        return -E2BIG;
    }
    if (pid != 0) {
        snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    }
    process = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (process < 0) {
        return -errno;
    }
    if (map->deny_setgroups) {
        error = write_text_at(process, "setgroups", "deny");
        if (error < 0) {
            return error;
        }
    }
    error = write_ranges(process, "uid_map", map->users, map->user_count);
    if (error < 0) {
        return error;
    }
    return write_ranges(process, "gid_map", map->groups, map->group_count);
}

int user_map_own_highest(uint32_t *ret_highest)
{
    AUTO_FCLOSE FILE *map = fopen("/proc/self/uid_map", "re");
    unsigned int inside;
    unsigned int outside;
    unsigned int count;
    uint32_t highest = 0;

    if (map == NULL) {
        return -errno;
    }
    while (fscanf(map, "%u %u %u", &inside, &outside, &count) == 3) {
        if (count > 0 && inside + (count - 1) > highest) {
            highest = inside + (count - 1);
        }
    }
    *ret_highest = highest;
    return 0;
}
