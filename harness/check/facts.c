/* The facts of a run: steps, NATs, servers and counters here, sessions, flows, media and DTLS in files of their own.
 *
 * Numbers of steps in the trace count from 1, as people do. A record that names a step the scenario does not have (a
 * trace of another scenario) counts as an event and nothing else. Strings are copied: facts may outlive the trace. */
#include "check/facts.h"

#include "check/live.h"

#include <string.h>

const char *hp_facts_string(hp_facts *facts, const char *text)
{
    return g_string_chunk_insert_const(facts->strings, text);
}

static GHashTable *index_of_names(void)
{
    return g_hash_table_new(g_str_hash, g_str_equal);
}

hp_facts *hp_facts_new(const hp_plan *plan)
{
    hp_facts *facts = g_new0(hp_facts, 1);
    facts->plan = plan;
    facts->oracle = hp_oracle_new(plan);
    facts->strings = g_string_chunk_new(1024);
    facts->first_call = HP_NEVER;
    facts->peers = g_ptr_array_new_with_free_func(hp_peer_facts_free);
    facts->peer_index = index_of_names();
    facts->flows = g_ptr_array_new_with_free_func(hp_flow_facts_free);
    facts->flow_index = g_hash_table_new(g_int64_hash, g_int64_equal);
    facts->tracks = g_ptr_array_new_with_free_func(hp_track_facts_free);
    facts->track_index = g_ptr_array_new();
    facts->strays = g_array_new(FALSE, FALSE, sizeof(hp_media_stray));
    facts->associations = g_ptr_array_new_with_free_func(hp_dtls_facts_free);
    facts->steps = g_new0(hp_step_facts, plan->scenario->n_steps);
    facts->rules = g_new0(hp_rule_facts, plan->scenario->n_rules);
    facts->nats = g_new0(hp_nat_facts, plan->n_nats);
    facts->nat_index = index_of_names();
    facts->servers = g_new0(hp_server_facts, plan->n_servers);
    facts->server_index = index_of_names();
    facts->refusals = g_ptr_array_new_with_free_func(g_free);
    facts->unresolved = g_ptr_array_new_with_free_func(g_free);
    facts->current.step = -1;
    hp_facts_init_scripts(facts);
    for (unsigned i = 0; i < plan->scenario->n_steps; i++) {
        facts->steps[i].at = facts->steps[i].done_at = HP_NEVER;
        facts->steps[i].index = UINT64_MAX;
        facts->steps[i].outcome = "";
    }
    for (unsigned i = 0; i < plan->n_peers; i++) {
        hp_facts_add_peer(facts, plan->peers[i].source->name);
    }
    for (unsigned i = 0; i < plan->n_nats; i++) {
        g_hash_table_insert(facts->nat_index, plan->nats[i].source->name, GUINT_TO_POINTER(i + 1));
    }
    for (unsigned i = 0; i < plan->n_servers; i++) {
        g_hash_table_insert(facts->server_index, plan->servers[i].source->name, GUINT_TO_POINTER(i + 1));
    }
    return facts;
}

void hp_facts_free(hp_facts *facts)
{
    if (facts == NULL) {
        return;
    }
    hp_oracle_free(facts->oracle);
    hp_live_facts_free(facts->live);
    g_ptr_array_unref(facts->refusals);
    g_ptr_array_unref(facts->unresolved);
    g_hash_table_unref(facts->server_index);
    g_free(facts->servers);
    g_hash_table_unref(facts->nat_index);
    g_free(facts->nats);
    g_free(facts->steps);
    g_free(facts->rules);
    g_free(facts->scripts);
    g_ptr_array_unref(facts->associations);
    g_array_unref(facts->strays);
    g_ptr_array_unref(facts->track_index);
    g_ptr_array_unref(facts->tracks);
    g_hash_table_unref(facts->flow_index);
    g_ptr_array_unref(facts->flows);
    g_hash_table_unref(facts->peer_index);
    g_ptr_array_unref(facts->peers);
    g_string_chunk_free(facts->strings);
    g_free(facts);
}

static hp_nat_facts *find_nat(hp_facts *facts, const char *name)
{
    const unsigned i = GPOINTER_TO_UINT(g_hash_table_lookup(facts->nat_index, name));
    return i > 0 ? &facts->nats[i - 1] : NULL;
}

static hp_server_facts *find_server(hp_facts *facts, const char *name)
{
    const unsigned i = GPOINTER_TO_UINT(g_hash_table_lookup(facts->server_index, name));
    return i > 0 ? &facts->servers[i - 1] : NULL;
}

static void step_event(hp_facts *facts, const hp_record *r)
{
    const uint64_t number = hp_record_u64(r, "step");
    const hp_scenario *scenario = facts->plan->scenario;
    if (r->event.kind == HP_EV_STEP && facts->first_call == HP_NEVER && strcmp(r->event.subject, "call") == 0) {
        facts->first_call = r->at;
    }
    if (number == 0 || number > scenario->n_steps) {
        return;
    }
    const unsigned i = (unsigned)(number - 1);
    hp_step_facts *step = &facts->steps[i];
    facts->current.step = (int)i;
    if (r->event.kind == HP_EV_STEP_DONE) {
        step->done = true;
        step->done_at = r->at;
        step->outcome = hp_facts_string(facts, hp_record_text(r, "outcome"));
    } else if (!step->reached) {
        step->reached = true;
        step->at = r->at;
        step->index = r->index;
        facts->calls_reached += scenario->steps[i].kind == HP_STEP_CALL;
        facts->sends_reached += scenario->steps[i].kind == HP_STEP_SEND;
    }
}

static void nat_event(hp_facts *facts, const hp_record *r)
{
    hp_nat_facts *nat = find_nat(facts, r->event.subject);
    if (nat != NULL) {
        nat->mappings += r->event.kind == HP_EV_NAT_MAPPING;
        nat->mappings_ended += r->event.kind == HP_EV_NAT_MAPPING_ENDED;
    }
}

static void server_event(hp_facts *facts, const hp_record *r)
{
    hp_server_facts *server = find_server(facts, r->event.subject);
    if (server == NULL) {
        return;
    }
    if (r->event.kind == HP_EV_SERVER_REQUEST) {
        server->requests++;
        server->errors += strcmp(hp_record_text(r, "answer"), "error") == 0;
    } else if (r->event.kind == HP_EV_TURN_ALLOCATION) {
        server->allocations++;
    } else {
        server->relayed_packets += hp_record_u64(r, "packets-to-peer") + hp_record_u64(r, "packets-to-client");
        server->relayed_bytes += hp_record_u64(r, "bytes-to-peer") + hp_record_u64(r, "bytes-to-client");
    }
}

static void count_refusal(hp_facts *facts, GPtrArray *refusals, const hp_record *r, const char *field)
{
    const char *peer = hp_facts_string(facts, r->event.subject);
    const char *message = hp_facts_string(facts, hp_record_text(r, field));
    for (unsigned i = 0; i < refusals->len; i++) {
        hp_refused_call *known = g_ptr_array_index(refusals, i);
        if (known->peer == peer && known->message == message) {
            known->count++;
            return;
        }
    }
    hp_refused_call *refusal = g_new0(hp_refused_call, 1);
    *refusal = (hp_refused_call){.peer = peer, .message = message, .at = r->at, .count = 1};
    g_ptr_array_add(refusals, refusal);
}

static void refusal_event(hp_facts *facts, const hp_record *r)
{
    count_refusal(facts, facts->refusals, r, "message");
}

static void resolved_event(hp_facts *facts, const hp_record *r)
{
    if (strcmp(hp_record_text(r, "outcome"), "found") != 0) {
        count_refusal(facts, facts->unresolved, r, "name");
    }
}

/* The subject is the rule's label, else its number in the file. */
static void rule_event(hp_facts *facts, const hp_record *r)
{
    const hp_scenario *scenario = facts->plan->scenario;
    for (unsigned i = 0; i < scenario->n_rules; i++) {
        const char *label = scenario->rules[i].rule.label;
        char number[16];
        g_snprintf(number, sizeof number, "%u", i + 1);
        if (strcmp(label != NULL ? label : number, r->event.subject) == 0) {
            facts->rules[i] = (hp_rule_facts){
                .counted = true, .matched = hp_record_u64(r, "matched"), .hits = hp_record_u64(r, "hits")};
            return;
        }
    }
}

typedef void (*event_handler)(hp_facts *facts, const hp_record *r);

/* Kinds that no figure and no state depends on have no handler. */
static const event_handler handlers[HP_EV_N] = {
    [HP_EV_STEP] = step_event,
    [HP_EV_LIVE_FABRIC] = hp_facts_live_event,
    [HP_EV_LIVE_HOST] = hp_facts_live_event,
    [HP_EV_LIVE_PROGRAM] = hp_facts_live_event,
    [HP_EV_STEP_DONE] = step_event,
    [HP_EV_GATHERING_STARTED] = hp_facts_session_event,
    [HP_EV_GATHERING_DONE] = hp_facts_session_event,
    [HP_EV_CANDIDATE] = hp_facts_session_event,
    [HP_EV_REMOTE_CANDIDATE] = hp_facts_session_event,
    [HP_EV_ICE_STATE] = hp_facts_session_event,
    [HP_EV_SELECTED_PAIR] = hp_facts_session_event,
    [HP_EV_CONSENT] = hp_facts_session_event,
    [HP_EV_PEER_CLOSED] = hp_facts_session_event,
    [HP_EV_PEER_ERROR] = refusal_event,
    [HP_EV_DNS_RESOLVED] = resolved_event,
    [HP_EV_FLOW] = hp_facts_flow_event,
    [HP_EV_FLOW_DONE] = hp_facts_flow_event,
    [HP_EV_DATA_SENT] = hp_facts_flow_event,
    [HP_EV_DATA_REFUSED] = hp_facts_flow_event,
    [HP_EV_DATA_RECEIVED] = hp_facts_flow_event,
    [HP_EV_DTLS_STATE] = hp_facts_dtls_event,
    [HP_EV_DTLS_TIMEOUT] = hp_facts_dtls_event,
    [HP_EV_SRTP_REFUSED] = hp_facts_media_event,
    [HP_EV_MEDIA_TRACK] = hp_facts_media_event,
    [HP_EV_MEDIA_STATE] = hp_facts_media_event,
    [HP_EV_MEDIA_FRAME_LOST] = hp_facts_media_event,
    [HP_EV_MEDIA_FREEZE] = hp_facts_media_event,
    [HP_EV_MEDIA_FEEDBACK] = hp_facts_media_event,
    [HP_EV_MEDIA_STATS] = hp_facts_counts_event,
    [HP_EV_NAT_MAPPING] = nat_event,
    [HP_EV_NAT_MAPPING_ENDED] = nat_event,
    [HP_EV_RULE_COUNTS] = rule_event,
    [HP_EV_SERVER_REQUEST] = server_event,
    [HP_EV_TURN_ALLOCATION] = server_event,
    [HP_EV_TURN_ALLOCATION_ENDED] = server_event,
    [HP_EV_RAW_SENT] = hp_facts_script_event,
    [HP_EV_RAW_RECEIVED] = hp_facts_script_event,
    [HP_EV_RAW_MATCHED] = hp_facts_script_event,
    [HP_EV_RAW_MISSED] = hp_facts_script_event,
    [HP_EV_RAW_UNEXPECTED] = hp_facts_script_event,
    [HP_EV_RAW_DONE] = hp_facts_script_event,
    [HP_EV_RAW_ERROR] = hp_facts_script_event,
};

void hp_facts_record(hp_facts *facts, const hp_record *r)
{
    facts->now = r->at;
    facts->n_records = r->index + 1;
    switch (r->type) {
    case HP_RECORD_PACKET:
        facts->packets++;
        break;
    case HP_RECORD_DROP: {
        facts->drops++;
        facts->drops_by_reason[r->drop.reason]++;
        hp_nat_facts *nat = find_nat(facts, r->drop.place);
        if (nat != NULL) {
            nat->drops++;
        }
        break;
    }
    case HP_RECORD_NOTE:
        break;
    case HP_RECORD_MEDIA:
        hp_facts_media_record(facts, r);
        break;
    case HP_RECORD_EVENT:
        facts->events++;
        facts->current.flow = NULL;
        facts->current.track = NULL;
        facts->current.session = NULL;
        facts->current.step = -1;
        if (handlers[r->event.kind] != NULL) {
            handlers[r->event.kind](facts, r);
        }
        break;
    }
}
