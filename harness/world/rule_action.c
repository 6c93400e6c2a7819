/* The actions of a rule, one after another, on one packet: see config/rule.h for what each says. Those that look into
 * the packet are in rule_payload.c, rule_rewrite.c, rule_stun.c and rule_answer.c.
 *
 * What an action cannot be done to is left as it is, without a remark: a SYN is not split, an answer is not given to
 * what asks for none (and the packet then goes on).
 *
 * Token bucket: tokens count in bits times a thousand million, so that a rate in bits a second times nanoseconds needs
 * no division and nothing is lost to rounding. The largest bucket (config/rule.h) keeps this below 2^64. */
#include <assert.h>

#include "world/rule_refusal.h"
#include "world/rules_private.h"

#define DEFAULT_HOLD (10 * HP_MS)
#define TOKENS_A_BYTE (8 * HP_S)
static_assert(HP_RULE_MAX_BURST <= UINT64_MAX / TOKENS_A_BYTE, "a full bucket can be counted");

void hp_rule_remark(hp_rule_passage *passage, const char *format, ...)
{
    if (passage->remark == NULL) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    if (passage->remark->len > 0) {
        g_string_append(passage->remark, ", ");
    }
    g_string_append_vprintf(passage->remark, format, arguments);
    va_end(arguments);
}

void hp_rule_follow(hp_rule_passage *passage, hp_packet *p, hp_time delay, unsigned out, bool changed)
{
    if (passage->followers == NULL) {
        passage->followers = g_array_new(FALSE, FALSE, sizeof(hp_rule_follower));
    }
    hp_rule_follower f = {.p = p, .delay = delay, .out = out, .changed = changed};
    g_array_append_val(passage->followers, f);
}

/* Sends p, which this middlebox made, back to where the passage's packet came from. */
static void send_back(const hp_rules *rules, hp_rule_passage *passage, hp_packet *p)
{
    p->uid = hp_world_new_uid(rules->node.world);
    hp_rule_follow(passage, p, passage->delay, passage->in, true);
}

static void drop(hp_rules *rules, const hp_rule_state *state, hp_rule_passage *passage, hp_refusal refusal,
                 const char *what)
{
    bool v6 = passage->p->src.family == HP_AF_IPV6;
    hp_packet *answer = hp_refusal_for(refusal, passage->p, v6 ? &rules->address6 : &rules->address4);
    if (answer != NULL) {
        send_back(rules, passage, answer);
    }
    g_autofree char *detail = g_strdup_printf("%s: %s", state->name, what);
    hp_node_drop(&rules->node, g_steal_pointer(&passage->p), HP_DROP_RULE, detail);
}

static void delay(const hp_rules *rules, hp_rule_state *state, unsigned index, hp_rule_passage *passage)
{
    const hp_rule_delay *wanted = &state->rule.actions[index].delay;
    hp_time now = hp_world_now(rules->node.world), *latest = &state->memory[index].latest[passage->in];
    hp_time at = hp_time_add(hp_time_add(now, passage->delay), wanted->fixed);

    if (wanted->jitter != 0) {
        uint64_t span = wanted->jitter == HP_NEVER ? HP_NEVER : wanted->jitter + 1;
        at = hp_time_add(at, hp_rng_below(&state->rng, span));
    }
    if (!wanted->overtake) {
        at = MAX(at, *latest);
        *latest = at;
    }
    passage->delay = at - now;
    char span[HP_TIME_TEXT];
    hp_rule_remark(passage, "delayed by %s", hp_time_format(passage->delay, span));
}

static void duplicate(const hp_rule_duplicate *wanted, hp_rule_passage *passage)
{
    uint32_t copies = MAX(wanted->copies, 1);
    hp_time at = passage->delay;
    for (uint32_t i = 0; i < copies; i++) {
        at = hp_time_add(at, wanted->spacing);
        hp_rule_follow(passage, hp_packet_copy(passage->p), at, passage->out, passage->changed);
    }
    hp_rule_remark(passage, "copied %u time%s", copies, copies == 1 ? "" : "s");
}

static void reorder(const hp_rule_reorder *wanted, hp_rule_passage *passage)
{
    passage->hold_for = MAX(wanted->packets, 1);
    passage->hold_at_most = wanted->at_most != 0 ? wanted->at_most : DEFAULT_HOLD;
    hp_rule_remark(passage, "held until %u later packet%s", passage->hold_for,
                   passage->hold_for == 1 ? " has left" : "s have left");
}

static bool finds_tokens(const hp_rule_rate *rate, hp_rule_memory *memory, hp_time now, uint64_t bytes)
{
    uint64_t full = rate->burst_bytes * TOKENS_A_BYTE, elapsed = now - memory->filled, cost = bytes * TOKENS_A_BYTE;

    uint64_t room = full - memory->tokens;
    bool fills = elapsed > room / rate->rate_bps;
    memory->tokens = fills ? full : memory->tokens + elapsed * rate->rate_bps;
    memory->filled = now;
    if (memory->tokens < cost) {
        return false;
    }
    memory->tokens -= cost;
    return true;
}

static void answer(hp_rules *rules, const hp_rule_state *state, const hp_rule_answer *wanted, hp_rule_passage *passage)
{
    hp_packet *made = hp_rule_make_answer(rules, wanted, passage->p);
    if (made == NULL) {
        return;
    }
    send_back(rules, passage, made);
    if (wanted->pass) {
        hp_rule_remark(passage, "answered, and passed on");
    } else {
        drop(rules, state, passage, HP_REFUSE_SILENTLY, "answered in place of the far end");
    }
}

static void carry_out_one(hp_rules *rules, hp_rule_state *state, unsigned index, hp_rule_passage *passage)
{
    const hp_rule_action *a = &state->rule.actions[index];
    hp_time now = hp_world_now(rules->node.world);

    switch (a->what) {
    case HP_RULE_PASS:
        hp_rule_remark(passage, "passed");
        break;
    case HP_RULE_DROP:
        drop(rules, state, passage, a->refusal, "dropped");
        break;
    case HP_RULE_DELAY:
        delay(rules, state, index, passage);
        break;
    case HP_RULE_DUPLICATE:
        duplicate(&a->duplicate, passage);
        break;
    case HP_RULE_REORDER:
        reorder(&a->reorder, passage);
        break;
    case HP_RULE_REWRITE:
        hp_rule_rewrite_packet(&a->rewrite, passage);
        break;
    case HP_RULE_CORRUPT:
        hp_rule_corrupt_packet(state, &a->corrupt, passage);
        break;
    case HP_RULE_TRUNCATE:
        hp_rule_truncate_packet(a->truncate_to, passage);
        break;
    case HP_RULE_SPLIT:
        hp_rule_split_packet(a->split_to, passage);
        break;
    case HP_RULE_ANSWER:
        answer(rules, state, &a->answer, passage);
        break;
    case HP_RULE_RATE_LIMIT:
        if (!finds_tokens(&a->rate, &state->memory[index], now, hp_packet_wire_length(passage->p))) {
            drop(rules, state, passage, a->rate.refusal, "over the rate");
        }
        break;
    case HP_RULE_DO_N:
        break;
    }
}

void hp_rule_carry_out(hp_rules *rules, hp_rule_state *state, hp_rule_passage *passage)
{
    for (unsigned i = 0; i < state->rule.n_actions && passage->p != NULL; i++) {
        carry_out_one(rules, state, i, passage);
    }
}
