/* Theory of operation: a log is never read into memory as a whole. Of its end a piece is read, of which the last line is
 * told; the copy is the kernel's; and how long it has grown is asked now and then while the program runs. */
#include "programs/crew_log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

enum { LAST_OCTETS = 1000, CHUNK = 1 << 20 };

char *hp_crew_log_last_line(const char *path)
{
    char text[LAST_OCTETS + 1];
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const off_t end = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
    const ssize_t n = end > 0 ? pread(fd, text, LAST_OCTETS, MAX(end - LAST_OCTETS, 0)) : 0;
    if (fd >= 0)
        close(fd);
    text[MAX(n, 0)] = '\0';
    g_strchomp(text);
    const char *line = strrchr(text, '\n');
    return g_utf8_make_valid(line ? line + 1 : text, -1);
}

bool hp_crew_log_is_flooded(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && s.st_size > (off_t)HP_CREW_LOG_MIB << 20;
}

static bool copy(int from, int to)
{
    ssize_t n = 1;
    for (size_t copied = 0; copied < (size_t)HP_CREW_LOG_MIB << 20 && n != 0; copied += (size_t)MAX(n, 0))
        if ((n = sendfile(to, from, NULL, CHUNK)) < 0 && errno != EINTR)
            return false;
    return true;
}

bool hp_crew_log_copy(const char *path, const char *to, GError **error)
{
    struct stat s;
    const int from = open(path, O_RDONLY | O_CLOEXEC);
    const bool there = from >= 0 && fstat(from, &s) == 0 && s.st_size > 0;
    const int copied = there ? open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : -1;
    const bool done = !there || (copied >= 0 && copy(from, copied));
    const int code = errno;
    if (copied >= 0)
        close(copied);
    if (from >= 0)
        close(from);
    if (!done)
        g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s: %s", to, g_strerror(code));
    return done;
}
