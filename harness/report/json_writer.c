/* A pretty-printer of JSON with two spaces, or all on one line.
 *
 * Written by hand, so that the shape of the text is ours and stays the same whatever library is underneath: members one a
 * line in the order they are put, numbers whole, time that never came null. Only long rows of numbers stand on one line. */
#include "report/json_writer.h"

static void new_line(hp_json *j)
{
    if (j->one_line) {
        return;
    }
    hp_output_char(j->o, '\n');
    for (unsigned i = 0; i < j->depth; i++) {
        hp_output_literal(j->o, "  ");
    }
}

void hp_json_member(hp_json *j, const char *key)
{
    if (!j->first) {
        hp_output_char(j->o, ',');
    }
    j->first = false;
    new_line(j);
    if (key != NULL) {
        hp_output_json(j->o, key);
        hp_output_text(j->o, j->one_line ? ":" : ": ");
    }
}

void hp_json_open(hp_json *j, const char *key, char bracket)
{
    hp_json_member(j, key);
    hp_output_char(j->o, bracket);
    j->depth++;
    j->first = true;
}

void hp_json_close(hp_json *j, char bracket)
{
    j->depth--;
    if (!j->first) {
        new_line(j);
    }
    j->first = false;
    hp_output_char(j->o, bracket);
}

void hp_json_text(hp_json *j, const char *key, const char *text)
{
    hp_json_member(j, key);
    if (text != NULL) {
        hp_output_json(j->o, text);
    } else {
        hp_output_literal(j->o, "null");
    }
}

void hp_json_u64(hp_json *j, const char *key, uint64_t value)
{
    hp_json_member(j, key);
    hp_output_u64(j->o, value);
}

void hp_json_i64(hp_json *j, const char *key, int64_t value)
{
    hp_json_member(j, key);
    hp_output_i64(j->o, value);
}

void hp_json_bool(hp_json *j, const char *key, bool value)
{
    hp_json_member(j, key);
    hp_output_text(j->o, value ? "true" : "false");
}

void hp_json_words(hp_json *j, const char *key, char *const *words)
{
    hp_json_open(j, key, '[');
    for (char *const *word = words; word != NULL && *word != NULL; word++) {
        hp_json_text(j, NULL, *word);
    }
    hp_json_close(j, ']');
}

void hp_json_time(hp_json *j, const char *key, hp_time t)
{
    if (t == HP_NEVER) {
        hp_json_text(j, key, NULL);
    } else {
        hp_json_u64(j, key, t);
    }
}

void hp_json_addr(hp_json *j, const char *key, const hp_addr *addr)
{
    char text[HP_ADDR_TEXT];
    hp_json_text(j, key, addr->family != HP_AF_NONE ? hp_addr_format(addr, text) : NULL);
}

void hp_json_distribution(hp_json *j, const char *key, const hp_distribution *d)
{
    hp_json_open(j, key, '{');
    hp_json_u64(j, "count", d->count);
    const hp_time absent = d->count == 0 ? HP_NEVER : 0;
    hp_json_time(j, "min_ns", d->min | absent);
    hp_json_time(j, "median_ns", d->median | absent);
    hp_json_time(j, "mean_ns", d->mean | absent);
    hp_json_time(j, "p95_ns", d->p95 | absent);
    hp_json_time(j, "max_ns", d->max | absent);
    hp_json_close(j, '}');
}

void hp_json_row(hp_json *j, const char *key, const void *first, size_t stride, size_t size, unsigned n)
{
    const char *at = first;
    hp_json_member(j, key);
    hp_output_char(j->o, '[');
    for (unsigned i = 0; i < n; i++, at += stride) {
        uint32_t narrow;
        uint64_t value;
        if (size == sizeof narrow) {
            memcpy(&narrow, at, sizeof narrow);
            value = narrow;
        } else {
            memcpy(&value, at, sizeof value);
        }
        if (i > 0) {
            hp_output_char(j->o, ',');
        }
        hp_output_u64(j->o, value);
    }
    hp_output_char(j->o, ']');
}
