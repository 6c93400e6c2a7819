/* Raw peers as a whole: what is said in one place of a script must fit what is said in another.
 *
 * Sockets, scripts and messages that are named must be there; scripts may not call each other in a circle; a variable
 * must be one that something gives a value to, be it later than where it stands: the order of what is done in parallel
 * is known to the run alone. Whoever has a script is expected to carry it out, unless an expectation says more of
 * it. */
#include <string.h>

#include "scenario/loader.h"

enum { MAX_RANDOM = 1024 };

char *hp_loader_template(hp_loader *l, const hp_tree *node, hp_ref ref)
{
    hp_addr addr;
    char *text = hp_arena_text(l->arena, node->text);
    hp_template_ref template = {.at = node, .text = text};
    g_array_append_val(l->templates, template);
    if (strstr(text, "${") == NULL && ref == HP_REF_ENDPOINT && !hp_addr_parse(text, &addr)) {
        hp_named_ref named = {ref, text, node};
        g_array_append_val(l->refs, named);
    }
    return text;
}

/* ---- names within a peer ---- */

typedef struct walk {
    hp_loader *l;
    hp_raw_config *raw;
    const hp_sc_peer *peer;
} walk;

static void complain(const walk *w, hp_mark mark, const char *hint, const char *format, const char *name)
{
    g_autofree char *message = g_strdup_printf("%s `%s`", format, name);
    hp_load_report(w->l->load, HP_SEVERITY_ERROR, mark.line, mark.column, hint, "%s", message);
}

static const hp_raw_socket *find_socket(const hp_raw_config *raw, const char *name)
{
    for (unsigned i = 0; i < raw->n_sockets; i++) {
        if (strcmp(raw->sockets[i].name, name) == 0) {
            return &raw->sockets[i];
        }
    }
    return NULL;
}

static void check_socket(const walk *w, const char *name, hp_mark mark)
{
    if (name == NULL || strcmp(name, "main") == 0 || find_socket(w->raw, name) != NULL) {
        return;
    }
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_ptr_array_add(names, (void *)"main");
    for (unsigned i = 0; i < w->raw->n_sockets; i++) {
        g_ptr_array_add(names, w->raw->sockets[i].name);
    }
    g_autofree char *hint = hp_loader_nearest(name, (const char *const *)names->pdata, names->len);
    complain(w, mark, hint, "there is no socket", name);
}

static const hp_raw_script *find_script(const hp_raw_config *raw, const char *name)
{
    for (unsigned i = 0; i < raw->n_scripts; i++) {
        if (strcmp(raw->scripts[i].name, name) == 0) {
            return &raw->scripts[i];
        }
    }
    return NULL;
}

static void check_script(const walk *w, const char *name, hp_mark mark)
{
    if (name == NULL || find_script(w->raw, name) != NULL) {
        return;
    }
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (unsigned i = 0; i < w->raw->n_scripts; i++) {
        g_ptr_array_add(names, w->raw->scripts[i].name);
    }
    g_autofree char *hint = hp_loader_nearest(name, (const char *const *)names->pdata, names->len);
    complain(w, mark, hint, "there is no script", name);
}

/* Calls f for every action of every script. */
static void each_action(const walk *w, void (*f)(const walk *w, const hp_raw_action *action, void *user), void *user)
{
    for (unsigned s = 0; s <= w->raw->n_scripts; s++) {
        const hp_raw_script *script = s == 0 ? &w->raw->script : &w->raw->scripts[s - 1];
        for (unsigned i = 0; i < script->n_actions; i++) {
            f(w, &script->actions[i], user);
        }
    }
}

static void note_sent(const walk *w, const hp_raw_action *action, void *sent)
{
    if (action->kind == HP_RAW_SEND && action->send.as != NULL) {
        g_ptr_array_add(sent, action->send.as);
    }
}

static void check_sent(const walk *w, const GPtrArray *sent, const char *name, hp_mark mark)
{
    if (name == NULL || g_ptr_array_find_with_equal_func((GPtrArray *)sent, name, g_str_equal, NULL)) {
        return;
    }
    g_autofree char *hint = hp_loader_nearest(name, (const char *const *)sent->pdata, sent->len);
    complain(w, mark, hint, "nothing is sent `as`", name);
}

static bool is_stream(const hp_raw_config *raw, const char *name)
{
    const hp_raw_socket *s = find_socket(raw, name);
    return s != NULL && (s->transport == HP_RAW_OVER_TCP || s->transport == HP_RAW_OVER_TLS);
}

static void check_send(const walk *w, const hp_raw_action *action)
{
    const hp_raw_send *send = &action->send;
    bool stream = is_stream(w->raw, send->socket);
    check_socket(w, send->socket, action->mark);
    if (!stream && (send->n_segments > 0 || send->gap > 0)) {
        complain(w, action->mark, NULL, "`segments` and `gap` are of TCP, and not of socket", send->socket);
    }
    if (stream && send->retransmit.on) {
        complain(w, action->mark, NULL, "TCP retransmits by itself at socket", send->socket);
    }
}

static void check_action(const walk *w, const hp_raw_action *action, void *sent)
{
    switch (action->kind) {
    case HP_RAW_SEND:
        check_send(w, action);
        check_sent(w, sent, action->send.message.again, action->mark);
        break;
    case HP_RAW_RECEIVE:
    case HP_RAW_RECEIVE_NOTHING:
        check_socket(w, action->receive.filter.socket, action->mark);
        check_sent(w, sent, action->receive.filter.answers, action->mark);
        break;
    case HP_RAW_OPEN:
    case HP_RAW_CLOSE:
    case HP_RAW_ABORT:
        check_socket(w, action->socket, action->mark);
        break;
    case HP_RAW_SECURE:
        check_socket(w, action->secure.socket, action->mark);
        if (!is_stream(w->raw, action->secure.socket) && action->secure.to == NULL && !action->secure.secure.passive) {
            complain(w, action->mark, NULL, "DTLS needs `to` at socket", action->secure.socket);
        }
        break;
    case HP_RAW_SIGNAL:
        for (unsigned i = 0; i < action->signal.description.n_candidates; i++) {
            check_socket(w, action->signal.description.candidates[i].socket, action->mark);
        }
        check_socket(w, action->signal.candidate.socket, action->mark);
        break;
    case HP_RAW_DO:
    case HP_RAW_START:
        check_script(w, action->run.script, action->mark);
        break;
    case HP_RAW_WAIT:
    case HP_RAW_WAIT_UNTIL:
    case HP_RAW_RECEIVE_SIGNAL:
    case HP_RAW_SET:
    case HP_RAW_ACTION_N:
        break;
    }
}

/* Adds to `seen` every script that `from` can come to carry out, each once. */
static void follow(const hp_raw_config *raw, const hp_raw_script *from, GPtrArray *seen)
{
    for (unsigned i = 0; i < from->n_actions; i++) {
        const hp_raw_action *action = &from->actions[i];
        bool runs = (action->kind == HP_RAW_DO || action->kind == HP_RAW_START) && action->run.script != NULL;
        const hp_raw_script *next = runs ? find_script(raw, action->run.script) : NULL;
        if (next != NULL && !g_ptr_array_find(seen, next, NULL)) {
            g_ptr_array_add(seen, (void *)next);
            follow(raw, next, seen);
        }
    }
}

static void check_circles(const walk *w)
{
    for (unsigned i = 0; i < w->raw->n_scripts; i++) {
        g_autoptr(GPtrArray) seen = g_ptr_array_new();
        follow(w->raw, &w->raw->scripts[i], seen);
        if (g_ptr_array_find(seen, &w->raw->scripts[i], NULL)) {
            complain(w, w->raw->scripts[i].mark, NULL, "this script comes round to itself:", w->raw->scripts[i].name);
            return;
        }
    }
}

static const char *first_given(const hp_tree *node, const char *const *keys)
{
    for (; *keys != NULL; keys++) {
        if (hp_tree_get(node, *keys) != NULL) {
            return *keys;
        }
    }
    return NULL;
}

/* The templates read since the last peer are this one's. */
static void claim_templates(hp_loader *l, hp_sc_peer *peer)
{
    unsigned n = 0;
    for (unsigned i = l->templates->len; i > 0; i--) {
        hp_template_ref *t = &g_array_index(l->templates, hp_template_ref, i - 1);
        if (t->peer != NULL) {
            break;
        }
        t->peer = peer->name;
        n++;
    }
    peer->raw.texts = hp_arena_alloc(l->arena, (n + 1) * sizeof *peer->raw.texts);
    for (unsigned i = 0; i < n; i++) {
        peer->raw.texts[i] = (char *)g_array_index(l->templates, hp_template_ref, l->templates->len - n + i).text;
    }
}

void hp_loader_finish_raw(hp_loader *l, hp_sc_peer *peer, const hp_tree *node)
{
    if (hp_loader_is_mistaken(l, node)) {
        return; /* what could not be read has nothing to compare */
    }
    static const char *const of_agents[] = {"ice", "client", "media", NULL};
    static const char *const of_raw[] = {"script", "scripts",  "sockets", "answers",     "start",
                                         "ufrag",  "password", "role",    "tie-breaker", NULL};
    const char *wrong = first_given(node, peer->is_raw ? of_agents : of_raw);
    g_autoptr(GPtrArray) sent = g_ptr_array_new();
    walk w = {l, &peer->raw, peer};

    claim_templates(l, peer);
    if (wrong != NULL) {
        hp_loader_error(l, hp_tree_get(node, wrong), NULL, "`%s` is for peers of kind %s", wrong,
                        peer->is_raw ? "agent" : "raw");
    }
    if (!peer->is_raw) {
        return;
    }
    hp_loader_check_tie_breaker(l, node);
    const hp_tree *script = hp_tree_get(node, "script");
    peer->raw.script.name = hp_arena_text(l->arena, "script");
    peer->raw.script.mark = script != NULL ? hp_loader_mark(l, script) : peer->mark;
    each_action(&w, note_sent, sent);
    each_action(&w, check_action, sent);
    check_circles(&w);
    for (unsigned i = 0; i < peer->raw.n_answers; i++) {
        check_socket(&w, peer->raw.answers[i].socket, peer->raw.answers[i].mark);
        check_sent(&w, sent, peer->raw.answers[i].message.again, peer->raw.answers[i].mark);
    }
    for (unsigned i = 0; i < peer->raw.n_sockets; i++) {
        const hp_raw_socket *s = &peer->raw.sockets[i];
        bool known = s->interface == NULL;
        for (unsigned k = 0; k < peer->n_interfaces && !known; k++) {
            known = g_strcmp0(peer->interfaces[k].name, s->interface) == 0;
        }
        if (!known) {
            complain(&w, s->mark, NULL, "the peer has no interface", s->interface);
        }
    }
}

/* ---- variables ---- */

typedef struct scope {
    const hp_scenario *scenario;
    const hp_raw_config *raw;
    GPtrArray *names; /* of variables, whole; literals and arena texts */
    GPtrArray *owned;
} scope;

static void add(scope *s, const char *name, const char *field)
{
    char *text = field != NULL ? g_strconcat(name, ".", field, NULL) : g_strdup(name);
    g_ptr_array_add(s->owned, text);
    g_ptr_array_add(s->names, text);
}

static void add_fields(scope *s, const char *name, const char *const *fields)
{
    for (; name != NULL && *fields != NULL; fields++) {
        add(s, name, *fields);
    }
}

static void note_variables(const walk *w, const hp_raw_action *action, void *user)
{
    static const char *const received[] = {"from", "id", "bytes", "cookie", NULL}, *const said[] = {"id", NULL};
    scope *s = user;
    if (action->kind == HP_RAW_SEND) {
        add_fields(s, action->send.as, said);
    } else if (action->kind == HP_RAW_RECEIVE) {
        add_fields(s, action->receive.as, received);
        for (unsigned i = 0; i < action->receive.n_keep; i++) {
            add(s, action->receive.keep[i], NULL);
        }
    } else if (action->kind == HP_RAW_SET) {
        for (unsigned i = 0; i < action->set.n; i++) {
            add(s, action->set.keys[i], NULL);
        }
    }
}

static void fill_scope(scope *s, hp_loader *l, hp_sc_peer *peer)
{
    static const char *const own[] = {"ufrag", "password", "tie-breaker", "address", "fingerprint", "main", NULL};
    static const char *const last[] = {"from", "id", "bytes", "cookie", NULL};
    static const char *const remote[] = {"ufrag", "password", "candidate", "name", NULL};
    static const char *const peers[] = {"ufrag", "password", "candidate", "address", "host", NULL};
    static const char *const servers[] = {"address", "host", NULL};
    walk w = {l, &peer->raw, peer};
    add(s, "realm", NULL);
    add(s, "nonce", NULL);
    add_fields(s, "self", own);
    add_fields(s, "last", last);
    add_fields(s, "remote", remote);
    for (unsigned i = 0; i < peer->raw.n_sockets; i++) {
        add(s, "self", peer->raw.sockets[i].name);
    }
    for (unsigned i = 0; i < s->scenario->n_peers; i++) {
        add_fields(s, s->scenario->peers[i].name, peers);
    }
    for (unsigned i = 0; i < s->scenario->n_servers; i++) {
        add_fields(s, s->scenario->servers[i].name, servers);
    }
    each_action(&w, note_variables, s);
}

static bool is_random(const char *name)
{
    guint64 n;
    return g_str_has_prefix(name, "random:") &&
           g_ascii_string_to_unsigned(name + strlen("random:"), 10, 1, MAX_RANDOM, &n, NULL);
}

static void check_template(hp_loader *l, const scope *s, const hp_template_ref *t)
{
    const char *p = t->text;
    while ((p = strchr(p, '$')) != NULL) {
        if (p[1] == '$') {
            p += 2;
            continue;
        }
        const char *end = p[1] == '{' ? strchr(p, '}') : NULL;
        if (end == NULL) {
            hp_loader_error(l, t->at, "a dollar sign by itself is `$$`", "a variable is written `${name}`");
            return;
        }
        g_autofree char *name = g_strndup(p + 2, (gsize)(end - p - 2));
        if (!is_random(name) && !g_ptr_array_find_with_equal_func(s->names, name, g_str_equal, NULL)) {
            g_autofree char *hint = hp_loader_nearest(name, (const char *const *)s->names->pdata, s->names->len);
            hp_loader_error(l, t->at, hint != NULL ? hint : "`keep` and `set` make variables",
                            "nothing gives `%s` a value", name);
        }
        p = end + 1;
    }
}

/* ---- expectations ---- */

static hp_sc_peer *find_peer(hp_scenario *scenario, const char *name)
{
    for (unsigned i = 0; i < scenario->n_peers; i++) {
        if (g_strcmp0(scenario->peers[i].name, name) == 0) {
            return &scenario->peers[i];
        }
    }
    return NULL;
}

static void must_be_raw(hp_loader *l, const char *name, hp_mark mark)
{
    const hp_sc_peer *peer = name != NULL ? find_peer(&l->root->scenario, name) : NULL;
    if (peer != NULL && (!peer->is_raw || peer->raw.script.n_actions == 0)) {
        hp_load_report(l->load, HP_SEVERITY_ERROR, mark.line, mark.column, NULL, "peer `%s` has no script", name);
    }
}

static bool is_expected(const hp_scenario *scenario, const char *peer)
{
    for (unsigned i = 0; i < scenario->n_expects; i++) {
        if (scenario->expects[i].kind == HP_EXPECT_SCRIPT && g_strcmp0(scenario->expects[i].script.peer, peer) == 0) {
            return true;
        }
    }
    return false;
}

static void expect_scripts(hp_loader *l)
{
    hp_scenario *s = &l->root->scenario;
    hp_expect *expects = hp_arena_alloc(l->arena, (s->n_expects + s->n_peers) * sizeof *expects);
    unsigned n = s->n_expects;
    if (n > 0) {
        memcpy(expects, s->expects, n * sizeof *expects);
    }
    for (unsigned i = 0; i < s->n_peers; i++) {
        const hp_sc_peer *peer = &s->peers[i];
        if (!peer->is_raw || peer->raw.script.n_actions == 0 || is_expected(s, peer->name)) {
            continue;
        }
        g_autofree char *text = g_strdup_printf("script: %s", peer->name);
        expects[n] = (hp_expect){.kind = HP_EXPECT_SCRIPT,
                                 .mark = peer->raw.script.mark,
                                 .text = hp_arena_text(l->arena, text),
                                 .window = {.before = HP_NEVER},
                                 .script = {.peer = peer->name}};
        n++;
    }
    s->expects = expects;
    s->n_expects = n;
}

void hp_loader_check_raw(hp_loader *l)
{
    hp_scenario *scenario = &l->root->scenario;
    for (unsigned i = 0; i < scenario->n_peers && !hp_load_is_hopeless(l->load); i++) {
        hp_sc_peer *peer = &scenario->peers[i];
        if (!peer->is_raw) {
            continue;
        }
        g_autoptr(GPtrArray) names = g_ptr_array_new(), owned = g_ptr_array_new_with_free_func(g_free);
        scope s = {scenario, &peer->raw, names, owned};
        fill_scope(&s, l, peer);
        for (unsigned k = 0; k < l->templates->len; k++) {
            const hp_template_ref *t = &g_array_index(l->templates, hp_template_ref, k);
            if (g_strcmp0(t->peer, peer->name) == 0) {
                check_template(l, &s, t);
            }
        }
    }
    for (unsigned i = 0; i < scenario->n_steps; i++) {
        if (scenario->steps[i].kind == HP_STEP_WAIT_FOR) {
            must_be_raw(l, scenario->steps[i].wait_for.script, scenario->steps[i].mark);
        }
    }
    for (unsigned i = 0; i < scenario->n_expects; i++) {
        if (scenario->expects[i].kind == HP_EXPECT_SCRIPT) {
            must_be_raw(l, scenario->expects[i].script.peer, scenario->expects[i].mark);
        }
    }
    expect_scripts(l);
}
