/* libFuzzer: what a foreign program writes to its stdout, cut anywhere. The first octet says how: each piece is that
 * long. However it is cut, the same lines come out, and each of them is one event of a known kind. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "programs/exec_trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct seen {
    hp_exec_trace *converter;
    GString *lines;
} seen;

static void on_line(void *user, const char *line, size_t len)
{
    seen *s = user;
    g_assert(len > 0);
    g_string_append_len(s->lines, line, (gssize)len);
    g_string_append_c(s->lines, '\n');
    g_autoptr(hp_exec_event) event = hp_exec_event_parse(line, len);
    g_assert(event->kind < HP_EXEC_N_EVENTS);
    hp_exec_trace_event(s->converter, 0, event);
}

static GString *read_in_pieces(const uint8_t *data, size_t size, size_t piece)
{
    const hp_exec_trace_ops ops = {NULL, NULL};
    seen s = {.converter = hp_exec_trace_new(NULL, "alice", &ops, NULL), .lines = g_string_new(NULL)};
    g_autoptr(hp_exec_lines) lines = hp_exec_lines_new(on_line, &s);
    for (size_t at = 0; at < size; at += piece)
        hp_exec_lines_input(lines, data + at, MIN(piece, size - at), NULL);
    hp_exec_lines_end(lines);
    hp_exec_trace_free(s.converter);
    return s.lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    GString *whole = read_in_pieces(data + 1, size - 1, size);
    GString *pieces = read_in_pieces(data + 1, size - 1, (size_t)data[0] + 1);
    g_assert(g_string_equal(whole, pieces));
    g_string_free(whole, TRUE);
    g_string_free(pieces, TRUE);
    return 0;
}
