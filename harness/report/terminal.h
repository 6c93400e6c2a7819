/* Private to report/: what all texts for a terminal are made of. */
#ifndef HP_REPORT_TERMINAL_H
#define HP_REPORT_TERMINAL_H

#include "report/report.h"
#include "trace/output.h"

#define HP_TERM_GREEN "\x1b[32m"
#define HP_TERM_RED "\x1b[31m"
#define HP_TERM_YELLOW "\x1b[33m"
#define HP_TERM_CYAN "\x1b[36m"
#define HP_TERM_DIM "\x1b[2m"
#define HP_TERM_PLAIN "\x1b[0m"

/* A column of that width at least, in a colour where the style has colours. */
void hp_term_coloured(hp_output *o, const hp_report_style *style, const char *colour, unsigned width, const char *text);
/* Text as it may stand on a terminal: control characters are shown as escapes, what is no UTF-8 becomes U+FFFD. Lines
 * after the first are indented by `indent`. */
void hp_term_clean(hp_output *o, const char *text, unsigned indent);
/* "           seed        1": a name in a column of its own, then its value. */
void hp_term_row(hp_output *o, const hp_report_style *style, unsigned indent, unsigned width, const char *name,
                 const char *value);

#endif
