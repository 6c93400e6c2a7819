/* Text for a terminal. It may come from the software under test: control characters are shown as escapes, so that a message
 * cannot steer the terminal. */
#include "report/terminal.h"

void hp_term_coloured(hp_output *o, const hp_report_style *style, const char *colour, unsigned width, const char *text)
{
    if (style->colour) {
        hp_output_text(o, colour);
    }
    hp_output_printf(o, "%-*s", (int)width, text);
    if (style->colour) {
        hp_output_literal(o, HP_TERM_PLAIN);
    }
}

void hp_term_clean(hp_output *o, const char *text, unsigned indent)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    g_strchomp(valid);
    for (const char *at = valid; *at != '\0'; at = g_utf8_next_char(at)) {
        const gunichar c = g_utf8_get_char(at);
        if (c == '\n') {
            hp_output_printf(o, "\n%*s", (int)indent, "");
        } else if (c < 0x20 || (c >= 0x7f && c < 0xa0)) {
            hp_output_printf(o, "\\x%02x", c);
        } else {
            hp_output_bytes(o, at, (size_t)(g_utf8_next_char(at) - at));
        }
    }
}

void hp_term_row(hp_output *o, const hp_report_style *style, unsigned indent, unsigned width, const char *name,
                 const char *value)
{
    hp_output_printf(o, "%*s", (int)indent, "");
    hp_term_coloured(o, style, HP_TERM_DIM, width, name);
    hp_term_clean(o, value, indent + width);
    hp_output_char(o, '\n');
}
