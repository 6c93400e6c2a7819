/* result.json, the record of one run that all else can be made from.
 *
 * Written by hand, so that the order of keys and the shape of numbers are ours: two runs with the same plan and trace
 * give the same bytes, whatever library is underneath. Every field of hp_result is in it. Times are whole nanoseconds
 * of run time under keys that end in _ns; null says that something did not happen. Reasons that dropped nothing are
 * left out. A reader must ignore keys it does not know; a change that breaks readers changes the version. */
#include "report/report.h"

#include "trace/output.h"

#define FORMAT "hairpin-result/1"

/* ---- a pretty-printer with two spaces ---- */

typedef struct json {
    hp_output *o;
    unsigned depth;
    bool first; /* nothing is in the present object or array yet */
} json;

static void new_line(json *j)
{
    hp_output_char(j->o, '\n');
    for (unsigned i = 0; i < j->depth; i++) {
        hp_output_literal(j->o, "  ");
    }
}

/* Begins a member; key NULL inside an array. */
static void member(json *j, const char *key)
{
    if (!j->first) {
        hp_output_char(j->o, ',');
    }
    j->first = false;
    new_line(j);
    if (key != NULL) {
        hp_output_json(j->o, key);
        hp_output_literal(j->o, ": ");
    }
}

static void open_with(json *j, const char *key, char bracket)
{
    member(j, key);
    hp_output_char(j->o, bracket);
    j->depth++;
    j->first = true;
}

static void close_with(json *j, char bracket)
{
    j->depth--;
    if (!j->first) {
        new_line(j);
    }
    j->first = false;
    hp_output_char(j->o, bracket);
}

static void put_text(json *j, const char *key, const char *text)
{
    member(j, key);
    if (text != NULL) {
        hp_output_json(j->o, text);
    } else {
        hp_output_literal(j->o, "null");
    }
}

static void put_u64(json *j, const char *key, uint64_t value)
{
    member(j, key);
    hp_output_u64(j->o, value);
}

static void put_bool(json *j, const char *key, bool value)
{
    member(j, key);
    hp_output_text(j->o, value ? "true" : "false");
}

static void put_time(json *j, const char *key, hp_time t)
{
    if (t == HP_NEVER) {
        put_text(j, key, NULL);
    } else {
        put_u64(j, key, t);
    }
}

static void put_addr(json *j, const char *key, const hp_addr *addr)
{
    char text[HP_ADDR_TEXT];
    put_text(j, key, addr->family != HP_AF_NONE ? hp_addr_format(addr, text) : NULL);
}

/* ---- the parts of a result ---- */

static void put_scenario(json *j, const hp_plan *plan)
{
    const hp_scenario *s = plan->scenario;
    put_text(j, "file", s->file);
    put_text(j, "case", plan->case_name);
    put_text(j, "scenario", s->name);
    put_text(j, "label", s->label != NULL ? s->label : "");
    put_text(j, "about", s->about);
    open_with(j, "tags", '[');
    for (char **tag = s->tags; tag != NULL && *tag != NULL; tag++) {
        put_text(j, NULL, *tag);
    }
    close_with(j, ']');
    put_u64(j, "seed", plan->seed);
    put_time(j, "until_ns", s->until);
    put_text(j, "known_bug", s->known_bug);
}

static void put_expects(json *j, const hp_result *result)
{
    open_with(j, "expectations", '[');
    for (unsigned i = 0; i < result->expects->len; i++) {
        const hp_expect_result *e = g_ptr_array_index(result->expects, i);
        open_with(j, NULL, '{');
        put_text(j, "what", e->what);
        put_bool(j, "finding", e->expect == NULL);
        put_text(j, "file", e->mark.file);
        put_u64(j, "line", e->mark.line);
        put_u64(j, "column", e->mark.column);
        put_bool(j, "passed", e->passed);
        put_text(j, "expected", e->expected);
        put_text(j, "got", e->got);
        put_time(j, "at_ns", e->at);
        put_u64(j, "packet", e->packet);
        close_with(j, '}');
    }
    close_with(j, ']');
}

static void put_sessions(json *j, const hp_result *result)
{
    open_with(j, "sessions", '[');
    for (unsigned i = 0; i < result->n_sessions; i++) {
        const hp_session_result *s = &result->sessions[i];
        open_with(j, NULL, '{');
        put_text(j, "peer", s->peer);
        put_text(j, "with", s->with);
        put_u64(j, "session", s->session);
        put_u64(j, "stream", s->stream);
        put_u64(j, "component", s->component);
        put_text(j, "state", s->state);
        put_time(j, "gathered_ns", s->gathered);
        put_time(j, "connected_ns", s->connected);
        put_time(j, "ready_ns", s->ready);
        put_time(j, "failed_ns", s->failed);
        put_text(j, "local_type", s->local_type);
        put_text(j, "remote_type", s->remote_type);
        put_addr(j, "local", &s->local);
        put_addr(j, "remote", &s->remote);
        close_with(j, '}');
    }
    close_with(j, ']');
}

static void put_distribution(json *j, const char *key, const hp_distribution *d)
{
    open_with(j, key, '{');
    put_u64(j, "count", d->count);
    const hp_time absent = d->count == 0 ? HP_NEVER : 0;
    put_time(j, "min_ns", d->min | absent);
    put_time(j, "median_ns", d->median | absent);
    put_time(j, "mean_ns", d->mean | absent);
    put_time(j, "p95_ns", d->p95 | absent);
    put_time(j, "max_ns", d->max | absent);
    close_with(j, '}');
}

static void put_flows(json *j, const hp_result *result)
{
    open_with(j, "flows", '[');
    for (unsigned i = 0; i < result->n_flows; i++) {
        const hp_flow_result *f = &result->flows[i];
        open_with(j, NULL, '{');
        put_u64(j, "flow", f->flow);
        put_text(j, "from", f->from);
        put_text(j, "to", f->to);
        put_u64(j, "sent", f->sent);
        put_u64(j, "received", f->received);
        put_u64(j, "lost", f->lost);
        put_u64(j, "duplicates", f->duplicates);
        put_u64(j, "reordered", f->reordered);
        put_distribution(j, "latency", &f->latency);
        close_with(j, '}');
    }
    close_with(j, ']');
}

static void put_nats(json *j, const hp_result *result)
{
    open_with(j, "nats", '[');
    for (unsigned i = 0; i < result->n_nats; i++) {
        const hp_nat_result *n = &result->nats[i];
        open_with(j, NULL, '{');
        put_text(j, "nat", n->nat);
        put_u64(j, "mappings", n->mappings);
        put_u64(j, "mappings_ended", n->mappings_ended);
        put_u64(j, "drops", n->drops);
        close_with(j, '}');
    }
    close_with(j, ']');
}

static void put_servers(json *j, const hp_result *result)
{
    open_with(j, "servers", '[');
    for (unsigned i = 0; i < result->n_servers; i++) {
        const hp_server_result *s = &result->servers[i];
        open_with(j, NULL, '{');
        put_text(j, "server", s->server);
        put_u64(j, "requests", s->requests);
        put_u64(j, "errors", s->errors);
        put_u64(j, "allocations", s->allocations);
        put_u64(j, "relayed_packets", s->relayed_packets);
        put_u64(j, "relayed_bytes", s->relayed_bytes);
        close_with(j, '}');
    }
    close_with(j, ']');
}

static void put_counts(json *j, const hp_result *result)
{
    open_with(j, "counts", '{');
    put_u64(j, "packets", result->packets);
    put_u64(j, "events", result->events);
    put_u64(j, "drops", result->drops);
    open_with(j, "drops_by_reason", '{');
    for (unsigned reason = 0; reason < HP_DROP_N; reason++) {
        if (result->drops_by_reason[reason] > 0) {
            put_u64(j, hp_drop_name((hp_drop_reason)reason), result->drops_by_reason[reason]);
        }
    }
    close_with(j, '}');
    close_with(j, '}');
}

char *hp_report_json(const hp_result *result)
{
    json j = {.o = hp_output_memory(), .depth = 1, .first = true};
    hp_output_char(j.o, '{');
    put_text(&j, "format", FORMAT);
    put_text(&j, "hairpin", HAIRPIN_VERSION);
    put_scenario(&j, result->plan);
    put_text(&j, "verdict", hp_verdict_name(result->verdict));
    put_bool(&j, "good", hp_verdict_is_good(result->verdict));
    put_text(&j, "message", result->message);
    put_time(&j, "ended_ns", result->ended);
    put_text(&j, "end_reason", result->end_reason);
    put_time(&j, "first_call_ns", result->first_call);
    put_expects(&j, result);
    put_sessions(&j, result);
    put_flows(&j, result);
    put_nats(&j, result);
    put_servers(&j, result);
    put_counts(&j, result);
    hp_output_literal(j.o, "\n}\n");
    return hp_output_take(j.o, NULL);
}
