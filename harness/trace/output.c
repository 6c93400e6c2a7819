/* The writer behind captures, event logs and reports: one buffer, write(2), and decimal and JSON text made by hand,
 * because a run of a thousand calls writes millions of numbers.
 *
 * A file is written under a temporary name beside its own and renamed when it is whole, so that a reader never takes
 * a half-written capture for evidence. What is not a plain file cannot be renamed over and is written in place.
 *
 * In memory the buffer grows instead of being written out. After the first failed write the rest is thrown away. */
#include "trace/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define FILE_BUFFER 262144
#define MEMORY_BUFFER 8192

G_STATIC_ASSERT(MEMORY_BUFFER >= HP_OUTPUT_ROOM && FILE_BUFFER >= HP_OUTPUT_ROOM);

static hp_output *new_output(size_t size)
{
    hp_output *o = g_new0(hp_output, 1);
    o->buffer = g_malloc(size);
    o->at = o->buffer;
    o->end = o->buffer + size;
    o->fd = -1;
    return o;
}

static void free_output(hp_output *o)
{
    g_free(o->buffer);
    g_free(o->path);
    g_free(o->part_path);
    g_free(o);
}

hp_output *hp_output_open(const char *path, GError **error)
{
    struct stat st;
    const bool in_place = stat(path, &st) == 0 && !S_ISREG(st.st_mode);
    g_autofree char *part_path = in_place ? NULL : g_strconcat(path, HP_OUTPUT_PART, NULL);
    const int fd = open(in_place ? path : part_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s: cannot open for writing: %s", path, g_strerror(errno));
        return NULL;
    }
    hp_output *o = new_output(FILE_BUFFER);
    o->path = g_strdup(path);
    o->part_path = g_steal_pointer(&part_path);
    o->fd = fd;
    return o;
}

hp_output *hp_output_memory(void)
{
    return new_output(MEMORY_BUFFER);
}

static void write_all(hp_output *o, const char *bytes, size_t n)
{
    while (n > 0 && o->error == 0) {
        const ssize_t written = write(o->fd, bytes, n);
        if (written > 0) {
            bytes += written;
            n -= (size_t)written;
        } else if (written == 0 || errno != EINTR) {
            o->error = written == 0 ? EIO : errno;
        }
    }
}

void hp_output_flush(hp_output *o)
{
    const size_t used = (size_t)(o->at - o->buffer);
    if (o->fd >= 0) {
        write_all(o, o->buffer, used);
        o->at = o->buffer;
        return;
    }
    const size_t size = (size_t)(o->end - o->buffer) * 2;
    o->buffer = g_realloc(o->buffer, size);
    o->at = o->buffer + used;
    o->end = o->buffer + size;
}

bool hp_output_close(hp_output *o, GError **error)
{
    g_assert(o->fd >= 0);
    hp_output_flush(o);
    if (close(o->fd) != 0 && o->error == 0) {
        o->error = errno;
    }
    if (o->error == 0 && o->part_path != NULL && rename(o->part_path, o->path) != 0) {
        o->error = errno;
    }
    const bool ok = o->error == 0;
    if (!ok) {
        g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s: cannot write: %s", o->path, g_strerror(o->error));
        if (o->part_path != NULL) {
            unlink(o->part_path);
        }
    }
    free_output(o);
    return ok;
}

char *hp_output_take(hp_output *o, size_t *ret_length)
{
    g_assert(o->fd < 0);
    hp_output_char(o, '\0');
    if (ret_length != NULL) {
        *ret_length = (size_t)(o->at - o->buffer) - 1;
    }
    char *text = g_steal_pointer(&o->buffer);
    free_output(o);
    return text;
}

void hp_output_abandon(hp_output *o)
{
    if (o == NULL) {
        return;
    }
    if (o->fd >= 0) {
        close(o->fd);
        if (o->part_path != NULL) {
            unlink(o->part_path);
        }
    }
    free_output(o);
}

/* ---- pieces ---- */

void hp_output_long(hp_output *o, const void *bytes, size_t n)
{
    const char *from = bytes;
    for (;;) {
        const size_t room = (size_t)(o->end - o->at);
        const size_t part = MIN(n, room);
        memcpy(o->at, from, part);
        o->at += part;
        if (part == n) {
            return;
        }
        from += part;
        n -= part;
        hp_output_flush(o);
    }
}

/* Writes value in decimal so that it ends before `end`; returns its first digit. */
static char *decimal_before(char *end, uint64_t value)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                                "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                                "8081828384858687888990919293949596979899";
    while (value >= 100) {
        end -= 2;
        memcpy(end, pairs + value % 100 * 2, 2);
        value /= 100;
    }
    if (value >= 10) {
        end -= 2;
        memcpy(end, pairs + value * 2, 2);
    } else {
        *--end = (char)('0' + value);
    }
    return end;
}

void hp_output_u64(hp_output *o, uint64_t value)
{
    char digits[20];
    const char *first = decimal_before(digits + sizeof digits, value);
    const size_t n = (size_t)(digits + sizeof digits - first);
    memcpy(hp_output_room(o, n), first, n);
    o->at += n;
}

void hp_output_i64(hp_output *o, int64_t value)
{
    if (value < 0) {
        hp_output_char(o, '-');
    }
    hp_output_u64(o, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void hp_output_printf(hp_output *o, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    hp_output_text(o, text);
}

void hp_output_addr(hp_output *o, const hp_addr *addr)
{
    if (addr->family != HP_AF_IPV4) {
        char text[HP_ADDR_TEXT];
        hp_output_text(o, hp_addr_format(addr, text));
        return;
    }
    char *const start = hp_output_room(o, 24);
    char *const end = start + 24;
    char *at = end;
    if (addr->port != 0) {
        at = decimal_before(at, addr->port);
        *--at = ':';
    }
    for (int i = 3; i >= 0; i--) {
        at = decimal_before(at, addr->ip[i]);
        if (i > 0) {
            *--at = '.';
        }
    }
    memmove(start, at, (size_t)(end - at));
    o->at = start + (end - at);
}

/* ---- JSON ---- */

static bool is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Characters that JSON allows as they are, but that a terminal obeys or that YAML and XML readers refuse. */
static bool is_best_escaped(gunichar c)
{
    return (c >= 0x7f && c < 0xa0) || c == 0xfffe || c == 0xffff;
}

static void escape_ascii(hp_output *o, uint8_t c)
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    char text[6] = {'\\', (char)c};
    size_t n = 2;
    if (c < sizeof letters && letters[c] != 0) {
        text[1] = letters[c];
    } else if (c < 0x20 || c == 0x7f) {
        text[1] = 'u';
        text[2] = text[3] = '0';
        text[4] = hex[c >> 4];
        text[5] = hex[c & 15];
        n = 6;
    }
    hp_output_bytes(o, text, n);
}

void hp_output_json(hp_output *o, const char *text)
{
    const char *at = text != NULL ? text : "";
    hp_output_char(o, '"');
    for (;;) {
        const char *run = at;
        while (is_plain((uint8_t)*at)) {
            at++;
        }
        hp_output_bytes(o, run, (size_t)(at - run));
        const uint8_t c = (uint8_t)*at;
        if (c == '\0') {
            break;
        }
        if (c < 0x80) {
            escape_ascii(o, c);
            at++;
            continue;
        }
        /* Stops at a NUL, so that a cut sequence at the end is not read past. */
        const gunichar u = g_utf8_get_char_validated(at, -1);
        if (u == (gunichar)-1 || u == (gunichar)-2) {
            hp_output_literal(o, "\xef\xbf\xbd");
            at++;
        } else if (is_best_escaped(u)) {
            hp_output_printf(o, "\\u%04x", u);
            at = g_utf8_next_char(at);
        } else {
            const char *next = g_utf8_next_char(at);
            hp_output_bytes(o, at, (size_t)(next - at));
            at = next;
        }
    }
    hp_output_char(o, '"');
}
