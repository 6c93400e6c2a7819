/* Reads traces of opportunities to send and lists of delays, line by line.
 *
 * The format of the first is that of mahimahi's mm-link, except that blank lines and comments may stand between the
 * numbers, which that program refuses. Its rules are kept: whole milliseconds, never falling, and a last one above 0,
 * as that is the span after which the trace begins anew.
 *
 * Limits: HP_LINK_FILE_MAX entries. A NUL byte is an unexpected character like any other. */
#include "config/link_files.h"

#include <string.h>

#include "base/error.h"

enum { LONGEST_ENTRY = 40 };

typedef bool read_entry_func(const char *entry, hp_time before, hp_time *ret, const char **ret_wrong);

static bool read_opportunity(const char *entry, hp_time before, hp_time *ret, const char **ret_wrong)
{
    guint64 ms = 0;
    if (!g_ascii_string_to_unsigned(entry, 10, 0, HP_NEVER / HP_MS - 1, &ms, NULL)) {
        *ret_wrong = "is no whole number of milliseconds";
        return false;
    }
    if (ms * HP_MS < before) {
        *ret_wrong = "is smaller than the number before";
        return false;
    }
    *ret = ms * HP_MS;
    return true;
}

static bool read_delay(const char *entry, hp_time before, hp_time *ret, const char **ret_wrong)
{
    bool bare = strspn(entry, "0123456789.") == strlen(entry);
    g_autofree char *span = g_strconcat(entry, bare ? "ms" : "", NULL);
    if (!hp_time_parse(span, ret)) {
        *ret_wrong = "is no span of time (12.5ms, 800us; a bare number is milliseconds)";
        return false;
    }
    return true;
}

/* What stands on a line: [*start, end) without comment and surrounding space. */
static const char *trim(const char **start, const char *end)
{
    const char *comment = memchr(*start, '#', (size_t)(end - *start));
    end = comment != NULL ? comment : end;
    while (*start < end && g_ascii_isspace(**start)) {
        (*start)++;
    }
    while (end > *start && g_ascii_isspace(end[-1])) {
        end--;
    }
    return end;
}

static bool read_line(read_entry_func *read, const char *start, const char *end, hp_time before, hp_time *ret,
                      const char *name, unsigned line, GError **error)
{
    const char *wrong = "is no number";
    char entry[LONGEST_ENTRY + 1];
    size_t length = (size_t)(end - start);
    bool readable = length <= LONGEST_ENTRY && memchr(start, '\0', length) == NULL;
    size_t shown = MIN(length, (size_t)LONGEST_ENTRY);
    memcpy(entry, start, shown);
    entry[shown] = '\0';
    if (readable && read(entry, before, ret, &wrong)) {
        return true;
    }
    g_autofree char *printable = g_strescape(entry, NULL);
    g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s:%u: `%s%s` %s", name, line, printable,
                shown < length ? "..." : "", wrong);
    return false;
}

static GArray *read_lines(read_entry_func *read, const char *text, gsize length, const char *name, GError **error)
{
    g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(hp_time));
    const char *end = text + length;
    hp_time before = 0;
    unsigned line = 1;
    for (const char *at = text; at < end; line++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *line_end = newline != NULL ? newline : end;
        const char *start = at;
        const char *stop = trim(&start, line_end);
        at = newline != NULL ? newline + 1 : end;
        if (start == stop) {
            continue;
        }
        if (entries->len == HP_LINK_FILE_MAX) {
            g_set_error(error, HP_ERROR, HP_ERROR_LIMIT, "%s:%u: more than %d entries", name, line, HP_LINK_FILE_MAX);
            return NULL;
        }
        if (!read_line(read, start, stop, before, &before, name, line, error)) {
            return NULL;
        }
        g_array_append_val(entries, before);
    }
    if (entries->len == 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s:%u: there is not one entry", name, line);
        return NULL;
    }
    return g_steal_pointer(&entries);
}

static hp_time *steal(GArray *entries, unsigned *ret_n)
{
    *ret_n = entries->len;
    return (hp_time *)(void *)g_array_free(entries, FALSE);
}

hp_time *hp_link_file_opportunities(const char *text, gsize length, const char *name, unsigned *ret_n, GError **error)
{
    GArray *entries = read_lines(read_opportunity, text, length, name, error);
    if (entries == NULL) {
        return NULL;
    }
    if (g_array_index(entries, hp_time, entries->len - 1) == 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: every opportunity is at 0: the trace must last some time",
                    name);
        g_array_free(entries, TRUE);
        return NULL;
    }
    return steal(entries, ret_n);
}

hp_time *hp_link_file_delays(const char *text, gsize length, const char *name, unsigned *ret_n, GError **error)
{
    GArray *entries = read_lines(read_delay, text, length, name, error);
    return entries == NULL ? NULL : steal(entries, ret_n);
}
