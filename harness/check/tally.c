/* Counts against ranges, and the small pieces that the texts of verdicts are made of. */
#include <string.h>

#include "base/rng.h"
#include "check/expectation.h"

void hp_tally_init(hp_tally *t, const hp_compare *range, uint64_t least)
{
    *t = (hp_tally){
        .range = range->set
                     ? *range
                     : (hp_compare){.min = (int64_t)least, .max = INT64_MAX, .set = least > 0, .unit = range->unit},
        .reached_at = HP_NEVER,
        .broken_at = HP_NEVER,
        .first_at = HP_NEVER,
        .last_at = HP_NEVER,
    };
}

static int64_t clamp(uint64_t value)
{
    return (int64_t)MIN(value, (uint64_t)INT64_MAX);
}

void hp_tally_add(hp_tally *t, uint64_t amount, hp_time at, uint32_t packet)
{
    const int64_t before = clamp(t->value);
    t->value = t->value > UINT64_MAX - amount ? UINT64_MAX : t->value + amount;
    const int64_t after = clamp(t->value);
    if (t->first_at == HP_NEVER) {
        t->first_at = at;
        t->first_packet = packet;
    }
    t->last_at = at;
    t->last_packet = packet;
    if (before < t->range.min && after >= t->range.min) {
        t->reached_at = at;
        t->reached_packet = packet;
    }
    if (before <= t->range.max && after > t->range.max) {
        t->broken_at = at;
        t->broken_packet = packet;
    }
}

bool hp_tally_holds(const hp_tally *t)
{
    return hp_compare_holds(&t->range, clamp(t->value));
}

bool hp_tally_is_fixed(const hp_tally *t)
{
    const int64_t value = clamp(t->value);
    return value > t->range.max || (value >= t->range.min && t->range.max == INT64_MAX);
}

void hp_tally_judge(const hp_tally *t, hp_judgement *j)
{
    j->passed = hp_tally_holds(t);
    if (t->broken_at != HP_NEVER) {
        j->at = t->broken_at;
        j->packet = t->broken_packet;
    } else if (j->passed && t->range.max == INT64_MAX && t->reached_at != HP_NEVER) {
        j->at = t->reached_at;
        j->packet = t->reached_packet;
    } else {
        j->packet = t->last_packet;
    }
}

void hp_text_separate(GString *text)
{
    if (text->len > 0 && text->str[text->len - 1] != ' ' && text->str[text->len - 1] != '(') {
        g_string_append(text, ", ");
    }
}

void hp_text_compare(GString *text, const char *what, const hp_compare *c)
{
    if (c->set) {
        g_autofree char *range = hp_compare_format(c);
        hp_text_separate(text);
        g_string_append_printf(text, "%s %s", what, range);
    }
}

void hp_text_time(GString *text, hp_time t)
{
    char buf[HP_TIME_TEXT];
    g_string_append(text, hp_time_format(t, buf));
}

/* Four digits are enough of a rate. */
static int64_t round_rate(int64_t rate)
{
    int64_t step = 1;
    while (rate / step >= 10000) {
        step *= 10;
    }
    return (rate + step / 2) / step * step;
}

void hp_text_value(GString *text, hp_unit unit, int64_t value)
{
    if (unit == HP_UNIT_TIME) {
        hp_text_time(text, (hp_time)value);
        return;
    }
    const int64_t rounded = unit == HP_UNIT_RATIO  ? hp_ratio_round(value)
                            : unit == HP_UNIT_RATE ? round_rate(value)
                                                   : value;
    g_autofree char *formatted = hp_unit_format(unit, rounded);
    g_string_append(text, formatted);
}

void hp_text_count(GString *text, uint64_t n, const char *singular, const char *plural)
{
    g_string_append_printf(text, "%" G_GUINT64_FORMAT " %s", n, n == 1 ? singular : plural);
}

static void bound(GString *text, const char *word, const char *step, hp_time t, hp_time open)
{
    if (step != NULL) {
        g_string_append_printf(text, " %s `%s`", word, step);
    } else if (t != open) {
        g_string_append_printf(text, " %s ", word);
        hp_text_time(text, t);
    }
}

void hp_text_window(GString *text, const hp_expect *expect)
{
    bound(text, "after", expect->window.after_step, expect->window.after, 0);
    bound(text, "before", expect->window.before_step, expect->window.before, HP_NEVER);
}

void hp_text_flow(GString *text, const char *from, const char *to)
{
    if (from != NULL) {
        g_string_append_printf(text, "from %s%s", from, to != NULL ? " " : "");
    }
    if (to != NULL) {
        g_string_append_printf(text, "to %s", to);
    }
}
