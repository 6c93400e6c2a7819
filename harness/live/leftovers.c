/* Run folders: found and removed when the process that locked them is gone.
 *
 *   BASE/hairpin-live-PID-XXXXXX/    of this user, mode 0700
 *        .lock                   locked by the run's process as long as it lives
 *
 * The lock is fcntl's, which belongs to the process and not to the descriptor: children do not have it, and the kernel
 * drops it when the process ends, however that is. A folder without a lock file is one that is being made (made and
 * locked within microseconds), or whose process was killed right then: it is taken for left when it is a minute old.
 *
 * A process sees no lock of its own, and closing any descriptor of a locked file drops it. So a folder's name
 * has its process's id in it, and a process leaves alone what has its own.
 *
 * Everything else that a run needs goes by itself: namespaces with their descriptors and processes, processes with the
 * cage (cage.h), sockets with their namespaces.
 *
 * Removing walks with descriptors and follows no symbolic link. Limits: a file system mounted inside would be walked
 * too; mounts of a run lie in mount namespaces of its children. */
#include "live/leftovers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"

#define PREFIX "hairpin-live-"
#define LOCK ".lock"
enum { BEING_MADE_S = 60 };

struct hp_run_folder {
    char *path;
    int lock;
    pid_t owner;
};

/* ---- removing ---- */

/* Empties the folder; best effort, what cannot be removed stays. Takes the descriptor. */
static void empty(int fd)
{
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        close(fd);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (unlinkat(dirfd(dir), entry->d_name, 0) == 0) {
            continue;
        }
        int inner = openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (inner >= 0) {
            empty(inner);
            unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
        }
    }
    closedir(dir);
}

static bool remove_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0) {
        empty(fd);
    }
    return rmdir(path) == 0;
}

/* ---- locking ---- */

static bool lock(int fd)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_SETLK, &whole) == 0;
}

/* Whether the folder is ours to remove: of this user, and nobody alive has locked it. */
static bool is_left(const char *path)
{
    struct stat folder;
    if (lstat(path, &folder) != 0 || !S_ISDIR(folder.st_mode) || folder.st_uid != geteuid()) {
        return false;
    }
    g_autofree char *file = g_build_filename(path, LOCK, NULL);
    int fd = open(file, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT && time(NULL) - folder.st_mtime > BEING_MADE_S;
    }
    bool free_to_take = lock(fd);
    close(fd);
    return free_to_take;
}

unsigned hp_run_folders_clean(const char *base)
{
    base = base != NULL ? base : g_get_tmp_dir();
    g_autoptr(GDir) dir = g_dir_open(base, 0, NULL);
    g_autofree char *own = g_strdup_printf(PREFIX "%d-", (int)getpid());
    unsigned n = 0;
    for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;) {
        g_autofree char *path = g_build_filename(base, name, NULL);
        if (g_str_has_prefix(name, PREFIX) && !g_str_has_prefix(name, own) && is_left(path)) {
            n += remove_folder(path);
        }
    }
    return n;
}

/* ---- one run's ---- */

hp_run_folder *hp_run_folder_new(const char *base, GError **error)
{
    base = base != NULL ? base : g_get_tmp_dir();
    hp_run_folders_clean(base);
    g_autofree char *path = g_strdup_printf("%s/" PREFIX "%d-XXXXXX", base, (int)getpid());
    if (g_mkdtemp_full(path, 0700) == NULL) {
        g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s: no folder can be made: %s", base, g_strerror(errno));
        return NULL;
    }
    hp_run_folder *folder = g_new0(hp_run_folder, 1);
    folder->owner = getpid();
    folder->path = g_steal_pointer(&path);
    /* It has its name when it is locked: nobody ever finds one that is not. */
    g_autofree char *file = g_build_filename(folder->path, LOCK, NULL);
    g_autofree char *making = g_build_filename(folder->path, LOCK ".new", NULL);
    folder->lock = open(making, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (folder->lock < 0 || !lock(folder->lock) || rename(making, file) != 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s: %s", file, g_strerror(errno));
        hp_run_folder_free(folder);
        return NULL;
    }
    return folder;
}

const char *hp_run_folder_path(const hp_run_folder *folder)
{
    return folder->path;
}

void hp_run_folder_free(hp_run_folder *folder)
{
    if (folder == NULL) {
        return;
    }
    if (folder->path != NULL && folder->owner == getpid()) {
        remove_folder(folder->path);
    }
    if (folder->lock >= 0) {
        close(folder->lock);
    }
    g_free(folder->path);
    g_free(folder);
}
