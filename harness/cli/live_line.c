/* A line that is rewritten in place: carriage return, the text, erase to the end of the line. It is never wider than the
 * terminal less one column, so that it cannot wrap, and it is erased before anything permanent is printed.
 *
 * It goes to stderr, or to stdout where only that is a terminal. The wall clock is read here to show how fast the run is
 * and to draw at most ten times a second; nothing else knows of it. */
#include "cli/live_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report/progress.h"

enum { LEAST_BETWEEN_US = 100000, PLAIN_WIDTH = 80 };

struct hp_live_line {
    FILE *to; /* NULL: nobody listens */
    hp_plan *const *plans;
    GPtrArray *running; /* const char*, names, in the order in which they began */
    hp_progress progress;
    gint64 began, drawn; /* monotonic us; drawn 0: never */
    bool visible;
};

static FILE *find_terminal(void)
{
    const char *term = getenv("TERM");
    if (term == NULL || *term == '\0' || strcmp(term, "dumb") == 0) {
        return NULL;
    }
    if (isatty(STDERR_FILENO)) {
        return stderr;
    }
    return isatty(STDOUT_FILENO) ? stdout : NULL;
}

hp_live_line *hp_live_line_new(hp_plan *const *plans, unsigned n_plans, bool wanted)
{
    hp_live_line *line = g_new0(hp_live_line, 1);
    line->to = wanted ? find_terminal() : NULL;
    line->plans = plans;
    line->running = g_ptr_array_new();
    line->progress.n_cases = n_plans;
    line->began = g_get_monotonic_time();
    return line;
}

void hp_live_line_free(hp_live_line *line)
{
    if (line == NULL) {
        return;
    }
    hp_live_line_clear(line);
    g_ptr_array_unref(line->running);
    g_free(line);
}

void hp_live_line_clear(hp_live_line *line)
{
    if (line->visible) {
        fputs("\r\x1b[K", line->to);
        (void)fflush(line->to);
        line->visible = false;
    }
}

static unsigned terminal_width(FILE *to)
{
    struct winsize size = {0};
    return ioctl(fileno(to), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : PLAIN_WIDTH;
}

void hp_live_line_draw(hp_live_line *line)
{
    const gint64 now = g_get_monotonic_time();
    if (line->to == NULL || (line->drawn != 0 && now - line->drawn < LEAST_BETWEEN_US)) {
        return;
    }
    line->progress.real_us = (uint64_t)(now - line->began);
    line->progress.running = (const char *const *)line->running->pdata;
    line->progress.n_running = line->running->len;
    g_autofree char *text = hp_progress_text(&line->progress, terminal_width(line->to) - 1);
    fprintf(line->to, "\r%s\x1b[K", text);
    (void)fflush(line->to);
    line->drawn = now;
    line->visible = true;
}

void hp_live_line_begun(hp_live_line *line, unsigned index)
{
    g_ptr_array_add(line->running, line->plans[index]->case_name);
    hp_live_line_draw(line);
}

void hp_live_line_done(hp_live_line *line, unsigned index, hp_verdict verdict, hp_time ended)
{
    g_ptr_array_remove(line->running, line->plans[index]->case_name);
    line->progress.n_done++;
    line->progress.n_bad += hp_verdict_is_bad(verdict);
    line->progress.virtual_time = hp_time_add(line->progress.virtual_time, ended);
}
