/* Private to report/: one row of characters on a terminal, each with what it is painted as. */
#ifndef HP_REPORT_LADDER_ROW_H
#define HP_REPORT_LADDER_ROW_H

#include <glib.h>
#include <stdbool.h>

typedef enum hp_paint {
    HP_PAINT_PLAIN,
    HP_PAINT_DIM,
    HP_PAINT_BOLD,
    HP_PAINT_RED,
    HP_PAINT_GREEN,
    HP_PAINT_YELLOW,
    HP_PAINT_BLUE,
    HP_PAINT_MAGENTA,
    HP_PAINT_CYAN,
    HP_PAINT_N
} hp_paint;

/* Text as columns: a character each, a wide one followed by a 0, none that takes no room or would move the cursor. */
typedef struct hp_columns {
    gunichar *at;
    unsigned n;
} hp_columns;

/* ascii: other characters become question marks. */
hp_columns hp_columns_of(const char *text, bool ascii);
void hp_columns_clear(hp_columns *columns);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(hp_columns, hp_columns_clear)
/* Moves *from past spaces; how many columns from there on go on a line of `room` (at least 2), broken at a space where
 * there is one. 0 at the end. */
unsigned hp_columns_line(const hp_columns *columns, unsigned *from, unsigned room);

typedef struct hp_row {
    unsigned width;
    gunichar *at;
    unsigned char *paint; /* hp_paint */
} hp_row;

void hp_row_init(hp_row *row, unsigned width);
void hp_row_clear(hp_row *row);
void hp_row_blank(hp_row *row);
/* What lies outside the row is left out. */
void hp_row_put(hp_row *row, unsigned x, gunichar c, hp_paint paint);
void hp_row_fill(hp_row *row, unsigned from, unsigned to, gunichar c, hp_paint paint); /* to: behind the last */
/* n columns of a text from `from` on. */
void hp_row_columns(hp_row *row, unsigned x, const hp_columns *columns, unsigned from, unsigned n, hp_paint paint);
/* As a line, without spaces at its end. */
void hp_row_append(const hp_row *row, bool colour, GString *out);

#endif
