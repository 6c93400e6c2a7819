/* Rules of the scripted middlebox as values: whether they make sense, copies that own what they point to, names.
 *
 * The node relies on what hp_rule_check() lets pass: bounds that keep token arithmetic within 64 bits, values that fit
 * a STUN message, a kind of ICMP that is an error. */
#include "config/rule.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"

static const char *const do_names[] = {
    [HP_RULE_PASS] = "pass",
    [HP_RULE_DROP] = "drop",
    [HP_RULE_DELAY] = "delay",
    [HP_RULE_DUPLICATE] = "duplicate",
    [HP_RULE_REORDER] = "reorder",
    [HP_RULE_REWRITE] = "rewrite",
    [HP_RULE_CORRUPT] = "corrupt",
    [HP_RULE_TRUNCATE] = "truncate",
    [HP_RULE_SPLIT] = "split",
    [HP_RULE_ANSWER] = "answer",
    [HP_RULE_RATE_LIMIT] = "rate-limit",
};
static_assert(G_N_ELEMENTS(do_names) == HP_RULE_DO_N, "one name an action");

const char *hp_rule_do_name(hp_rule_do what)
{
    return (unsigned)what < HP_RULE_DO_N ? do_names[what] : "unknown";
}

/* ---- what makes sense ---- */

static bool refuse(GError **error, const char *message)
{
    g_set_error_literal(error, HP_ERROR, HP_ERROR_INVALID, message);
    return false;
}

static bool check_attribute(const hp_rule_attribute *a, GError **error)
{
    if (a->what == HP_RULE_ATTRIBUTE_REMOVE) {
        return true;
    }
    if (a->address.family == HP_AF_NONE && a->length > 0 && a->value == NULL) {
        return refuse(error, "a STUN attribute has a length and no value");
    }
    return a->length <= HP_STUN_MAX || refuse(error, "a STUN attribute's value is too long");
}

static bool check_alg(const hp_rule_alg *alg, GError **error)
{
    if (!alg->on) {
        return true;
    }
    if (alg->to.family == HP_AF_NONE) {
        return refuse(error, "an application-level gateway needs the address that it puts in");
    }
    if (alg->from.family != HP_AF_NONE && alg->from.family != alg->to.family) {
        return refuse(error, "an application-level gateway's two addresses are of different families");
    }
    return alg->anywhere || alg->attributes || alg->xored ||
           refuse(error, "an application-level gateway has nowhere to look");
}

static bool check_rewrite(const hp_rule_rewrite *r, GError **error)
{
    bool headers = r->src.family != HP_AF_NONE || r->dst.family != HP_AF_NONE || r->src_port != 0 || r->dst_port != 0 ||
                   r->has_ttl || r->has_dscp || r->has_ecn;
    if (!headers && r->n_attributes == 0 && !r->alg.on) {
        return refuse(error, "a rewrite changes nothing");
    }
    if (r->src.family != HP_AF_NONE && r->dst.family != HP_AF_NONE && r->src.family != r->dst.family) {
        return refuse(error, "source and destination are of different families");
    }
    if ((r->has_dscp && r->dscp > 63) || (r->has_ecn && r->ecn > 3)) {
        return refuse(error, "DSCP is 0 to 63, ECN 0 to 3");
    }
    if ((r->user == NULL) != (r->realm == NULL) || (r->user != NULL && r->password == NULL)) {
        return refuse(error, "a long-term key needs user, realm and password");
    }
    for (unsigned i = 0; i < r->n_attributes; i++) {
        if (!check_attribute(&r->attributes[i], error)) {
            return false;
        }
    }
    return check_alg(&r->alg, error);
}

static bool check_answer(const hp_rule_answer *a, GError **error)
{
    switch (a->kind) {
    case HP_RULE_ANSWER_STUN_ERROR:
        if ((a->realm != NULL && strlen(a->realm) > 763) || (a->nonce != NULL && strlen(a->nonce) > 763)) {
            return refuse(error, "REALM and NONCE have at most 763 bytes"); /* RFC 8489 sections 14.9, 14.10 */
        }
        return (a->code >= 300 && a->code <= 699) || refuse(error, "a STUN error code is 300 to 699");
    case HP_RULE_ANSWER_STUN_SUCCESS:
    case HP_RULE_ANSWER_RESET:
        return true;
    case HP_RULE_ANSWER_ICMP:
        return (a->icmp != HP_ICMP_ECHO_REQUEST && a->icmp != HP_ICMP_ECHO_REPLY && a->icmp < HP_ICMP_OTHER) ||
               refuse(error, "the ICMP answer must be an error");
    }
    return refuse(error, "no such kind of answer");
}

static bool check_action(const hp_rule_action *a, GError **error)
{
    switch (a->what) {
    case HP_RULE_PASS:
    case HP_RULE_DROP:
    case HP_RULE_REORDER:
    case HP_RULE_TRUNCATE:
        return true;
    case HP_RULE_DELAY:
        return a->delay.fixed > 0 || a->delay.jitter > 0 || refuse(error, "a delay delays by nothing");
    case HP_RULE_DUPLICATE:
        return a->duplicate.copies <= HP_RULE_MAX_COPIES || refuse(error, "at most 1000 copies of one packet");
    case HP_RULE_REWRITE:
        return check_rewrite(&a->rewrite, error);
    case HP_RULE_CORRUPT:
        return a->corrupt.last == 0 || a->corrupt.first <= a->corrupt.last ||
               refuse(error, "the bytes to be corrupted end before they begin");
    case HP_RULE_SPLIT:
        return a->split_to > 0 || refuse(error, "a segment cannot be split into nothing");
    case HP_RULE_ANSWER:
        return check_answer(&a->answer, error);
    case HP_RULE_RATE_LIMIT:
        return (a->rate.rate_bps > 0 && a->rate.rate_bps <= HP_RULE_MAX_RATE && a->rate.burst_bytes > 0 &&
                a->rate.burst_bytes <= HP_RULE_MAX_BURST) ||
               refuse(error, "a rate limit needs a rate of up to 1 Tbit/s and a burst of up to 2 GiB");
    case HP_RULE_DO_N:
        break;
    }
    return refuse(error, "no such action");
}

bool hp_rule_check(const hp_rule *rule, GError **error)
{
    if (rule->to != 0 && rule->to <= rule->from) {
        return refuse(error, "the time window ends before it begins");
    }
    for (unsigned i = 0; i < rule->n_nth; i++) {
        if (rule->nth[i].last != 0 && rule->nth[i].last < rule->nth[i].first) {
            return refuse(error, "a range of packets ends before it begins");
        }
    }
    for (unsigned i = 0; i < rule->n_actions; i++) {
        if (!check_action(&rule->actions[i], error)) {
            return false;
        }
    }
    return true;
}

/* ---- copies ---- */

static void own_action(hp_rule_action *a)
{
    hp_rule_rewrite *r = &a->rewrite;
    r->attributes = g_memdup2(r->attributes, r->n_attributes * sizeof *r->attributes);
    for (unsigned i = 0; i < r->n_attributes; i++) {
        r->attributes[i].value = g_memdup2(r->attributes[i].value, r->attributes[i].length);
    }
    r->password = g_strdup(r->password);
    r->user = g_strdup(r->user);
    r->realm = g_strdup(r->realm);
    a->answer.realm = g_strdup(a->answer.realm);
    a->answer.nonce = g_strdup(a->answer.nonce);
}

static void free_action(hp_rule_action *a)
{
    for (unsigned i = 0; i < a->rewrite.n_attributes; i++) {
        g_free(a->rewrite.attributes[i].value);
    }
    g_free(a->rewrite.attributes);
    g_free(a->rewrite.password);
    g_free(a->rewrite.user);
    g_free(a->rewrite.realm);
    g_free(a->answer.realm);
    g_free(a->answer.nonce);
}

void hp_rule_copy(const hp_rule *rule, hp_rule *ret)
{
    hp_rule copy = *rule;
    copy.label = g_strdup(rule->label);
    hp_match_copy(&rule->match, &copy.match);
    copy.nth = g_memdup2(rule->nth, rule->n_nth * sizeof *rule->nth);
    copy.actions = g_memdup2(rule->actions, rule->n_actions * sizeof *rule->actions);
    for (unsigned i = 0; i < copy.n_actions; i++) {
        own_action(&copy.actions[i]);
    }
    *ret = copy;
}

void hp_rule_clear(hp_rule *rule)
{
    if (rule == NULL) {
        return;
    }
    for (unsigned i = 0; i < rule->n_actions; i++) {
        free_action(&rule->actions[i]);
    }
    g_free(rule->actions);
    g_free(rule->nth);
    g_free(rule->label);
    hp_match_clear(&rule->match);
    *rule = (hp_rule){0};
}
