/* A ladder drawn for a terminal. */
#ifndef HP_REPORT_LADDER_TEXT_H
#define HP_REPORT_LADDER_TEXT_H

#include "report/ladder.h"

enum { HP_LADDER_MIN_WIDTH = 40, HP_LADDER_MAX_WIDTH = 1000 };

typedef struct hp_ladder_style {
    unsigned width; /* columns; HP_LADDER_MIN_WIDTH to HP_LADDER_MAX_WIDTH: no line is longer */
    bool ascii; /* nothing but ASCII; otherwise UTF-8 with box drawing */
    bool colour; /* ANSI colours */
} hp_ladder_style;

/* Ends in a newline. Who finds no room in the width is left out, and named at the end. The complaint is not in it.
 * Caller frees. */
char *hp_ladder_text(const hp_ladder *ladder, const hp_ladder_style *style);

#endif
