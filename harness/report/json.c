/* result.json, the record of one run that all else can be made from.
 *
 * Two runs with the same plan and trace give the same bytes. Every field of hp_result is in it. Times are whole
 * nanoseconds of run time under keys that end in _ns; null says that something did not happen. Reasons that dropped
 * nothing are left out, and so are the channel of a flow that goes over none and the scripts of a run without raw
 * peers. A reader must ignore keys it does not know; a change that breaks readers changes the version. */
#include "report/evidence.h"
#include "report/json_writer.h"
#include "report/report.h"

/* ---- the parts of a result ---- */

static void put_scenario(hp_json *j, const hp_plan *plan)
{
    const hp_scenario *s = plan->scenario;
    hp_json_text(j, "file", s->file);
    hp_json_text(j, "case", plan->case_name);
    hp_json_text(j, "scenario", s->name);
    hp_json_text(j, "label", s->label != NULL ? s->label : "");
    hp_json_text(j, "about", s->about);
    hp_json_words(j, "tags", s->tags);
    hp_json_u64(j, "seed", plan->seed);
    hp_json_open(j, "matrix", '[');
    for (unsigned i = 0; i < s->n_axes; i++) {
        hp_json_open(j, NULL, '{');
        hp_json_text(j, "path", s->axes[i].path);
        hp_json_text(j, "name", s->axes[i].name);
        hp_json_text(j, "value", s->axes[i].value);
        hp_json_close(j, '}');
    }
    hp_json_close(j, ']');
    hp_json_time(j, "until_ns", s->until);
    hp_json_text(j, "known_bug", s->known_bug);
}

static void put_expects(hp_json *j, const hp_result *result)
{
    hp_json_open(j, "expectations", '[');
    for (unsigned i = 0; i < result->expects->len; i++) {
        const hp_expect_result *e = g_ptr_array_index(result->expects, i);
        hp_json_open(j, NULL, '{');
        hp_json_text(j, "what", e->what);
        hp_json_bool(j, "finding", e->expect == NULL);
        hp_json_bool(j, "of_oracle", e->of_oracle);
        hp_json_text(j, "file", e->mark.file);
        hp_json_u64(j, "line", e->mark.line);
        hp_json_u64(j, "column", e->mark.column);
        hp_json_bool(j, "passed", e->passed);
        hp_json_text(j, "expected", e->expected);
        hp_json_text(j, "got", e->got);
        hp_json_time(j, "at_ns", e->at);
        hp_json_u64(j, "packet", e->packet);
        hp_json_close(j, '}');
    }
    hp_json_close(j, ']');
}

static void put_sessions(hp_json *j, const hp_result *result)
{
    hp_json_open(j, "sessions", '[');
    for (unsigned i = 0; i < result->n_sessions; i++) {
        const hp_session_result *s = &result->sessions[i];
        hp_json_open(j, NULL, '{');
        hp_json_text(j, "peer", s->peer);
        hp_json_text(j, "with", s->with);
        hp_json_u64(j, "session", s->session);
        hp_json_u64(j, "stream", s->stream);
        hp_json_u64(j, "component", s->component);
        hp_json_text(j, "state", s->state);
        hp_json_time(j, "gathered_ns", s->gathered);
        hp_json_time(j, "connected_ns", s->connected);
        hp_json_time(j, "ready_ns", s->ready);
        hp_json_time(j, "failed_ns", s->failed);
        hp_json_text(j, "local_type", s->local_type);
        hp_json_text(j, "remote_type", s->remote_type);
        hp_json_addr(j, "local", &s->local);
        hp_json_addr(j, "remote", &s->remote);
        hp_json_close(j, '}');
    }
    hp_json_close(j, ']');
}

static void put_flows(hp_json *j, const hp_result *result)
{
    hp_json_open(j, "flows", '[');
    for (unsigned i = 0; i < result->n_flows; i++) {
        const hp_flow_result *f = &result->flows[i];
        hp_json_open(j, NULL, '{');
        hp_json_u64(j, "flow", f->flow);
        if (f->channel != NULL && *f->channel != '\0') {
            hp_json_text(j, "channel", f->channel);
        }
        hp_json_text(j, "from", f->from);
        hp_json_text(j, "to", f->to);
        hp_json_u64(j, "sent", f->sent);
        hp_json_u64(j, "received", f->received);
        hp_json_u64(j, "lost", f->lost);
        hp_json_u64(j, "duplicates", f->duplicates);
        hp_json_u64(j, "reordered", f->reordered);
        hp_json_distribution(j, "latency", &f->latency);
        hp_json_close(j, '}');
    }
    hp_json_close(j, ']');
}

static void put_nats(hp_json *j, const hp_result *result)
{
    hp_json_open(j, "nats", '[');
    for (unsigned i = 0; i < result->n_nats; i++) {
        const hp_nat_result *n = &result->nats[i];
        hp_json_open(j, NULL, '{');
        hp_json_text(j, "nat", n->nat);
        hp_json_u64(j, "mappings", n->mappings);
        hp_json_u64(j, "mappings_ended", n->mappings_ended);
        hp_json_u64(j, "drops", n->drops);
        hp_json_close(j, '}');
    }
    hp_json_close(j, ']');
}

static void put_servers(hp_json *j, const hp_result *result)
{
    hp_json_open(j, "servers", '[');
    for (unsigned i = 0; i < result->n_servers; i++) {
        const hp_server_result *s = &result->servers[i];
        hp_json_open(j, NULL, '{');
        hp_json_text(j, "server", s->server);
        hp_json_u64(j, "requests", s->requests);
        hp_json_u64(j, "errors", s->errors);
        hp_json_u64(j, "allocations", s->allocations);
        hp_json_u64(j, "relayed_packets", s->relayed_packets);
        hp_json_u64(j, "relayed_bytes", s->relayed_bytes);
        hp_json_close(j, '}');
    }
    hp_json_close(j, ']');
}

static void put_scripts(hp_json *j, const hp_result *result)
{
    hp_json_open(j, "scripts", '[');
    for (unsigned i = 0; i < result->n_scripts; i++) {
        const hp_script_result *s = &result->scripts[i];
        hp_json_open(j, NULL, '{');
        hp_json_text(j, "peer", s->peer);
        hp_json_text(j, "outcome", s->outcome);
        hp_json_time(j, "ended_ns", s->ended);
        hp_json_u64(j, "line", s->line);
        hp_json_u64(j, "sent", s->sent);
        hp_json_u64(j, "received", s->received);
        hp_json_u64(j, "unexpected", s->unexpected);
        hp_json_close(j, '}');
    }
    hp_json_close(j, ']');
}

static void put_counts(hp_json *j, const hp_result *result)
{
    hp_json_open(j, "counts", '{');
    hp_json_u64(j, "packets", result->packets);
    hp_json_u64(j, "events", result->events);
    hp_json_u64(j, "drops", result->drops);
    hp_json_open(j, "drops_by_reason", '{');
    for (unsigned reason = 0; reason < HP_DROP_N; reason++) {
        if (result->drops_by_reason[reason] > 0) {
            hp_json_u64(j, hp_drop_name((hp_drop_reason)reason), result->drops_by_reason[reason]);
        }
    }
    hp_json_close(j, '}');
    hp_json_close(j, '}');
}

static void put_result(hp_json *j, const hp_result *result)
{
    hp_json_text(j, "format", HP_EVIDENCE_RESULT_FORMAT);
    hp_json_text(j, "hairpin", HAIRPIN_VERSION);
    put_scenario(j, result->plan);
    g_autofree char *again = hp_report_again(result->plan, result->live != NULL);
    hp_json_text(j, "again", again);
    hp_json_text(j, "verdict", hp_verdict_name(result->verdict));
    hp_json_bool(j, "good", hp_verdict_is_good(result->verdict));
    hp_json_text(j, "message", result->message);
    hp_json_time(j, "ended_ns", result->ended);
    hp_json_text(j, "end_reason", result->end_reason);
    hp_json_time(j, "first_call_ns", result->first_call);
    put_expects(j, result);
    put_sessions(j, result);
    put_flows(j, result);
    hp_json_tracks(j, result);
    hp_json_dtls(j, result);
    hp_json_oracle(j, result);
    hp_json_path(j, result);
    hp_json_network(j, result->plan);
    put_nats(j, result);
    put_servers(j, result);
    if (result->n_scripts > 0) {
        put_scripts(j, result);
    }
    put_counts(j, result);
    hp_json_live(j, result);
}

char *hp_report_json(const hp_result *result)
{
    hp_json j = {.o = hp_output_memory(), .depth = 1, .first = true};
    hp_output_char(j.o, '{');
    put_result(&j, result);
    hp_output_literal(j.o, "\n}\n");
    return hp_output_take(j.o, NULL);
}

char *hp_report_json_line(const hp_result *result, size_t *ret_length)
{
    hp_json j = {.o = hp_output_memory(), .depth = 1, .first = true, .one_line = true};
    hp_output_char(j.o, '{');
    put_result(&j, result);
    hp_output_char(j.o, '}');
    return hp_output_take(j.o, ret_length);
}
