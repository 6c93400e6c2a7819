/* `packets` and `drops`: counts of what the capture holds and of what the network threw away.
 *
 * A packet counts once at every tap it is recorded at: `at: home` sees a packet that a NAT passes twice, at home/in and
 * at home/out. A pcap filter is compiled once, for raw IP, and run on the bytes of the record; it names addresses, not
 * hosts. bytes are those of the IP packets.
 *
 * A drop record knows addresses and protocol; what it carried is taken from the capture record it refers to, so a
 * match on the payload asks for packet records to be remembered by number. A drop of a packet that no
 * tap saw has no payload to match. */
#include <string.h>

#include "check/check.h"
#include "check/expectation.h"
#include "check/filter.h"

/* Whether `name` is `wanted` or a part of it: home, home/in. */
static bool is_part_of(const char *name, const char *wanted)
{
    const size_t len = strlen(wanted);
    return strncmp(name, wanted, len) == 0 && (name[len] == '\0' || name[len] == '/');
}

/* ---- packets ---- */

typedef struct packets {
    hp_tally count, bytes;
    hp_filter *filter; /* or NULL */
    bool matches_all;
    GByteArray *taps; /* by tap: 1 it counts, 2 it does not */
} packets;

static void check_filter(const hp_scenario *scenario, const char *text, hp_mark mark, hp_diags *diags)
{
    g_autofree char *message = NULL;
    hp_filter_free(hp_filter_new(text, &message));
    if (message == NULL || hp_plan_is_told(diags, mark, message)) {
        return;
    }
    g_autofree char *line = hp_scenario_source_line(scenario, mark.line);
    hp_diags_add(diags, HP_SEVERITY_ERROR, mark, line, NULL, "%s", message);
}

void hp_check_filters(const hp_scenario *scenario, hp_diags *diags)
{
    for (unsigned i = 0; i < scenario->n_expects; i++) {
        const hp_expect *x = &scenario->expects[i];
        if (x->kind == HP_EXPECT_PACKETS && x->packets.filter != NULL) {
            check_filter(scenario, x->packets.filter, x->mark, diags);
        }
    }
    for (unsigned i = 0; i < scenario->n_rules; i++) {
        if (scenario->rules[i].filter != NULL) {
            check_filter(scenario, scenario->rules[i].filter, scenario->rules[i].mark, diags);
        }
    }
}

static bool packets_init(hp_expectation *e, GError **error)
{
    packets *p = e->state;
    const hp_expect *x = e->expect;
    hp_tally_init(&p->count, &x->packets.count, x->packets.bytes.set ? 0 : 1);
    hp_tally_init(&p->bytes, &x->packets.bytes, 0);
    p->taps = g_byte_array_new();
    p->matches_all = hp_match_is_empty(&x->packets.match);
    if (x->packets.filter == NULL) {
        return true;
    }
    g_autofree char *message = NULL;
    p->filter = hp_filter_new(x->packets.filter, &message);
    if (message != NULL) {
        hp_expectation_error(e, error, "%s", message);
        return false;
    }
    return true;
}

static void packets_clear(hp_expectation *e)
{
    packets *p = e->state;
    g_clear_pointer(&p->filter, hp_filter_free);
    g_clear_pointer(&p->taps, g_byte_array_unref);
}

static bool tap_fits(const hp_expectation *e, packets *p, const hp_trace *trace, uint32_t tap)
{
    if (tap >= hp_trace_n_taps(trace)) {
        return false; /* a log damaged by what crashed */
    }
    while (p->taps->len <= tap) {
        const char *name = hp_trace_tap_name(trace, p->taps->len);
        const guint8 fits = e->expect->packets.at == NULL || is_part_of(name, e->expect->packets.at) ? 1 : 2;
        g_byte_array_append(p->taps, &fits, 1);
    }
    return p->taps->data[tap] == 1;
}

static bool filter_fits(const packets *p, const hp_record *r)
{
    return p->filter == NULL || hp_filter_passes(p->filter, r->packet.bytes, r->packet.length);
}

static void packets_record(hp_expectation *e, const hp_trace *trace, const hp_record *r)
{
    packets *p = e->state;
    const hp_expect *x = e->expect;
    if (!hp_expectation_in_window(e) || (x->packets.has_direction && x->packets.direction != (int)r->packet.dir) ||
        !tap_fits(e, p, trace, r->packet.tap)) {
        return;
    }
    const hp_match_subject subject = hp_record_subject(r);
    if ((p->matches_all || hp_match_packet(&x->packets.match, &subject)) && filter_fits(p, r)) {
        hp_tally_add(&p->count, 1, r->at, r->packet.number);
        hp_tally_add(&p->bytes, r->packet.length, r->at, r->packet.number);
        e->fixed = (hp_tally_is_fixed(&p->count) && hp_tally_is_fixed(&p->bytes)) || p->count.broken_at != HP_NEVER ||
                   p->bytes.broken_at != HP_NEVER;
    }
}

static void packets_judge(const hp_expectation *e, hp_judgement *j)
{
    const packets *p = e->state;
    const hp_expect *x = e->expect;
    hp_text_compare(j->expected, "count", &x->packets.count);
    hp_text_compare(j->expected, "bytes", &x->packets.bytes);
    if (j->expected->len == 0) {
        g_string_append(j->expected, "count >= 1");
    }
    g_string_append_printf(j->expected, " at %s", x->packets.at != NULL ? x->packets.at : "any tap");
    if (x->packets.has_direction) {
        g_string_append(j->expected, x->packets.direction == HP_DIR_IN ? ", inbound" : ", outbound");
    }
    if (!p->matches_all) {
        g_string_append(j->expected, ", of the packets that match");
    }
    if (x->packets.filter != NULL) {
        g_string_append_printf(j->expected, ", filter `%s`", x->packets.filter);
    }
    hp_text_window(j->expected, x);

    hp_text_count(j->got, p->count.value, "packet", "packets");
    if (p->count.first_packet == p->count.last_packet && p->count.value > 0) {
        g_string_append_printf(j->got, " (number %u)", p->count.first_packet);
    } else if (p->count.value > 0) {
        g_string_append_printf(j->got, " (the first is number %u, the last %u)", p->count.first_packet,
                               p->count.last_packet);
    }
    if (x->packets.bytes.set) {
        g_string_append_printf(j->got, ", %" G_GUINT64_FORMAT " bytes", p->bytes.value);
    }
    hp_tally_judge(&p->count, j);
    if (!j->passed) {
        return;
    }
    if (x->packets.bytes.set && (!x->packets.count.set || !hp_tally_holds(&p->bytes))) {
        j->at = j->ended;
        j->packet = 0;
        hp_tally_judge(&p->bytes, j);
    }
}

const hp_expectation_ops hp_expect_packets_ops = {
    .init = packets_init,
    .record = packets_record,
    .judge = packets_judge,
    .clear = packets_clear,
    .state_size = sizeof(packets),
    .packets = true,
};

/* ---- drops ---- */

typedef struct drops {
    hp_tally count;
    bool at_node; /* `at` names a peer, a NAT or a server */
    GArray *payloads; /* hp_match_subject, by packet number - 1; NULL when the match needs none */
    uint64_t by_reason[HP_DROP_N]; /* at that place, whatever the reason */
} drops;

static bool drops_init(hp_expectation *e, GError **error)
{
    drops *d = e->state;
    const hp_plan *plan = e->facts->plan;
    const char *at = e->expect->drops.at;
    hp_tally_init(&d->count, &e->expect->drops.count, 1);
    d->at_node = at != NULL && (hp_plan_find_peer(plan, at) >= 0 || hp_plan_find_nat(plan, at) >= 0 ||
                                hp_plan_find_server(plan, at) >= 0);
    if (!hp_match_is_empty(&e->expect->drops.match)) {
        d->payloads = g_array_new(FALSE, TRUE, sizeof(hp_match_subject));
        e->packets = true;
    }
    return true;
}

static void drops_clear(hp_expectation *e)
{
    drops *d = e->state;
    g_clear_pointer(&d->payloads, g_array_unref);
}

/* A node drops under its own name, a link under "link alice/up". What is not a node's name may be a zone, of which the
 * links into it are parts; a node's name means the node alone, not its links. */
static bool place_fits(const drops *d, const char *wanted, const char *place)
{
    if (wanted == NULL) {
        return true;
    }
    if (g_str_has_prefix(place, "link ") && !g_str_has_prefix(wanted, "link ")) {
        place += strlen("link ");
    }
    return d->at_node ? strcmp(place, wanted) == 0 : is_part_of(place, wanted);
}

static void remember(drops *d, const hp_record *r)
{
    const hp_match_subject subject = hp_record_subject(r);
    g_array_append_val(d->payloads, subject);
}

static bool drop_matches(const hp_expectation *e, const drops *d, const hp_record *r)
{
    if (d->payloads == NULL) {
        return true;
    }
    hp_match_subject subject = {.src = r->drop.src, .dst = r->drop.dst, .proto = r->drop.proto};
    if (r->drop.packet > 0 && r->drop.packet <= d->payloads->len) {
        const hp_match_subject *seen = &g_array_index(d->payloads, hp_match_subject, r->drop.packet - 1);
        subject = *seen;
        subject.src = r->drop.src;
        subject.dst = r->drop.dst;
        subject.proto = r->drop.proto;
    }
    return hp_match_packet(&e->expect->drops.match, &subject);
}

static void drops_record(hp_expectation *e, const hp_trace *trace, const hp_record *r)
{
    drops *d = e->state;
    const hp_expect *x = e->expect;
    if (r->type == HP_RECORD_PACKET) {
        remember(d, r);
        return;
    }
    if (!hp_expectation_in_window(e) || !place_fits(d, x->drops.at, r->drop.place) || !drop_matches(e, d, r)) {
        return;
    }
    d->by_reason[r->drop.reason]++;
    if (!x->drops.has_reason || x->drops.reason == r->drop.reason) {
        hp_tally_add(&d->count, 1, r->at, r->drop.packet);
        e->fixed = hp_tally_is_fixed(&d->count);
    }
}

static void drops_judge(const hp_expectation *e, hp_judgement *j)
{
    const drops *d = e->state;
    const hp_expect *x = e->expect;
    g_autofree char *range = hp_compare_format(&d->count.range);
    g_string_append_printf(j->expected, "%s dropped", range);
    if (x->drops.at != NULL) {
        g_string_append_printf(j->expected, " at %s", x->drops.at);
    }
    if (x->drops.has_reason) {
        g_string_append_printf(j->expected, " for %s", hp_drop_name(x->drops.reason));
    }
    if (d->payloads != NULL) {
        g_string_append(j->expected, ", of the packets that match");
    }
    hp_text_window(j->expected, x);
    hp_tally_judge(&d->count, j);
    g_string_append_printf(j->got, "%" G_GUINT64_FORMAT " dropped", d->count.value);
    if (d->count.first_at != HP_NEVER) {
        g_string_append(j->got, ", the first at ");
        hp_text_time(j->got, d->count.first_at);
    }
    for (unsigned i = 0; i < HP_DROP_N; i++) {
        if (d->by_reason[i] > 0 && (!x->drops.has_reason || x->drops.reason != (hp_drop_reason)i)) {
            hp_text_separate(j->got);
            g_string_append_printf(j->got, "%" G_GUINT64_FORMAT " for %s", d->by_reason[i],
                                   hp_drop_name((hp_drop_reason)i));
        }
    }
}

const hp_expectation_ops hp_expect_drops_ops = {
    .init = drops_init,
    .record = drops_record,
    .judge = drops_judge,
    .clear = drops_clear,
    .state_size = sizeof(drops),
    .drops = true,
};
