/* What `hairpin agree` says of two worlds: text for people, agree.json for programs.
 *
 *   agrees     basics/direct  (pass, 7 things compared)
 *   DIFFERS    nat/strict  (pass)
 *              alice with bob: connected
 *                virtual   208.000ms
 *                live      612.031ms
 *                apart     404.031ms, at most 300.000ms
 *              again       hairpin run scenarios/nat/strict.yaml --seed 1
 *   left out   turn/renumber  (the scenario is for the virtual world: ...)
 *
 * agree.json holds the same, and every value that was compared, also where the two agree:
 *
 *   {"format": "hairpin-agree/1", "hairpin": "0.1.0", "totals": {"cases": 2, "agrees": 1, ...},
 *    "cases": [{"case", "file", "outcome", "why", "repeated", "virtual", "live", "items": [{"what", "virtual", "live",
 *               "apart_ns", "bound_ns", "differs"}]}]} */
#include "report/agree.h"

#include "report/json_writer.h"

#define GREEN "\x1b[32m"
#define RED "\x1b[31m"
#define YELLOW "\x1b[33m"
#define DIM "\x1b[2m"
#define PLAIN "\x1b[0m"

enum { LABEL_WIDTH = 11 };

static void put_label(GString *s, const hp_report_style *style, const char *colour, const char *label)
{
    g_string_append_printf(s, "%s%-*s%s", style->colour ? colour : "", LABEL_WIDTH, label, style->colour ? PLAIN : "");
}

/* Names and texts may come from the software under test: no control characters. */
static void put_clean(GString *s, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    for (const char *at = valid; *at != '\0'; at = g_utf8_next_char(at)) {
        const gunichar c = g_utf8_get_char(at);
        if (g_unichar_iscntrl(c)) {
            g_string_append_printf(s, "\\x%02x", c);
        } else {
            g_string_append_unichar(s, c);
        }
    }
}

static void put_row(GString *s, const char *label, const char *value)
{
    g_string_append_printf(s, "%*s%-10s", LABEL_WIDTH + 2, "", label);
    put_clean(s, value);
    g_string_append_c(s, '\n');
}

static void put_item(GString *s, const hp_agree_item *item)
{
    char apart[HP_TIME_TEXT], bound[HP_TIME_TEXT];
    g_string_append_printf(s, "%*s", LABEL_WIDTH, "");
    put_clean(s, item->what);
    g_string_append_c(s, '\n');
    put_row(s, "virtual", item->values[0]);
    put_row(s, "live", item->values[1]);
    if (item->apart != HP_NEVER) {
        g_autofree char *text =
            g_strdup_printf("%s, at most %s", hp_time_format(item->apart, apart), hp_time_format(item->bound, bound));
        put_row(s, "apart", text);
    }
}

static void put_case(GString *s, const hp_agreement *a, const hp_report_style *style)
{
    switch (a->outcome) {
    case HP_AGREE_AGREES:
        put_label(s, style, GREEN, "agrees");
        break;
    case HP_AGREE_DIFFERS:
        put_label(s, style, RED, "DIFFERS");
        break;
    case HP_AGREE_INVALID:
        put_label(s, style, YELLOW, "INVALID");
        break;
    case HP_AGREE_LEFT_OUT:
    case HP_AGREE_N:
        put_label(s, style, DIM, "left out");
        break;
    }
    put_clean(s, a->name);
    g_string_append(s, "  (");
    if (a->outcome == HP_AGREE_LEFT_OUT) {
        put_clean(s, a->why != NULL ? a->why : "");
    } else if (a->outcome == HP_AGREE_INVALID) {
        g_string_append(s, "the machine was too slow for the live run");
    } else {
        g_string_append_printf(s, "%s, %u thing%s compared", a->verdicts[0], a->items->len,
                               a->items->len == 1 ? "" : "s");
        if (a->why != NULL) {
            g_string_append(s, "; bounds of its own: ");
            put_clean(s, a->why);
        }
    }
    g_string_append(s, a->repeated ? "; the first live run was invalid, this is a second one, alone)\n" : ")\n");
    for (unsigned i = 0; i < a->items->len; i++) {
        const hp_agree_item *item = a->items->pdata[i];
        if (item->differs || style->verbose) {
            put_item(s, item);
        }
    }
    if (a->outcome == HP_AGREE_DIFFERS && a->again != NULL) {
        g_string_append_printf(s, "%*s%-12s", LABEL_WIDTH, "", "again");
        put_clean(s, a->again);
        g_string_append_c(s, '\n');
    }
}

char *hp_agree_text(const GPtrArray *all, const hp_report_style *style)
{
    GString *s = g_string_new(NULL);
    unsigned n[HP_AGREE_N];
    hp_agree_count(all, n);
    for (unsigned i = 0; i < all->len; i++) {
        put_case(s, all->pdata[i], style);
    }
    g_string_append_printf(s, "%u agree, %u differ%s", n[HP_AGREE_AGREES], n[HP_AGREE_DIFFERS],
                           n[HP_AGREE_DIFFERS] == 1 ? "s" : "");
    if (n[HP_AGREE_INVALID] > 0) {
        g_string_append_printf(s, ", %u invalid", n[HP_AGREE_INVALID]);
    }
    if (n[HP_AGREE_LEFT_OUT] > 0) {
        g_string_append_printf(s, ", %u left out", n[HP_AGREE_LEFT_OUT]);
    }
    g_string_append_c(s, '\n');
    return g_string_free(s, FALSE);
}

/* ---- JSON ---- */

static void write_item(hp_json *j, const hp_agree_item *item)
{
    hp_json_open(j, NULL, '{');
    hp_json_text(j, "what", item->what);
    hp_json_text(j, "virtual", item->values[0]);
    hp_json_text(j, "live", item->values[1]);
    hp_json_time(j, "apart_ns", item->apart);
    hp_json_time(j, "bound_ns", item->bound);
    hp_json_bool(j, "differs", item->differs);
    hp_json_close(j, '}');
}

static void write_case(hp_json *j, const hp_agreement *a)
{
    hp_json_open(j, NULL, '{');
    hp_json_text(j, "case", a->name);
    hp_json_text(j, "file", a->file);
    hp_json_text(j, "outcome", hp_agree_outcome_name(a->outcome));
    hp_json_text(j, "why", a->why);
    hp_json_bool(j, "repeated", a->repeated);
    hp_json_text(j, "virtual", a->verdicts[0]);
    hp_json_text(j, "live", a->verdicts[1]);
    hp_json_open(j, "items", '[');
    for (unsigned i = 0; i < a->items->len; i++) {
        write_item(j, a->items->pdata[i]);
    }
    hp_json_close(j, ']');
    hp_json_close(j, '}');
}

bool hp_agree_write(const GPtrArray *all, const char *path, GError **error)
{
    unsigned n[HP_AGREE_N];
    hp_output *o = hp_output_open(path, error);
    if (o == NULL) {
        return false;
    }
    hp_json j = {.o = o, .depth = 1, .first = true};
    hp_agree_count(all, n);
    hp_output_char(o, '{');
    hp_json_text(&j, "format", HP_AGREE_FORMAT);
    hp_json_text(&j, "hairpin", HAIRPIN_VERSION);
    hp_json_open(&j, "totals", '{');
    hp_json_u64(&j, "cases", all->len);
    for (unsigned i = 0; i < HP_AGREE_N; i++) {
        hp_json_u64(&j, hp_agree_outcome_name(i), n[i]);
    }
    hp_json_close(&j, '}');
    hp_json_open(&j, "cases", '[');
    for (unsigned i = 0; i < all->len; i++) {
        write_case(&j, all->pdata[i]);
    }
    hp_json_close(&j, ']');
    hp_output_literal(o, "\n}\n");
    return hp_output_close(o, error);
}
