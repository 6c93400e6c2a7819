/* What a raw peer answers by itself: the first reaction that matches a message speaks, at once or after a delay.
 *
 * A connectivity check that came in a Data indication is answered the way it came (RFC 8656 section 11.3). Of one in
 * ChannelData nobody here knows whom its channel belongs to: it is left to the script. */
#include <string.h>

#include "engines/raw_private.h"

/* The success that a connectivity check asks for, or NULL when the arrival is none with our credentials. */
static GBytes *check_answer(hp_raw *raw, const hp_raw_arrival *arrival)
{
    hp_stun_msg m;
    hp_stun_attr attr;
    uint8_t buf[HP_STUN_MAX];
    hp_stun_writer w;
    const char *own = hp_raw_ufrag(raw), *password = hp_raw_password(raw);
    hp_stun_key key = hp_stun_key_short(password, strlen(password));

    if (arrival->data == NULL || !hp_stun_parse(arrival->data, arrival->length, &m) || m.method != HP_STUN_BINDING ||
        m.cls != HP_STUN_REQUEST || !hp_stun_find(&m, HP_STUN_USERNAME, &attr)) {
        return NULL;
    }
    size_t n = strlen(own);
    if (attr.length <= n || memcmp(attr.value, own, n) != 0 || attr.value[n] != ':' ||
        hp_stun_check_integrity(&m, &key, false) != HP_STUN_GOOD) {
        return NULL;
    }
    hp_stun_begin(&w, buf, sizeof buf, HP_STUN_SUCCESS, HP_STUN_BINDING, m.id, m.data + 4);
    hp_stun_add_addr(&w, HP_STUN_XOR_MAPPED_ADDRESS, &arrival->from, true);
    hp_stun_add_integrity(&w, &key, false);
    hp_stun_add_fingerprint(&w);
    return g_bytes_new(buf, hp_stun_finish(&w));
}

static void send_answer(hp_raw_endpoint *at, const hp_addr *to, GBytes *bytes, unsigned line)
{
    g_autoptr(GBytes) framed = hp_raw_frame_bytes(at, bytes);
    g_autoptr(GError) error = NULL;
    if (hp_raw_put(at, to, framed, NULL, &error)) {
        hp_raw_tell_sent(at, to, bytes, line, "answer");
    } else {
        hp_raw_tell(at->raw,
                    &(hp_raw_event){.kind = HP_RAW_EV_ERROR, .line = line, .action = "answer", .text = error->message});
    }
}

static void answer_with(hp_raw *raw, const hp_raw_answer *answer, const hp_raw_arrival *a, GBytes *bytes)
{
    if (answer->delay == 0) {
        send_answer(a->at, &a->from, bytes, answer->mark.line);
        return;
    }
    hp_raw_delayed *d = g_new0(hp_raw_delayed, 1);
    *d = (hp_raw_delayed){.at = a->at,
                          .to = a->from,
                          .bytes = g_bytes_ref(bytes),
                          .due = hp_time_add(raw->now, answer->delay),
                          .line = answer->mark.line};
    g_ptr_array_add(raw->delayed, d);
}

void hp_raw_run_delayed(hp_raw *raw)
{
    for (guint i = 0; i < raw->delayed->len;) {
        hp_raw_delayed *d = raw->delayed->pdata[i];
        if (d->due > raw->now) {
            i++;
            continue;
        }
        send_answer(d->at, &d->to, d->bytes, d->line);
        g_ptr_array_remove_index(raw->delayed, i);
    }
}

/* The answer to a check, in a Send indication where the check came in a Data indication. NULL when it is none. */
static GBytes *answer_to_check(hp_raw *raw, const hp_raw_arrival *a)
{
    hp_stun_msg m;
    hp_stun_attr peer;
    hp_raw_arrival inner = *a;
    uint8_t buf[2 * HP_STUN_MAX], id[12];
    hp_stun_writer w;
    bool relayed = hp_stun_parse(a->data, a->length, &m) && m.method == HP_STUN_DATA && m.cls == HP_STUN_INDICATION &&
                   hp_stun_find(&m, HP_STUN_XOR_PEER_ADDRESS, &peer) && hp_stun_attr_addr(&m, &peer, true, &inner.from);
    if (!relayed) {
        return check_answer(raw, a);
    }
    const uint8_t *data;
    hp_raw_contents(a, true, &data, &inner.length);
    inner.data = (uint8_t *)data; /* looked at only */
    g_autoptr(GBytes) bare = check_answer(raw, &inner);
    if (bare == NULL) {
        return NULL;
    }
    gsize len;
    const void *bytes = g_bytes_get_data(bare, &len);
    hp_rng_bytes(&raw->rng, id, sizeof id);
    hp_stun_begin(&w, buf, sizeof buf, HP_STUN_INDICATION, HP_STUN_SEND, id, NULL);
    hp_stun_add_addr(&w, HP_STUN_XOR_PEER_ADDRESS, &inner.from, true);
    hp_stun_add(&w, HP_STUN_DATA_ATTR, bytes, len);
    return g_bytes_new(buf, hp_stun_finish(&w));
}

static bool answer_holds(const hp_raw_answer *answer, const hp_raw_arrival *a)
{
    if (answer->socket != NULL && strcmp(answer->socket, a->at->config->name) != 0) {
        return false;
    }
    return !answer->has_match || hp_raw_matches(&answer->match, a);
}

static bool is_its_turn(const hp_raw_answer *answer, uint64_t n)
{
    return answer->nth_first == 0 || (n >= answer->nth_first && (answer->nth_last == 0 || n <= answer->nth_last));
}

static void say(hp_raw *raw, const hp_raw_answer *answer, const hp_raw_arrival *a)
{
    g_autoptr(GError) error = NULL;
    hp_raw_name_arrival(raw, "last", a);
    g_autoptr(GPtrArray) list = hp_raw_build_all(a->at, &answer->message, &a->from, a, &error);
    if (list == NULL) {
        hp_raw_tell(raw, &(hp_raw_event){.kind = HP_RAW_EV_ERROR,
                                         .line = answer->mark.line,
                                         .action = "answer",
                                         .text = error->message,
                                         .packet = a->packet});
        return;
    }
    for (guint i = 0; i < list->len; i++) {
        answer_with(raw, answer, a, list->pdata[i]);
    }
}

/* True when one of them took it. */
bool hp_raw_react(hp_raw *raw, const hp_raw_arrival *a)
{
    for (unsigned i = 0; i < raw->config->n_answers; i++) {
        const hp_raw_answer *answer = &raw->config->answers[i];
        if (!answer_holds(answer, a)) {
            continue;
        }
        g_autoptr(GBytes) check = answer->kind == HP_RAW_ANSWER_CHECKS ? answer_to_check(raw, a) : NULL;
        if ((answer->kind == HP_RAW_ANSWER_CHECKS && check == NULL) || !is_its_turn(answer, ++raw->answered[i])) {
            continue;
        }
        switch (answer->kind) {
        case HP_RAW_ANSWER_CHECKS:
            answer_with(raw, answer, a, check);
            break;
        case HP_RAW_ANSWER_MESSAGE:
            say(raw, answer, a);
            break;
        case HP_RAW_ANSWER_SILENCE:
            break;
        }
        return true;
    }
    return false;
}
