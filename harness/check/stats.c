/* The figures of a result, from the facts. */
#include <string.h>

#include "check/checker.h"
#include "check/stats.h"

static int by_flow_number(const void *a, const void *b)
{
    const uint64_t x = (*(const hp_flow_facts *const *)a)->number;
    const uint64_t y = (*(const hp_flow_facts *const *)b)->number;
    return (x > y) - (x < y);
}

static void fill_flows(hp_result *result, const hp_facts *facts)
{
    result->n_flows = facts->flows->len;
    result->flows = g_new0(hp_flow_result, facts->flows->len);
    g_autofree hp_flow_facts **sorted = g_new(hp_flow_facts *, facts->flows->len);
    for (unsigned i = 0; i < facts->flows->len; i++) {
        sorted[i] = g_ptr_array_index(facts->flows, i);
    }
    if (facts->flows->len > 0) {
        qsort(sorted, facts->flows->len, sizeof *sorted, by_flow_number);
    }
    for (unsigned i = 0; i < facts->flows->len; i++) {
        const hp_flow_facts *flow = sorted[i];
        g_autofree hp_time *latencies = g_new(hp_time, flow->arrivals->len);
        for (unsigned k = 0; k < flow->arrivals->len; k++) {
            latencies[k] = g_array_index(flow->arrivals, hp_arrival, k).latency;
        }
        result->flows[i] = (hp_flow_result){
            .from = g_string_chunk_insert_const(result->strings, flow->from),
            .to = g_string_chunk_insert_const(result->strings, flow->to),
            .channel = g_string_chunk_insert_const(result->strings, flow->channel),
            .flow = (unsigned)flow->number,
            .sent = flow->sent,
            .received = flow->received,
            .lost = flow->sent > flow->received ? flow->sent - flow->received : 0,
            .duplicates = flow->duplicates,
            .reordered = flow->reordered,
            .latency = hp_distribution_of(latencies, flow->arrivals->len),
        };
    }
}

static hp_session_result session_result(hp_result *result, const hp_session_facts *s, const hp_component_facts *c)
{
    const hp_state_change *state = hp_component_state(c, UINT64_MAX);
    const hp_pair_change *pair = hp_component_pair(c, UINT64_MAX);
    hp_session_result r = {
        .peer = g_string_chunk_insert_const(result->strings, s->peer),
        .with = g_string_chunk_insert_const(result->strings, s->with),
        .session = s->number,
        .stream = c->stream,
        .component = c->component,
        .gathered = HP_NEVER,
        .connected = hp_component_first(c, HP_CHECK_CONNECTED),
        .ready = hp_component_first(c, HP_CHECK_READY),
        .failed = hp_component_first(c, HP_CHECK_FAILED),
        .state = hp_check_state_name(state != NULL ? state->state : HP_CHECK_DISCONNECTED),
    };
    for (unsigned i = 0; i < s->gathered->len && r.gathered == HP_NEVER; i++) {
        const hp_gathered *g = &g_array_index(s->gathered, hp_gathered, i);
        r.gathered = g->stream == c->stream ? g->at : HP_NEVER;
    }
    if (pair != NULL) {
        r.local_type = g_string_chunk_insert_const(result->strings, pair->local);
        r.remote_type = g_string_chunk_insert_const(result->strings, pair->remote);
        r.local = pair->local_address;
        r.remote = pair->remote_address;
    }
    return r;
}

static void fill_sessions(hp_result *result, const hp_facts *facts)
{
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(hp_session_result));
    for (unsigned p = 0; p < facts->peers->len; p++) {
        const hp_peer_facts *peer = g_ptr_array_index(facts->peers, p);
        for (unsigned i = 0; i < peer->sessions->len; i++) {
            const hp_session_facts *s = g_ptr_array_index(peer->sessions, i);
            for (unsigned k = 0; k < s->components->len; k++) {
                const hp_session_result r = session_result(result, s, g_ptr_array_index(s->components, k));
                g_array_append_val(rows, r);
            }
        }
    }
    result->n_sessions = rows->len;
    result->sessions = (hp_session_result *)(void *)g_array_free(g_steal_pointer(&rows), FALSE);
}

void hp_result_fill(hp_result *result, const hp_facts *facts)
{
    const hp_plan *plan = facts->plan;
    result->first_call = facts->first_call;
    result->packets = facts->packets;
    result->drops = facts->drops;
    result->events = facts->events;
    memcpy(result->drops_by_reason, facts->drops_by_reason, sizeof result->drops_by_reason);
    fill_flows(result, facts);
    fill_sessions(result, facts);
    hp_result_fill_media(result, facts);
    hp_result_fill_scripts(result, facts);
    result->n_nats = plan->n_nats;
    result->nats = g_new0(hp_nat_result, plan->n_nats);
    for (unsigned i = 0; i < plan->n_nats; i++) {
        const hp_nat_facts *nat = &facts->nats[i];
        result->nats[i] = (hp_nat_result){
            .nat = g_string_chunk_insert_const(result->strings, plan->nats[i].source->name),
            .mappings = nat->mappings,
            .mappings_ended = nat->mappings_ended,
            .drops = nat->drops,
        };
    }
    result->n_servers = plan->n_servers;
    result->servers = g_new0(hp_server_result, plan->n_servers);
    for (unsigned i = 0; i < plan->n_servers; i++) {
        const hp_server_facts *server = &facts->servers[i];
        result->servers[i] = (hp_server_result){
            .server = g_string_chunk_insert_const(result->strings, plan->servers[i].source->name),
            .requests = server->requests,
            .errors = server->errors,
            .allocations = server->allocations,
            .relayed_packets = server->relayed_packets,
            .relayed_bytes = server->relayed_bytes,
        };
    }
}
