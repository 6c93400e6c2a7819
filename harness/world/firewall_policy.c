/* What may pass when no flow says so: addresses that cannot be there (RFC 6092 section 3.1), policies, defaults.
 *
 * Addresses are looked at where a flow would begin, and of whatever has none: a packet of a known flow has passed this
 * once. Forbidden in both directions are a multicast, unspecified or link-local source, a link-local destination, and a
 * multicast destination whose scope is no wider than an organisation's (REC-1, REC-2; for IPv4 224.0.0.0/24 and the
 * administratively scoped 239.0.0.0/8 of RFC 2365). Documentation prefixes, which REC-3 forbids as well, pass: they are
 * what scenarios are made of. */
#include "world/firewall_private.h"

enum { IPSEC_AH = 51, IPSEC_ESP = 50, HIP = 139, IKE_PORT = 500, ORGANISATION_SCOPE = 8 };

/* ---- policies ---- */

void hp_firewall_policies_clear(hp_firewall_policies *policies)
{
    for (unsigned i = 0; i < policies->n; i++) {
        g_free(policies->names[i]);
    }
    g_free(policies->names);
    g_free(policies->details);
    *policies = (hp_firewall_policies){0};
}

void hp_firewall_policies_set(hp_firewall_policies *policies, const hp_firewall_policy *list, unsigned n)
{
    hp_firewall_policies fresh = {
        .list = list,
        .n = n,
        .details = g_new0(const hp_match_detail *, n),
        .names = g_new0(char *, n),
    };
    for (unsigned i = 0; i < n; i++) {
        fresh.details[i] = hp_match_detail_is_empty(&list[i].match.detail) ? NULL : &list[i].match.detail;
        fresh.names[i] = list[i].label != NULL ? g_strdup_printf("policy %u (%s)", i + 1, list[i].label)
                                               : g_strdup_printf("policy %u", i + 1);
        fresh.any_each_packet = fresh.any_each_packet || list[i].each_packet;
    }
    hp_firewall_policies_clear(policies);
    *policies = fresh;
}

static bool refuse(hp_firewall_verdict *v, hp_drop_reason reason, hp_refusal refusal, const char *detail)
{
    *v = (hp_firewall_verdict){.reason = reason, .refusal = refusal, .detail = detail};
    return false;
}

/* The first that matches; n when none does. */
static unsigned find_policy(const hp_firewall_policies *policies, const hp_packet *p, bool each_packet)
{
    unsigned i = 0;
    if (policies->n == 0) {
        return 0;
    }
    hp_match_subject subject = hp_match_subject_of(p);
    hp_match_view view;
    hp_match_view_init(&view, &subject);
    while (i < policies->n && ((each_packet && !policies->list[i].each_packet) ||
                               !hp_match_view_holds(&view, &policies->list[i].match, policies->details[i]))) {
        i++;
    }
    return i;
}

bool hp_firewall_is_refused_anyway(const hp_firewall *fw, unsigned side, const hp_packet *p, hp_firewall_verdict *v)
{
    const hp_firewall_policies *policies = &fw->policies[side];
    if (!policies->any_each_packet) {
        return false;
    }
    unsigned i = find_policy(policies, p, true);
    if (i == policies->n || policies->list[i].allow) {
        return false;
    }
    refuse(v, HP_DROP_FIREWALL_POLICY, policies->list[i].refusal, policies->names[i]);
    return true;
}

static bool is_ipsec(const hp_packet *p)
{
    return p->proto == IPSEC_AH || p->proto == IPSEC_ESP || p->proto == HIP ||
           (p->proto == HP_PROTO_UDP && p->dst.port == IKE_PORT);
}

void hp_firewall_judge(const hp_firewall *fw, unsigned side, const hp_packet *p, bool opened, hp_firewall_verdict *v)
{
    const hp_firewall_config *c = &fw->config;
    const hp_firewall_policies *policies = &fw->policies[side];
    bool out = side == HP_FIREWALL_INSIDE;

    if (!hp_firewall_addresses_pass(fw, side, p, v)) {
        return;
    }
    unsigned i = find_policy(policies, p, false);
    if (i < policies->n) {
        if (policies->list[i].allow) {
            *v = (hp_firewall_verdict){.pass = true};
        } else {
            refuse(v, HP_DROP_FIREWALL_POLICY, policies->list[i].refusal, policies->names[i]);
        }
        return;
    }
    if (out ? !c->out_denied : c->in_allowed || opened || (c->passes_ipsec && is_ipsec(p))) {
        *v = (hp_firewall_verdict){.pass = true};
        return;
    }
    if (out) {
        refuse(v, HP_DROP_FIREWALL_POLICY, c->out_refusal, "no policy lets it out");
    } else {
        refuse(v, HP_DROP_FIREWALL_NO_FLOW, c->in_refusal, "nothing inside asked for it");
    }
    v->is_default = true;
}

/* ---- addresses ---- */

static bool is_inside(const hp_firewall *fw, const hp_addr *a, bool *ret_any)
{
    hp_addr ip = hp_addr_with_port(*a, 0);
    *ret_any = false;
    for (unsigned i = 0; i < fw->inside->len; i++) {
        const hp_prefix *prefix = &g_array_index(fw->inside, hp_prefix, i);
        if (prefix->base.family == a->family) {
            *ret_any = true;
            if (hp_prefix_contains(prefix, &ip)) {
                return true;
            }
        }
    }
    return false;
}

static bool stays_within(const hp_addr *multicast)
{
    if (multicast->family == HP_AF_IPV6) {
        return (multicast->ip[1] & 15) <= ORGANISATION_SCOPE;
    }
    return multicast->ip[0] == 239 || (multicast->ip[0] == 224 && multicast->ip[1] == 0 && multicast->ip[2] == 0);
}

static bool is_unique_local(const hp_addr *a)
{
    return a->family == HP_AF_IPV6 && (a->ip[0] & 0xfe) == 0xfc;
}

bool hp_firewall_addresses_pass(const hp_firewall *fw, unsigned side, const hp_packet *p, hp_firewall_verdict *v)
{
    bool any, within;

    if (hp_addr_is_multicast(&p->src)) {
        return refuse(v, HP_DROP_BAD_SOURCE, HP_REFUSE_SILENTLY, "a multicast source");
    }
    if (hp_addr_is_unspecified(&p->src) || hp_addr_is_link_local(&p->src)) {
        return refuse(v, HP_DROP_BAD_SOURCE, HP_REFUSE_SILENTLY, "a source that means nothing on another link");
    }
    if (hp_addr_is_link_local(&p->dst)) {
        return refuse(v, HP_DROP_FIREWALL_POLICY, HP_REFUSE_SILENTLY,
                      "a destination that means nothing on another link");
    }
    if (hp_addr_is_multicast(&p->dst) && stays_within(&p->dst)) {
        return refuse(v, HP_DROP_FIREWALL_POLICY, HP_REFUSE_SILENTLY, "a multicast that stays within the organisation");
    }
    if (fw->config.blocks_unique_local && (is_unique_local(&p->src) || is_unique_local(&p->dst))) {
        return refuse(v, HP_DROP_FIREWALL_POLICY, HP_REFUSE_SILENTLY, "a unique local address");
    }
    within = is_inside(fw, &p->src, &any);
    if (any && within != (side == HP_FIREWALL_INSIDE)) {
        return refuse(v, HP_DROP_BAD_SOURCE, HP_REFUSE_SILENTLY,
                      within ? "an inside address as a source outside" : "a source that is not of the inside");
    }
    return true;
}
