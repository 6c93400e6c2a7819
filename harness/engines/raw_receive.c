/* Receiving, as an action of a raw peer's script: a look at what has come, a reason for what did not fit.
 *
 * A receive looks at each arrival once, oldest first; what it takes is gone from the inbox. `nothing` takes nothing. */
#include <string.h>

#include "base/error.h"
#include "engines/raw_private.h"

static void note_nearest(hp_raw_thread *t, const hp_raw_arrival *a, int score, char *why)
{
    if (score < t->nearest_score) {
        g_free(why);
        return;
    }
    g_free(t->nearest);
    g_free(t->why);
    t->nearest_score = score;
    t->nearest = hp_raw_arrival_describe(a);
    t->why = why;
    t->nearest_packet = a->packet;
}

/* "nothing" without a word on what means what no reaction took. */
static bool asks_for_anything(const hp_raw_filter *f)
{
    return f->is == HP_RAW_MESSAGE && !f->has_match && !f->has_stun && f->from == NULL && f->bytes == NULL &&
           f->text == NULL && !f->size.set && !f->has_dtls_type && !f->has_dtls_handshake;
}

bool hp_raw_look_for_nothing(hp_raw *raw, hp_raw_thread *t)
{
    const hp_raw_receive *receive = &t->action->receive;
    for (GList *node = raw->inbox.head; node != NULL; node = node->next) {
        const hp_raw_arrival *a = node->data;
        int score;
        g_autofree char *why = NULL;
        if (a->number <= t->seen || (a->answered && asks_for_anything(&receive->filter))) {
            continue;
        }
        if (!hp_raw_filter_fits(raw, &receive->filter, a, &score, &why)) {
            continue;
        }
        g_autofree char *what = hp_raw_filter_describe(&receive->filter);
        g_autofree char *expected = g_strdup_printf("like %s", what);
        note_nearest(t, a, G_MAXINT, g_strdup("it came"));
        hp_raw_miss(raw, t, expected);
        return true;
    }
    t->seen = raw->n_arrivals;
    if (raw->now < t->wake) {
        return false;
    }
    hp_raw_matched(raw, t, 0);
    t->state = HP_RAW_READY;
    return true;
}

/* True when the script got on: all were found, or one that cannot be kept. */
static bool take(hp_raw *raw, hp_raw_thread *t, const hp_raw_arrival *a)
{
    const hp_raw_receive *receive = &t->action->receive;
    g_autoptr(GError) error = NULL;
    if (!hp_raw_keep(raw, receive, a, &error)) {
        hp_raw_fail(raw, t->action, error->message);
        return true;
    }
    if (++t->count < receive->count) {
        return false;
    }
    hp_raw_matched(raw, t, a->packet);
    t->state = HP_RAW_READY;
    return true;
}

bool hp_raw_look_for_arrival(hp_raw *raw, hp_raw_thread *t)
{
    const hp_raw_receive *receive = &t->action->receive;
    for (GList *node = raw->inbox.head, *next; node != NULL; node = next) {
        hp_raw_arrival *a = node->data;
        int score;
        char *why = NULL;
        next = node->next;
        if (a->number <= t->seen) {
            continue;
        }
        if (!hp_raw_filter_fits(raw, &receive->filter, a, &score, &why)) {
            note_nearest(t, a, score, why);
            continue;
        }
        g_queue_delete_link(&raw->inbox, node);
        uint64_t number = a->number;
        bool on = take(raw, t, a);
        hp_raw_arrival_free(a);
        if (on) {
            return true;
        }
        t->seen = number;
    }
    t->seen = raw->n_arrivals;
    if (raw->now < t->wake) {
        return false;
    }
    g_autofree char *what = hp_raw_filter_describe(&receive->filter);
    g_autofree char *expected = receive->count > 1
                                    ? g_strdup_printf("%u of %s (%u came)", receive->count, what, t->count)
                                    : g_steal_pointer(&what);
    hp_raw_miss(raw, t, expected);
    return true;
}

static const char *signal_name(hp_raw_signal_kind kind)
{
    switch (kind) {
    case HP_RAW_OFFER:
        return "an offer";
    case HP_RAW_ANSWER:
        return "an answer";
    case HP_RAW_SIGNAL_CANDIDATE:
        return "a candidate";
    case HP_RAW_SIGNAL_END:
        return "the end of candidates";
    case HP_RAW_JSON:
        break;
    }
    return "a message";
}

bool hp_raw_look_for_signal(hp_raw *raw, hp_raw_thread *t)
{
    const hp_raw_receive_signal *receive = &t->action->receive_signal;
    for (GList *node = raw->signals.head; node != NULL; node = node->next) {
        hp_raw_signal_arrival *s = node->data;
        if ((receive->has_type && s->type != receive->type) ||
            (receive->from != NULL && strcmp(receive->from, s->from) != 0)) {
            continue;
        }
        g_queue_delete_link(&raw->signals, node);
        g_free(s->from);
        g_free(s);
        hp_raw_matched(raw, t, 0);
        t->state = HP_RAW_READY;
        return true;
    }
    if (raw->now < t->wake) {
        return false;
    }
    g_autofree char *expected =
        g_strdup_printf("%s%s%s by signalling", receive->has_type ? signal_name(receive->type) : "a message",
                        receive->from != NULL ? " from " : "", receive->from != NULL ? receive->from : "");
    hp_raw_miss(raw, t, expected);
    return true;
}
