/* Rows of a terminal.
 *
 * Everything is counted in columns, so that no line grows longer than it may: a character of East Asian scripts takes two,
 * a combining one none (it is left out: a cell holds one character), and what would move the cursor becomes a question
 * mark. Bytes that are no UTF-8 do as well. */
#include "report/ladder_row.h"

#include <assert.h>
#include <string.h>

static const char *const codes[] = {
    [HP_PAINT_PLAIN] = "",        [HP_PAINT_DIM] = "\033[2m",      [HP_PAINT_BOLD] = "\033[1m",
    [HP_PAINT_RED] = "\033[31m",  [HP_PAINT_GREEN] = "\033[32m",   [HP_PAINT_YELLOW] = "\033[33m",
    [HP_PAINT_BLUE] = "\033[34m", [HP_PAINT_MAGENTA] = "\033[35m", [HP_PAINT_CYAN] = "\033[36m",
};
static_assert(G_N_ELEMENTS(codes) == HP_PAINT_N, "one code a paint");

/* ---- text ---- */

hp_columns hp_columns_of(const char *text, bool ascii)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    hp_columns columns = {.at = g_new(gunichar, 2 * strlen(valid) + 1)};
    for (const char *c = valid; *c != '\0'; c = g_utf8_next_char(c)) {
        const gunichar u = g_utf8_get_char(c);
        if (g_unichar_iszerowidth(u)) {
            continue;
        }
        const bool shown = ascii ? u >= ' ' && u <= '~' : g_unichar_isprint(u);
        const bool wide = !ascii && shown && g_unichar_iswide(u);
        columns.at[columns.n++] = shown ? u : u == '\n' || u == '\t' ? ' ' : '?';
        if (wide) {
            columns.at[columns.n++] = 0;
        }
    }
    return columns;
}

void hp_columns_clear(hp_columns *columns)
{
    g_clear_pointer(&columns->at, g_free);
    columns->n = 0;
}

unsigned hp_columns_line(const hp_columns *columns, unsigned *from, unsigned room)
{
    while (*from < columns->n && columns->at[*from] == ' ') {
        (*from)++;
    }
    const gunichar *at = columns->at + *from;
    const unsigned left = columns->n - *from;
    if (left <= room) {
        return left;
    }
    unsigned n = room;
    while (n > 0 && at[n] != ' ') {
        n--;
    }
    if (n == 0) { /* one long word: cut, but no wide character in the middle */
        return at[room] == 0 ? room - 1 : room;
    }
    while (n > 0 && at[n - 1] == ' ') {
        n--;
    }
    return n;
}

/* ---- rows ---- */

void hp_row_init(hp_row *row, unsigned width)
{
    *row = (hp_row){.width = width, .at = g_new(gunichar, width), .paint = g_new(unsigned char, width)};
    hp_row_blank(row);
}

void hp_row_clear(hp_row *row)
{
    g_clear_pointer(&row->at, g_free);
    g_clear_pointer(&row->paint, g_free);
}

void hp_row_blank(hp_row *row)
{
    hp_row_fill(row, 0, row->width, ' ', HP_PAINT_PLAIN);
}

void hp_row_put(hp_row *row, unsigned x, gunichar c, hp_paint paint)
{
    if (x < row->width) {
        row->at[x] = c;
        row->paint[x] = (unsigned char)paint;
    }
}

void hp_row_fill(hp_row *row, unsigned from, unsigned to, gunichar c, hp_paint paint)
{
    for (unsigned x = from; x < to; x++) {
        hp_row_put(row, x, c, paint);
    }
}

void hp_row_columns(hp_row *row, unsigned x, const hp_columns *columns, unsigned from, unsigned n, hp_paint paint)
{
    for (unsigned i = 0; i < n && from + i < columns->n; i++) {
        hp_row_put(row, x + i, columns->at[from + i], paint);
    }
}

void hp_row_append(const hp_row *row, bool colour, GString *out)
{
    unsigned n = row->width;
    while (n > 0 && row->at[n - 1] == ' ') {
        n--;
    }
    unsigned char now = HP_PAINT_PLAIN;
    for (unsigned x = 0; x < n; x++) {
        if (colour && row->at[x] != ' ' && row->paint[x] != now) {
            g_string_append(out, now != HP_PAINT_PLAIN ? "\033[0m" : "");
            g_string_append(out, codes[row->paint[x]]);
            now = row->paint[x];
        }
        if (row->at[x] != 0) {
            g_string_append_unichar(out, row->at[x]);
        }
    }
    g_string_append(out, now != HP_PAINT_PLAIN ? "\033[0m\n" : "\n");
}
