/* What the kernel refuses, and files of it that are written as a whole. Private to live/. */
#ifndef HP_LIVE_REFUSED_H
#define HP_LIVE_REFUSED_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

/* Sets error from errno: "what: Operation not permitted" (HP_ERROR_ENVIRONMENT). False. */
static inline bool hp_refused(GError **error, const char *what)
{
    int why = errno;
    g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "%s: %s", what, g_strerror(why));
    return false;
}

/* Into a file that is there, as those below /proc are. */
static inline bool hp_write_into(const char *path, const char *text, GError **error)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (!ok) {
        hp_refused(error, path);
    }
    if (fd >= 0) {
        close(fd);
    }
    return ok;
}

#endif
