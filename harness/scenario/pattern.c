/* Event patterns: the one place that says what `{event: ..., of: ..., where: {...}}` means, for the steps that wait for
 * an event and for the expectations that count or order them. */
#include <string.h>

#include "scenario/model.h"

bool hp_event_span_parse(const char *text, hp_time *ret_min, hp_time *ret_max)
{
    hp_time min, max;
    const char *dots = strstr(text, "..");
    g_autofree char *first = dots ? g_strndup(text, (gsize)(dots - text)) : g_strdup(text);
    if (!hp_time_parse(first, &min) || !hp_time_parse(dots ? dots + 2 : text, &max) || max < min)
        return false;
    *ret_min = min;
    *ret_max = max;
    return true;
}

static bool field_matches(const hp_field *field, const char *wanted)
{
    char text[HP_ADDR_TEXT];
    hp_time min, max;
    switch (field->type) {
    case 's':
        return strcmp(field->s ? field->s : "", wanted) == 0;
    case 'u':
        g_snprintf(text, sizeof text, "%" G_GUINT64_FORMAT, field->u);
        return strcmp(text, wanted) == 0;
    case 'i':
        g_snprintf(text, sizeof text, "%" G_GINT64_FORMAT, field->i);
        return strcmp(text, wanted) == 0;
    case 't':
        g_snprintf(text, sizeof text, "%" G_GUINT64_FORMAT, field->t);
        return strcmp(text, wanted) == 0 ||
               (hp_event_span_parse(wanted, &min, &max) && min <= field->t && field->t <= max);
    case 'a':
        return strcmp(hp_addr_format(&field->a, text), wanted) == 0 ||
               strcmp(hp_addr_format_ip(&field->a, text), wanted) == 0;
    default: /* a type of a later version: never equal */
        return false;
    }
}

bool hp_event_pattern_matches(const hp_event_pattern *pattern, const hp_record *record)
{
    if (record->type != HP_RECORD_EVENT || record->event.kind != pattern->kind)
        return false;
    if (pattern->subject && strcmp(record->event.subject, pattern->subject) != 0)
        return false;
    for (unsigned i = 0; i < pattern->n_where; i++) {
        hp_field field;
        if (!hp_record_find(record, pattern->keys[i], &field) || !field_matches(&field, pattern->values[i]))
            return false;
    }
    return true;
}
