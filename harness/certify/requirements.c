/* Requirements as a table: which property speaks of each, and what it must say.
 *
 * Most are one property with the answers that are good. Times have a least value. Where more than one property has a
 * say, a function of the row's own combines them. A property that could not be observed makes the requirement
 * unobservable for the same reason; what no probe can see says so itself (an address plan, ALGs, logs, management).
 *
 * Parts (5c, 9a) stand as rows of their own where they ask for something of their own. */
#include "certify/requirements.h"

#include <string.h>

typedef hp_requirement_verdict judge_func(const hp_certificate *c, GString *reason);

typedef struct row {
    hp_requirement is;
    const char *unseen; /* why no probe can tell; else: */
    hp_property property;
    const char *good[3]; /* answers that pass; none: `at_least` */
    hp_time at_least;
    judge_func *judge; /* instead of all that */
} row;

static const char *const verdict_names[] = {"pass", "fail", "not observable"};
G_STATIC_ASSERT(G_N_ELEMENTS(verdict_names) == HP_REQUIREMENT_N_VERDICTS);

/* ---- judging ---- */

static void quote(GString *reason, const hp_certificate *c, hp_property property)
{
    const hp_finding *f = hp_certificate_get(c, property);
    g_string_append_printf(reason, "%s%s: %s", reason->len ? "; " : "", hp_property_get(property)->title, f->text);
}

static hp_requirement_verdict passes(bool good)
{
    return good ? HP_REQUIREMENT_PASS : HP_REQUIREMENT_FAIL;
}

static bool contains(const hp_certificate *c, hp_property property, const char *text)
{
    const hp_finding *f = hp_certificate_get(c, property);
    return f->known && strstr(f->text, text) != NULL;
}

/* All of those that are known have at least that time. */
static hp_requirement_verdict all_at_least(const hp_certificate *c, const hp_property *properties, unsigned n,
                                           hp_time least, GString *reason)
{
    bool any = false, good = true;
    for (unsigned i = 0; i < n; i++) {
        const hp_finding *f = hp_certificate_get(c, properties[i]);
        quote(reason, c, properties[i]);
        any = any || f->known;
        good = good && (!f->known || f->number >= least);
    }
    return any ? passes(good) : HP_REQUIREMENT_UNSEEN;
}

static hp_requirement_verdict judge_udp_timers(const hp_certificate *c, GString *reason)
{
    static const hp_property timers[] = {HP_PROP_UDP_TIMER, HP_PROP_UDP_TIMER_UNREPLIED};
    return all_at_least(c, timers, G_N_ELEMENTS(timers), 120 * HP_S, reason);
}

static hp_requirement_verdict judge_refresh(const hp_certificate *c, GString *reason)
{
    quote(reason, c, HP_PROP_UDP_REFRESH);
    if (!hp_certificate_get(c, HP_PROP_UDP_REFRESH)->known)
        return HP_REQUIREMENT_UNSEEN;
    return passes(contains(c, HP_PROP_UDP_REFRESH, "outbound"));
}

static hp_requirement_verdict judge_determinism(const hp_certificate *c, GString *reason)
{
    quote(reason, c, HP_PROP_UDP_DETERMINISM);
    quote(reason, c, HP_PROP_INBOUND_FIRST);
    if (!hp_certificate_get(c, HP_PROP_UDP_DETERMINISM)->known)
        return HP_REQUIREMENT_UNSEEN;
    return passes(hp_certificate_is(c, HP_PROP_UDP_DETERMINISM, HP_SAY_YES) &&
                  hp_certificate_is(c, HP_PROP_INBOUND_FIRST, HP_SAY_NO));
}

static hp_requirement_verdict judge_fragments(const hp_certificate *c, GString *reason)
{
    quote(reason, c, HP_PROP_FRAGMENTS_OUT);
    quote(reason, c, HP_PROP_FRAGMENTS_IN);
    if (!hp_certificate_get(c, HP_PROP_FRAGMENTS_IN)->known)
        return HP_REQUIREMENT_UNSEEN;
    return passes(contains(c, HP_PROP_FRAGMENTS_IN, "in any order") &&
                  contains(c, HP_PROP_FRAGMENTS_OUT, "in any order"));
}

static hp_requirement_verdict judge_syn(const hp_certificate *c, GString *reason)
{
    const hp_finding *f = hp_certificate_get(c, HP_PROP_TCP_SYN);
    quote(reason, c, HP_PROP_TCP_SYN);
    if (!f->known)
        return HP_REQUIREMENT_UNSEEN;
    if (strcmp(f->text, HP_SAY_SILENCE) == 0) {
        g_string_append(reason, " (as REQ-4a allows)");
        return HP_REQUIREMENT_PASS;
    }
    return passes(f->number >= 6 * HP_S && strstr(f->text, "none if a SYN goes out before") != NULL);
}

static hp_requirement_verdict judge_transitory(const hp_certificate *c, GString *reason)
{
    static const hp_property timers[] = {HP_PROP_TCP_TIMER_OPENING, HP_PROP_TCP_TIMER_HANDSHAKE,
                                         HP_PROP_TCP_TIMER_CLOSING, HP_PROP_TCP_TIMER_TIME_WAIT};
    return all_at_least(c, timers, G_N_ELEMENTS(timers), 240 * HP_S, reason);
}

static hp_requirement_verdict judge_established(const hp_certificate *c, GString *reason)
{
    static const hp_property timers[] = {HP_PROP_TCP_TIMER_ESTABLISHED};
    return all_at_least(c, timers, G_N_ELEMENTS(timers), 7440 * HP_S, reason);
}

static hp_requirement_verdict judge_icmp_timer(const hp_certificate *c, GString *reason)
{
    static const hp_property timers[] = {HP_PROP_ICMP_TIMER};
    return all_at_least(c, timers, G_N_ELEMENTS(timers), 60 * HP_S, reason);
}

/* Refused for want of room or by policy: the two RFCs name different codes, and either tells the sender. */
static hp_requirement_verdict judge_refusal(const hp_certificate *c, GString *reason)
{
    static const hp_property answers[] = {HP_PROP_BLOCKED_ANSWER, HP_PROP_LIMIT_ANSWER};
    bool any = false, good = true;
    for (unsigned i = 0; i < G_N_ELEMENTS(answers); i++) {
        const hp_finding *f = hp_certificate_get(c, answers[i]);
        quote(reason, c, answers[i]);
        any = any || f->known;
        good = good && (!f->known || g_str_has_prefix(f->text, "ICMP"));
    }
    return any ? passes(good) : HP_REQUIREMENT_UNSEEN;
}

static hp_requirement_verdict judge_host_limits(const hp_certificate *c, GString *reason)
{
    quote(reason, c, HP_PROP_HOST_LIMIT);
    if (!hp_certificate_get(c, HP_PROP_HOST_LIMIT)->known || hp_certificate_is(c, HP_PROP_HOST_LIMIT, HP_SAY_NONE))
        return HP_REQUIREMENT_UNSEEN;
    return HP_REQUIREMENT_PASS;
}

static hp_requirement_verdict judge_state_limits(const hp_certificate *c, GString *reason)
{
    static const hp_property limits[] = {HP_PROP_HOST_LIMIT, HP_PROP_REMOTES_LIMIT};
    bool any = false;
    for (unsigned i = 0; i < G_N_ELEMENTS(limits); i++) {
        const hp_finding *f = hp_certificate_get(c, limits[i]);
        quote(reason, c, limits[i]);
        any = any || (f->known && f->number != UINT64_MAX);
    }
    return any ? HP_REQUIREMENT_PASS : HP_REQUIREMENT_UNSEEN;
}

static hp_requirement_verdict judge_quarantine(const hp_certificate *c, GString *reason)
{
    const hp_finding *f = hp_certificate_get(c, HP_PROP_UDP_QUARANTINE);
    quote(reason, c, HP_PROP_UDP_QUARANTINE);
    if (hp_certificate_is(c, HP_PROP_PORT_BLOCK_CHOICE, "by the host's address alone")) {
        g_string_append(reason, " (blocks are fixed, as REQ-8b allows)");
        return HP_REQUIREMENT_PASS;
    }
    return f->known ? passes(f->number >= 120 * HP_S) : HP_REQUIREMENT_UNSEEN;
}

/* RFC 4787 as a whole, as far as its MUSTs were observed. */
static hp_requirement_verdict judge_rfc4787(const hp_certificate *c, GString *reason)
{
    hp_requirement_verdict verdict = HP_REQUIREMENT_UNSEEN;
    for (unsigned i = 0; i < hp_requirements_count(); i++) {
        const hp_requirement *r = hp_requirement_get(i);
        if (strcmp(r->rfc, "RFC 4787") != 0 || r->level != HP_REQUIREMENT_MUST)
            continue;
        g_autofree char *part = NULL;
        hp_requirement_verdict one = hp_requirement_judge(i, c, &part);
        if (one == HP_REQUIREMENT_FAIL)
            g_string_append_printf(reason, "%s%s fails", reason->len ? ", " : "RFC 4787 ", r->number);
        if (one != HP_REQUIREMENT_UNSEEN && verdict != HP_REQUIREMENT_FAIL)
            verdict = one;
    }
    if (!reason->len)
        g_string_append(reason, verdict == HP_REQUIREMENT_PASS ? "every MUST of RFC 4787 that shows" : "no UDP leaves");
    return verdict;
}

/* ---- the table ---- */

#define MUST HP_REQUIREMENT_MUST
#define SHOULD HP_REQUIREMENT_SHOULD

static const row rows[] = {
    {{"RFC 4787", "REQ-1", MUST, "mapping does not depend on the remote"},
     .property = HP_PROP_UDP_MAPPING,
     .good = {HP_SAY_EIM}},
    {{"RFC 4787", "REQ-2", SHOULD, "a host keeps one external address"},
     .property = HP_PROP_POOLING,
     .good = {"paired"}},
    {{"RFC 4787", "REQ-3", MUST, "no two endpoints share a port"},
     .property = HP_PROP_UDP_OVERLOAD,
     .good = {HP_SAY_NO}},
    {{"RFC 4787", "REQ-3a", SHOULD, "ports below 1024 stay there, others out of there"},
     .property = HP_PROP_UDP_WELL_KNOWN_PORTS,
     .good = {HP_SAY_YES}},
    {{"RFC 4787", "REQ-4", SHOULD, "even ports stay even, odd ones odd"},
     .property = HP_PROP_UDP_PARITY,
     .good = {HP_SAY_YES}},
    {{"RFC 4787", "REQ-5", MUST, "mappings live two minutes of silence"}, .judge = judge_udp_timers},
    {{"RFC 4787", "REQ-5c", SHOULD, "or five"}, .property = HP_PROP_UDP_TIMER, .at_least = 300 * HP_S},
    {{"RFC 4787", "REQ-6", MUST, "outbound packets keep a mapping"}, .judge = judge_refresh},
    {{"RFC 4787", "REQ-7", MUST, "inside and outside may have the same addresses"},
     .unseen = "it takes another address plan"},
    {{"RFC 4787", "REQ-8", SHOULD, "filtering is endpoint-independent, or address-dependent"},
     .property = HP_PROP_UDP_FILTERING,
     .good = {HP_SAY_EIM, HP_SAY_ADM}},
    {{"RFC 4787", "REQ-9", MUST, "it hairpins"},
     .property = HP_PROP_UDP_HAIRPIN,
     .good = {"external source", "internal source"}},
    {{"RFC 4787", "REQ-9a", MUST, "with the external source"},
     .property = HP_PROP_UDP_HAIRPIN,
     .good = {"external source"}},
    {{"RFC 4787", "REQ-10", SHOULD, "ALGs for UDP are off"}, .unseen = "the probes speak no protocol that ALGs know"},
    {{"RFC 4787", "REQ-11", MUST, "behaviour is the same under all conditions"}, .judge = judge_determinism},
    {{"RFC 4787", "REQ-12", MUST, "no ICMP message ends a mapping"},
     .property = HP_PROP_ICMP_ERRORS_END,
     .good = {HP_SAY_NO}},
    {{"RFC 4787", "REQ-12b", SHOULD, "destination unreachable passes"},
     .property = HP_PROP_ICMP_ERRORS_IN,
     .good = {HP_SAY_YES}},
    {{"RFC 4787", "REQ-13", MUST, "what is too large is fragmented, or reported"},
     .unseen = "that is the business of the links beside it, which are ideal here"},
    {{"RFC 4787", "REQ-14", MUST, "fragments pass in any order"}, .judge = judge_fragments},

    {{"RFC 5382", "REQ-1", MUST, "mapping does not depend on the remote"},
     .property = HP_PROP_TCP_MAPPING,
     .good = {HP_SAY_EIM}},
    {{"RFC 5382", "REQ-2a", MUST, "simultaneous open works"},
     .property = HP_PROP_TCP_SIMULTANEOUS,
     .good = {HP_SAY_YES}},
    {{"RFC 5382", "REQ-3", SHOULD, "filtering is endpoint-independent, or address-dependent"},
     .property = HP_PROP_TCP_FILTERING,
     .good = {HP_SAY_EIM, HP_SAY_ADM}},
    {{"RFC 5382", "REQ-4", MUST, "an unsolicited SYN is not answered for 6 s, and not at all when one goes out"},
     .judge = judge_syn},
    {{"RFC 5382", "REQ-5", MUST, "an idle connection lives 2 hours 4 minutes"}, .judge = judge_established},
    {{"RFC 5382", "REQ-5", MUST, "one that opens or closes, 4 minutes"}, .judge = judge_transitory},
    {{"RFC 5382", "REQ-6", SHOULD, "ALGs for TCP are off"}, .unseen = "the probes speak no protocol that ALGs know"},
    {{"RFC 5382", "REQ-7", MUST, "no two endpoints share a port"},
     .property = HP_PROP_TCP_OVERLOAD,
     .good = {HP_SAY_NO}},
    {{"RFC 5382", "REQ-8", MUST, "it hairpins, with the external source"},
     .property = HP_PROP_TCP_HAIRPIN,
     .good = {"external source"}},
    {{"RFC 5382", "REQ-9", SHOULD, "destination unreachable is translated"},
     .property = HP_PROP_ICMP_ERRORS_IN,
     .good = {HP_SAY_YES}},
    {{"RFC 5382", "REQ-10", MUST, "no ICMP message ends a connection"},
     .property = HP_PROP_ICMP_ERRORS_END,
     .good = {HP_SAY_NO}},

    {{"RFC 5508", "REQ-1", MUST, "queries from inside pass"}, .property = HP_PROP_ICMP_LEAVES, .good = {HP_SAY_YES}},
    {{"RFC 5508", "REQ-1a", SHOULD, "their mapping does not depend on the remote"},
     .property = HP_PROP_ICMP_MAPPING,
     .good = {HP_SAY_EIM}},
    {{"RFC 5508", "REQ-2", MUST, "a query is remembered for a minute"}, .judge = judge_icmp_timer},
    {{"RFC 5508", "REQ-3", SHOULD, "corrupt errors are dropped"}, .unseen = "no probe is corrupt"},
    {{"RFC 5508", "REQ-4", MUST, "errors from outside pass, and quote what the host sent"},
     .property = HP_PROP_ICMP_ERRORS_QUOTE,
     .good = {HP_SAY_YES}},
    {{"RFC 5508", "REQ-5", MUST, "so do errors from inside"},
     .property = HP_PROP_ICMP_ERRORS_OUT,
     .good = {HP_SAY_YES}},
    {{"RFC 5508", "REQ-6", MUST, "an error neither refreshes nor ends a query's mapping"},
     .unseen = "errors are tried on UDP and TCP"},
    {{"RFC 5508", "REQ-7", MUST, "errors hairpin"}, .unseen = "errors are tried between inside and outside"},
    {{"RFC 5508", "REQ-8", SHOULD, "what is refused is answered"}, .judge = judge_refusal},
    {{"RFC 5508", "REQ-10a", MUST, "unreachable and time exceeded are supported"},
     .property = HP_PROP_ICMP_ERRORS_IN,
     .good = {HP_SAY_YES}},

    {{"RFC 6888", "REQ-1", MUST, "the requirements for UDP hold"}, .judge = judge_rfc4787},
    {{"RFC 6888", "REQ-2", MUST, "a host keeps one external address"}, .property = HP_PROP_POOLING, .good = {"paired"}},
    {{"RFC 6888", "REQ-4", MUST, "a subscriber's ports can be limited"}, .judge = judge_host_limits},
    {{"RFC 6888", "REQ-5", SHOULD, "state for a mapping and for a subscriber can be limited"},
     .judge = judge_state_limits},
    {{"RFC 6888", "REQ-6", MUST, "translation can be turned off for destinations"},
     .unseen = "it is a matter of administration"},
    {{"RFC 6888", "REQ-7", SHOULD, "filtering is endpoint-independent"},
     .property = HP_PROP_UDP_FILTERING,
     .good = {HP_SAY_EIM}},
    {{"RFC 6888", "REQ-8", SHOULD, "a port rests for two minutes after use"}, .judge = judge_quarantine},
    {{"RFC 6888", "REQ-9", MUST, "subscribers can ask for mappings"}, .unseen = "the probes ask for none"},
    {{"RFC 6888", "REQ-11b", SHOULD, "a mapping that cannot be had is answered host unreachable"},
     .property = HP_PROP_LIMIT_ANSWER,
     .good = {HP_SAY_HOST_UNREACHABLE}},
    {{"RFC 6888", "REQ-11d", MUST, "no mapping gives way to another"},
     .property = HP_PROP_EVICTION,
     .good = {"the new one is refused"}},
    {{"RFC 6888", "REQ-12", SHOULD, "destinations are not logged"}, .unseen = "logs are not seen from outside"},
    {{"RFC 6888", "REQ-14", SHOULD, "logs are small"}, .unseen = "logs are not seen from outside"},
    {{"RFC 6888", "REQ-15", SHOULD, "ports are hard to guess"}, .property = HP_PROP_UDP_PORTS, .good = {HP_SAY_RANDOM}},
};

unsigned hp_requirements_count(void)
{
    return G_N_ELEMENTS(rows);
}

const hp_requirement *hp_requirement_get(unsigned i)
{
    return &rows[i].is;
}

hp_requirement_verdict hp_requirement_judge(unsigned i, const hp_certificate *observed, char **ret_reason)
{
    const row *r = &rows[i];
    const hp_finding *f = hp_certificate_get(observed, r->property);
    GString *reason = g_string_new(r->unseen);
    hp_requirement_verdict verdict = HP_REQUIREMENT_UNSEEN;

    if (!r->unseen && r->judge) {
        verdict = r->judge(observed, reason);
    } else if (!r->unseen) {
        quote(reason, observed, r->property);
        bool good = r->at_least > 0 && f->number >= r->at_least;
        for (unsigned j = 0; j < G_N_ELEMENTS(r->good) && r->good[j]; j++)
            good = good || hp_certificate_is(observed, r->property, r->good[j]);
        if (f->known)
            verdict = passes(good);
    }
    *ret_reason = g_string_free(reason, FALSE);
    return verdict;
}

const char *hp_requirement_verdict_name(hp_requirement_verdict verdict)
{
    return verdict_names[verdict];
}

const char *hp_requirement_level_name(hp_requirement_level level)
{
    return level == HP_REQUIREMENT_MUST ? "MUST" : "SHOULD";
}
