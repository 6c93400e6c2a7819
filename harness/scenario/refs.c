/* Names: each is given once, and whatever refers to one must find it.
 *
 * Peers, servers, NATs, firewalls and LANs share one space of names, because a capture shows them side by side and
 * `set-link: {of}` may mean any of them; `internet` is taken. Names that refer are gathered while the structs are
 * filled and looked up at the end, when all that can be named is known. Places (`at:` in expectations) are not looked
 * up here: which taps and links there are is known to the plan alone. */
#include <string.h>

#include "scenario/loader.h"

/* What a name stands for. */
enum {
    IS_PEER = 1,
    IS_NAT = 2,
    IS_SERVER = 4,
    IS_TURN = 8,
    IS_LAN = 16,
    IS_INTERNET = 32,
    IS_STUN = 64, /* what clients of STUN may ask: TURN servers too */
    IS_DNS = 128,
    IS_FIREWALL = 256,
    IS_RULE = 512, /* in a space of its own */
    IS_AGENT = 1024, /* and IS_PEER */
};

typedef struct book {
    GHashTable *names; /* name to the bits above; looked up, never walked */
    GPtrArray *order; /* the same names in file order, for suggestions */
    GHashTable *steps;
    GPtrArray *step_order;
    GHashTable *rules;
    GPtrArray *rule_order;
} book;

static void note(hp_loader *l, book *b, const char *name, int bits, hp_mark mark)
{
    int before = GPOINTER_TO_INT(g_hash_table_lookup(b->names, name));

    if (before != 0) {
        hp_load_report(l->load, HP_SEVERITY_ERROR, mark.line, mark.column,
                       "peers, servers, NATs, firewalls and LANs share one space of names",
                       before == IS_INTERNET ? "the name `%s` is taken" : "the name `%s` is given twice", name);
        return;
    }
    g_hash_table_insert(b->names, (void *)name, GINT_TO_POINTER(bits));
    g_ptr_array_add(b->order, (void *)name);
}

static int bits_of_server(hp_server_kind kind)
{
    switch (kind) {
    case HP_SERVER_STUN:
        return IS_SERVER | IS_STUN;
    case HP_SERVER_TURN:
        return IS_SERVER | IS_STUN | IS_TURN;
    case HP_SERVER_DNS:
        return IS_SERVER | IS_DNS;
    case HP_SERVER_WEB:
    case HP_SERVER_OTHER:
        return IS_SERVER;
    }
    return IS_SERVER;
}

static void note_names(hp_loader *l, book *b)
{
    const hp_scenario *s = &l->root->scenario;

    note(l, b, "internet", IS_INTERNET, (hp_mark){0});
    for (unsigned i = 0; i < s->n_lans; i++) {
        note(l, b, s->lans[i].name, IS_LAN, s->lans[i].mark);
    }
    for (unsigned i = 0; i < s->n_nats; i++) {
        note(l, b, s->nats[i].name, IS_NAT, s->nats[i].mark);
    }
    for (unsigned i = 0; i < s->n_firewalls; i++) {
        note(l, b, s->firewalls[i].name, IS_FIREWALL, s->firewalls[i].mark);
    }
    for (unsigned i = 0; i < s->n_servers; i++) {
        note(l, b, s->servers[i].name, bits_of_server(s->servers[i].config.kind), s->servers[i].mark);
    }
    for (unsigned i = 0; i < s->n_peers; i++) {
        note(l, b, s->peers[i].name, IS_PEER | (s->peers[i].is_raw ? 0 : IS_AGENT), s->peers[i].mark);
    }
}

/* Labels of rules are no names of places. */
static void note_rules(hp_loader *l, book *b)
{
    const hp_scenario *s = &l->root->scenario;

    for (unsigned i = 0; i < s->n_rules; i++) {
        const char *label = s->rules[i].rule.label;
        if (label != NULL && !g_hash_table_add(b->rules, (void *)label)) {
            hp_load_report(l->load, HP_SEVERITY_ERROR, s->rules[i].mark.line, s->rules[i].mark.column, NULL,
                           "two rules have the label `%s`", label);
        } else if (label != NULL) {
            g_ptr_array_add(b->rule_order, (void *)label);
        }
    }
}

static void note_step(book *b, const char *name)
{
    if (name != NULL && g_hash_table_add(b->steps, (void *)name)) {
        g_ptr_array_add(b->step_order, (void *)name);
    }
}

static void note_steps(hp_loader *l, book *b)
{
    const hp_scenario *s = &l->root->scenario;

    for (unsigned i = 0; i < s->n_steps; i++) {
        const char *label = s->steps[i].label;
        if (label != NULL && g_hash_table_contains(b->steps, label)) {
            hp_load_report(l->load, HP_SEVERITY_ERROR, s->steps[i].mark.line, s->steps[i].mark.column, NULL,
                           "the label `%s` is given twice", label);
        }
        note_step(b, label);
    }
    for (unsigned i = 0; i < s->n_steps; i++) {
        note_step(b, hp_step_name(&s->steps[i]));
    }
}

typedef struct ref_kind {
    int bits;
    const char *what; /* "no ... is called" */
} ref_kind;

static ref_kind kind_of(hp_ref ref)
{
    switch (ref) {
    case HP_REF_PEER:
        return (ref_kind){IS_PEER, "peer"};
    case HP_REF_AGENT:
        return (ref_kind){IS_AGENT, "peer"};
    case HP_REF_ENDPOINT:
        return (ref_kind){IS_PEER | IS_SERVER, "peer or server"};
    case HP_REF_NAT:
        return (ref_kind){IS_NAT, "NAT"};
    case HP_REF_SERVER:
        return (ref_kind){IS_SERVER, "server"};
    case HP_REF_STUN:
        return (ref_kind){IS_STUN, "server"};
    case HP_REF_TURN:
        return (ref_kind){IS_TURN, "TURN server"};
    case HP_REF_DNS:
        return (ref_kind){IS_DNS, "DNS server"};
    case HP_REF_RENUMBERED:
        return (ref_kind){IS_NAT | IS_SERVER, "NAT or server"};
    case HP_REF_ZONE:
        return (ref_kind){IS_INTERNET | IS_LAN | IS_NAT | IS_FIREWALL,
                          "network (internet, a LAN, a NAT or a firewall)"};
    case HP_REF_LINK:
        return (ref_kind){IS_INTERNET | IS_LAN | IS_NAT | IS_FIREWALL | IS_SERVER | IS_PEER, "peer, server or network"};
    case HP_REF_REBOOT:
        return (ref_kind){IS_NAT | IS_FIREWALL, "NAT or firewall"};
    case HP_REF_FIREWALLED:
        return (ref_kind){IS_FIREWALL | IS_NAT | IS_SERVER | IS_PEER, "firewall, NAT, peer or server"};
    case HP_REF_RULE:
        return (ref_kind){IS_RULE, "rule"};
    case HP_REF_STEP:
    case HP_REF_NONE:
    case HP_REF_PLACE:
    case HP_REF_DOMAIN:
    case HP_REF_N:
        break;
    }
    return (ref_kind){0, "step"};
}

static void check(hp_loader *l, const book *b, const hp_named_ref *ref)
{
    ref_kind kind = kind_of(ref->kind);
    int bits = GPOINTER_TO_INT(g_hash_table_lookup(b->names, ref->name));
    g_autoptr(GPtrArray) fit = g_ptr_array_new();

    if (ref->kind == HP_REF_STEP   ? g_hash_table_contains(b->steps, ref->name)
        : ref->kind == HP_REF_RULE ? g_hash_table_contains(b->rules, ref->name)
                                   : (bits & kind.bits) != 0) {
        return;
    }
    for (unsigned i = 0; ref->kind != HP_REF_STEP && i < b->order->len; i++) {
        const char *name = g_ptr_array_index(b->order, i);
        if ((GPOINTER_TO_INT(g_hash_table_lookup(b->names, name)) & kind.bits) != 0) {
            g_ptr_array_add(fit, (void *)name);
        }
    }
    const GPtrArray *candidates = ref->kind == HP_REF_STEP   ? b->step_order
                                  : ref->kind == HP_REF_RULE ? b->rule_order
                                                             : fit;
    g_autofree char *hint = hp_loader_nearest(ref->name, (const char *const *)candidates->pdata, candidates->len);
    if (ref->kind == HP_REF_TURN && (bits & IS_SERVER) != 0) {
        hp_loader_error(l, ref->at, hint, "server `%s` is not of kind turn", ref->name);
    } else if (ref->kind == HP_REF_DNS && (bits & IS_SERVER) != 0) {
        hp_loader_error(l, ref->at, hint, "server `%s` is not of kind dns", ref->name);
    } else if (ref->kind == HP_REF_STUN && (bits & IS_SERVER) != 0) {
        hp_loader_error(l, ref->at, hint, "server `%s` is %s", ref->name,
                        (bits & IS_DNS) != 0 ? "of kind dns" : "no STUN server");
    } else if (ref->kind == HP_REF_RULE) {
        hp_loader_error(l, ref->at, hint, "no rule has the label `%s`", ref->name);
    } else if (ref->kind == HP_REF_AGENT && (bits & IS_PEER) != 0) {
        hp_loader_error(l, ref->at, "its `script` says what it does", "peer `%s` is raw: it has no ICE agent",
                        ref->name);
    } else if (ref->kind == HP_REF_STEP) {
        hp_loader_error(l, ref->at, hint, "no step has the label or action `%s`", ref->name);
    } else {
        hp_loader_error(l, ref->at, hint, "no %s is called `%s`", kind.what, ref->name);
    }
}

/* A user that the server does not know can only be meant when the password is made up as well. */
static void check_user(hp_loader *l, const hp_sc_peer *peer, const char *server_name)
{
    const hp_scenario *s = &l->root->scenario;

    for (unsigned i = 0; i < s->n_servers; i++) {
        const hp_server_config *config = &s->servers[i].config;
        bool found = strcmp(s->servers[i].name, server_name) != 0;
        for (unsigned j = 0; j < config->n_users && !found; j++) {
            found = strcmp(config->users[j].name, peer->ice.turn_user) == 0;
        }
        if (!found) {
            hp_load_report(l->load, HP_SEVERITY_ERROR, peer->mark.line, peer->mark.column,
                           "give `turn-password` too, if it is meant to fail",
                           "peer `%s`: server `%s` has no user `%s`", peer->name, server_name, peer->ice.turn_user);
        }
    }
}

void hp_loader_check_refs(hp_loader *l)
{
    const hp_scenario *s = &l->root->scenario;
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) steps = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) rules = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GPtrArray) order = g_ptr_array_new(), step_order = g_ptr_array_new(), rule_order = g_ptr_array_new();
    book b = {names, order, steps, step_order, rules, rule_order};

    note_names(l, &b);
    note_steps(l, &b);
    note_rules(l, &b);
    for (unsigned i = 0; i < l->refs->len && !hp_load_is_hopeless(l->load); i++) {
        check(l, &b, &g_array_index(l->refs, hp_named_ref, i));
    }
    for (unsigned i = 0; i < s->n_peers; i++) {
        const hp_ice_config *ice = &s->peers[i].ice;
        for (char **turn = ice->turn; ice->turn_user != NULL && ice->turn_password == NULL && turn && *turn; turn++) {
            check_user(l, &s->peers[i], *turn);
        }
    }
}

static const hp_sc_peer *find_peer(const hp_loader *l, const char *name)
{
    const hp_scenario *s = &l->root->scenario;
    for (unsigned i = 0; name != NULL && i < s->n_peers; i++) {
        if (strcmp(s->peers[i].name, name) == 0) {
            return &s->peers[i];
        }
    }
    return NULL;
}

void hp_loader_check_interface(hp_loader *l, const char *peer_name, const char *interface, const hp_tree *at)
{
    const hp_sc_peer *peer = find_peer(l, peer_name);
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    if (interface == NULL || peer_name == NULL) {
        return;
    }
    for (unsigned i = 0; peer != NULL && i < peer->n_interfaces; i++) {
        if (g_strcmp0(peer->interfaces[i].name, interface) == 0) {
            return;
        }
        if (peer->interfaces[i].name != NULL) {
            g_ptr_array_add(names, peer->interfaces[i].name);
        }
    }
    g_autofree char *hint = hp_loader_nearest(interface, (const char *const *)names->pdata, names->len);
    hp_loader_error(l, at, hint, "`%s` has no interface `%s`", peer_name, interface);
}

bool hp_loader_find_link(const hp_loader *l, const char *of, const char *interface, hp_sc_link *ret, bool *ret_single)
{
    const hp_scenario *s = &l->root->scenario;
    const hp_sc_peer *peer = find_peer(l, of);

    *ret_single = false;
    if (strcmp(of, "internet") == 0) {
        *ret = (hp_sc_link){s->internet, s->internet};
        *ret_single = true;
        return true;
    }
    for (unsigned i = 0; peer != NULL && i < peer->n_interfaces; i++) {
        if (interface == NULL || g_strcmp0(peer->interfaces[i].name, interface) == 0) {
            *ret = peer->interfaces[i].link;
            return true;
        }
    }
    for (unsigned i = 0; i < s->n_nats; i++) {
        if (strcmp(s->nats[i].name, of) == 0) {
            *ret = s->nats[i].link;
            return true;
        }
    }
    for (unsigned i = 0; i < s->n_servers; i++) {
        if (strcmp(s->servers[i].name, of) == 0) {
            *ret = s->servers[i].link;
            return true;
        }
    }
    for (unsigned i = 0; i < s->n_firewalls; i++) {
        if (strcmp(s->firewalls[i].name, of) == 0) {
            *ret = s->firewalls[i].link;
            return true;
        }
    }
    for (unsigned i = 0; i < s->n_lans; i++) {
        if (strcmp(s->lans[i].name, of) == 0) {
            *ret = (hp_sc_link){s->lans[i].link, s->lans[i].link};
            *ret_single = true;
            return true;
        }
    }
    return false;
}
