/* DTLS associations as each end tells of them: who, in which states since when, how often a flight was sent again.
 *
 * An association is (peer, session, stream, component); both ends have one each. Whom it is with, its role and its
 * profile are what the last event that said so told. An end that begins anew under the same address (a new session has
 * a new number, so this takes a second handshake) is the same association with a longer history. */
#include <string.h>

#include "check/expectation.h"

void hp_dtls_facts_free(void *p)
{
    hp_dtls_facts *a = p;
    g_array_unref(a->changes);
    g_array_unref(a->timeouts);
    g_free(a);
}

static hp_dtls_facts *get_association(hp_facts *facts, const hp_record *r)
{
    const char *peer = hp_facts_string(facts, r->event.subject);
    const unsigned session = (unsigned)hp_record_u64(r, "session");
    const unsigned stream = (unsigned)hp_record_u64(r, "stream");
    const unsigned component = (unsigned)hp_record_u64(r, "component");
    for (unsigned i = facts->associations->len; i > 0; i--) {
        hp_dtls_facts *known = g_ptr_array_index(facts->associations, i - 1);
        if (known->peer == peer && known->session == session && known->stream == stream &&
            known->component == component) {
            return known;
        }
    }
    hp_dtls_facts *a = g_new0(hp_dtls_facts, 1);
    *a = (hp_dtls_facts){
        .peer = peer,
        .with = "",
        .session = session,
        .stream = stream,
        .component = component,
        .role = "",
        .profile = "",
        .changes = g_array_new(FALSE, FALSE, sizeof(hp_dtls_change)),
        .timeouts = g_array_new(FALSE, FALSE, sizeof(uint64_t)),
    };
    g_ptr_array_add(facts->associations, a);
    return a;
}

/* An event without a word on it leaves what was known. */
static void learn(hp_facts *facts, const char **known, const char *told)
{
    if (*told != '\0') {
        *known = hp_facts_string(facts, told);
    }
}

void hp_facts_dtls_event(hp_facts *facts, const hp_record *r)
{
    hp_dtls_facts *a = get_association(facts, r);
    if (r->event.kind == HP_EV_DTLS_TIMEOUT) {
        g_array_append_val(a->timeouts, r->index);
        return;
    }
    const hp_dtls_change change = {
        .index = r->index,
        .at = r->at,
        .state = hp_facts_string(facts, hp_record_text(r, "state")),
        .reason = hp_facts_string(facts, hp_record_text(r, "reason")),
    };
    g_array_append_val(a->changes, change);
    learn(facts, &a->with, hp_record_text(r, "with"));
    learn(facts, &a->role, hp_record_text(r, "role"));
    learn(facts, &a->profile, hp_record_text(r, "profile"));
}

const hp_dtls_change *hp_dtls_first(const hp_dtls_facts *a, const char *state)
{
    for (unsigned i = 0; i < a->changes->len; i++) {
        const hp_dtls_change *change = &g_array_index(a->changes, hp_dtls_change, i);
        if (strcmp(change->state, state) == 0) {
            return change;
        }
    }
    return NULL;
}

const hp_dtls_change *hp_dtls_last(const hp_dtls_facts *a)
{
    return a->changes->len > 0 ? &g_array_index(a->changes, hp_dtls_change, a->changes->len - 1) : NULL;
}

uint64_t hp_dtls_timeouts_before(const hp_dtls_facts *a, uint64_t index)
{
    unsigned n = 0;
    while (n < a->timeouts->len && g_array_index(a->timeouts, uint64_t, n) < index) {
        n++;
    }
    return n;
}

void hp_text_dtls_trouble(GString *text, const hp_facts *facts)
{
    enum { MOST = 3 };
    unsigned n = 0;
    for (unsigned i = 0; i < facts->associations->len; i++) {
        const hp_dtls_facts *a = g_ptr_array_index(facts->associations, i);
        const hp_dtls_change *last = hp_dtls_last(a);
        if (last == NULL || strcmp(last->state, "connected") == 0 || strcmp(last->state, "closed") == 0 ||
            n++ >= MOST) {
            continue;
        }
        g_string_append_printf(text, "; dtls %s at %s", last->state, a->peer);
        if (*last->reason != '\0') {
            g_string_append_printf(text, ": %s", last->reason);
        } else {
            g_string_append(text, " since ");
            hp_text_time(text, last->at);
        }
    }
    if (n > MOST) {
        g_string_append_printf(text, "; and at %u more", n - MOST);
    }
}
