/* How far a run is, in a line. Names of cases are ASCII (they are folders), so a byte is a column; what comes from
 * elsewhere and is no printable ASCII is shown as `?`. What does not fit is left out from the end: names first. */
#include "report/progress.h"

#include <string.h>

static void append_speed(GString *line, const hp_progress *p)
{
    if (p->real_us == 0 || p->virtual_time == 0) {
        return;
    }
    /* In tenths below ten. The time is below 2^63 ns, but ten times that may not fit. */
    const uint64_t tenths = p->virtual_time / 100 / p->real_us;
    if (tenths >= 100) {
        g_string_append_printf(line, ", %" G_GUINT64_FORMAT "x real time", tenths / 10);
    } else {
        g_string_append_printf(line, ", %" G_GUINT64_FORMAT ".%" G_GUINT64_FORMAT "x real time", tenths / 10,
                               tenths % 10);
    }
}

/* Appends what fits: a name only if after it there is room to say how many more there are. */
static void append_names(GString *line, const hp_progress *p, unsigned width)
{
    for (unsigned i = 0; i < p->n_running; i++) {
        const unsigned rest = p->n_running - i - 1;
        g_autofree char *more = rest > 0 ? g_strdup_printf(" +%u", rest) : g_strdup("");
        const char *before = i == 0 ? ": " : ", ";
        if (line->len + strlen(before) + strlen(p->running[i]) + strlen(more) > width) {
            g_autofree char *left = g_strdup_printf(i == 0 ? ", %u running" : " +%u", rest + 1);
            if (line->len + strlen(left) <= width) {
                g_string_append(line, left);
            }
            return;
        }
        g_string_append(line, before);
        g_string_append(line, p->running[i]);
    }
}

char *hp_progress_text(const hp_progress *p, unsigned width)
{
    GString *line = g_string_new(NULL);
    g_string_append_printf(line, "%u/%u", p->n_done, p->n_cases);
    if (p->n_bad > 0) {
        g_string_append_printf(line, ", %u not good", p->n_bad);
    }
    append_speed(line, p);
    append_names(line, p, width);
    if (line->len > width) {
        g_string_truncate(line, width);
    }
    for (char *c = line->str; *c != '\0'; c++) {
        if (!g_ascii_isprint(*c)) {
            *c = '?';
        }
    }
    return g_string_free(line, FALSE);
}
