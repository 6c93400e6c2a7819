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
#include "report/terminal.h"

/* Of an outcome, of the names below it; of what is compared, which stands below those. */
enum { LABEL_WIDTH = 11, WIDTH = 12, INNER_INDENT = LABEL_WIDTH + 2, INNER_WIDTH = 10 };

static void put_item(hp_output *o, const hp_report_style *style, const hp_agree_item *item)
{
    char apart[HP_TIME_TEXT], bound[HP_TIME_TEXT];
    hp_output_printf(o, "%*s", LABEL_WIDTH, "");
    hp_term_clean(o, item->what, LABEL_WIDTH);
    hp_output_char(o, '\n');
    hp_term_row(o, style, INNER_INDENT, INNER_WIDTH, "virtual", item->values[0]);
    hp_term_row(o, style, INNER_INDENT, INNER_WIDTH, "live", item->values[1]);
    if (item->apart != HP_NEVER) {
        g_autofree char *text =
            g_strdup_printf("%s, at most %s", hp_time_format(item->apart, apart), hp_time_format(item->bound, bound));
        hp_term_row(o, style, INNER_INDENT, INNER_WIDTH, "apart", text);
    }
}

static void put_case(hp_output *o, const hp_report_style *style, const hp_agreement *a)
{
    switch (a->outcome) {
    case HP_AGREE_AGREES:
        hp_term_coloured(o, style, HP_TERM_GREEN, LABEL_WIDTH, "agrees");
        break;
    case HP_AGREE_DIFFERS:
        hp_term_coloured(o, style, HP_TERM_RED, LABEL_WIDTH, "DIFFERS");
        break;
    case HP_AGREE_INVALID:
        hp_term_coloured(o, style, HP_TERM_YELLOW, LABEL_WIDTH, "INVALID");
        break;
    case HP_AGREE_LEFT_OUT:
    case HP_AGREE_N:
        hp_term_coloured(o, style, HP_TERM_DIM, LABEL_WIDTH, "left out");
        break;
    }
    hp_term_clean(o, a->name, LABEL_WIDTH);
    hp_output_literal(o, "  (");
    if (a->outcome == HP_AGREE_LEFT_OUT) {
        hp_term_clean(o, a->why != NULL ? a->why : "", LABEL_WIDTH);
    } else if (a->outcome == HP_AGREE_INVALID) {
        hp_output_literal(o, "the machine was too slow for the live run");
    } else {
        hp_output_printf(o, "%s, %u thing%s compared", a->verdicts[0], a->items->len, a->items->len == 1 ? "" : "s");
        if (a->why != NULL) {
            hp_output_literal(o, "; bounds of its own: ");
            hp_term_clean(o, a->why, LABEL_WIDTH);
        }
    }
    hp_output_text(o, a->repeated ? "; the first live run was invalid, this is a second one, alone)\n" : ")\n");
    for (unsigned i = 0; i < a->items->len; i++) {
        const hp_agree_item *item = a->items->pdata[i];
        if (item->differs || style->verbose) {
            put_item(o, style, item);
        }
    }
    if (a->outcome == HP_AGREE_DIFFERS && a->again != NULL) {
        hp_term_row(o, style, LABEL_WIDTH, WIDTH, "again", a->again);
    }
}

char *hp_agree_text(const GPtrArray *all, const hp_report_style *style)
{
    hp_output *o = hp_output_memory();
    unsigned n[HP_AGREE_N];
    hp_agree_count(all, n);
    for (unsigned i = 0; i < all->len; i++) {
        put_case(o, style, all->pdata[i]);
    }
    hp_output_printf(o, "%u agree, %u differ%s", n[HP_AGREE_AGREES], n[HP_AGREE_DIFFERS],
                     n[HP_AGREE_DIFFERS] == 1 ? "s" : "");
    if (n[HP_AGREE_INVALID] > 0) {
        hp_output_printf(o, ", %u invalid", n[HP_AGREE_INVALID]);
    }
    if (n[HP_AGREE_LEFT_OUT] > 0) {
        hp_output_printf(o, ", %u left out", n[HP_AGREE_LEFT_OUT]);
    }
    hp_output_char(o, '\n');
    return hp_output_take(o, NULL);
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
