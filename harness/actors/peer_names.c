/* Names in a session: those of its STUN and TURN servers, and those in remote candidates.
 *
 * Servers. A peer with a resolver knows its servers by name alone. libnice must never see a name (it would start
 * threads to resolve it), so gathering waits until every name was looked for; the description does not. libnice is then
 * told of the servers that have an address, and gathers without the others. What was found is the session's: an ICE
 * restart keeps it, as libnice keeps its candidates; a new session asks again, and the resolver's cache may answer.
 *
 * Remote candidates. A candidate whose address is a name under .local (draft-ietf-mmusic-mdns-ice-candidates section
 * 3.2.1) waits for that name, and is handed to libnice with its address, or thrown away: the other side's checks will
 * show it as peer reflexive then. What a description ends in (end-of-candidates) waits for the names before it, or
 * libnice would fail a component that has candidates still to come. A name whose description was replaced meanwhile is
 * stale. */
#include <string.h>

#include "actors/peer_private.h"

/* ---- servers ---- */

/* A name under way; a server may be STUN and TURN server at once, and is asked for once. */
struct hp_session_host {
    hp_session *session;
    const char *host;
    uint64_t lookup; /* 0: ended */
};

static void use_address(hp_session *session, const char *host, const hp_resolved *resolved)
{
    const hp_peer *peer = session->peer;
    const char *outcome = resolved->address.family != HP_AF_NONE ? "found" : "failed";
    bool told = false;
    if (g_strcmp0(peer->config.stun_host, host) == 0 && resolved->address.family != HP_AF_NONE) {
        session->stun = hp_addr_with_port(resolved->address, peer->config.stun.port);
    }
    for (unsigned i = 0; i < peer->config.n_turn; i++) {
        if (g_strcmp0(peer->turn[i].host, host) == 0 && resolved->address.family != HP_AF_NONE) {
            const hp_addr server = hp_addr_with_port(resolved->address, peer->turn[i].addr.port);
            if (hp_peer_lead_tunnel(peer, i, &server)) {
                session->turn[i] = server;
            }
        }
    }
    for (unsigned i = 0; i < peer->config.n_turn + 1 && !told; i++) {
        const char *its = i < peer->config.n_turn ? peer->turn[i].host : peer->config.stun_host;
        const char *name = i < peer->config.n_turn ? peer->turn[i].name : peer->config.stun_name;
        if (g_strcmp0(its, host) == 0) {
            HP_PEER_TRACE(peer, HP_EV_DNS_RESOLVED, HP_FU("session", session->number), HP_FS("server", name),
                          HP_FS("name", host), HP_FA("address", resolved->address), HP_FS("outcome", outcome),
                          HP_FT("took", resolved->took));
            told = true;
        }
    }
}

static bool is_resolving(const hp_session *session)
{
    for (unsigned i = 0; i < session->hosts->len; i++) {
        if (((const hp_session_host *)session->hosts->pdata[i])->lookup != 0) {
            return true;
        }
    }
    return false;
}

static void on_resolved(void *user, const hp_resolved *resolved)
{
    hp_session_host *host = user;
    hp_session *session = host->session;
    host->lookup = 0;
    use_address(session, host->host, resolved);
    if (!is_resolving(session)) {
        hp_session_servers_known(session);
    }
}

static void look_for(hp_session *session, const char *name)
{
    for (unsigned i = 0; i < session->hosts->len; i++) {
        if (strcmp(((const hp_session_host *)session->hosts->pdata[i])->host, name) == 0) {
            return;
        }
    }
    hp_session_host *host = g_new0(hp_session_host, 1);
    host->session = session;
    host->host = name;
    host->lookup = hp_resolver_lookup(session->peer->resolver, name, on_resolved, host);
    g_ptr_array_add(session->hosts, host);
}

bool hp_session_find_servers(hp_session *session)
{
    const hp_peer *peer = session->peer;
    if (peer->resolver == NULL) {
        return false;
    }
    if (peer->config.stun_host != NULL) {
        look_for(session, peer->config.stun_host);
    }
    for (unsigned i = 0; i < peer->config.n_turn; i++) {
        look_for(session, peer->turn[i].host);
    }
    return is_resolving(session);
}

/* ---- names of candidates ---- */

/* Fields of "candidate:FOUNDATION COMPONENT TRANSPORT PRIORITY ADDRESS PORT typ TYPE ..." (RFC 8839 section 5.1). */
enum { ADDRESS = 4, TYPE = 7, EXTENSIONS = 8 };

char *hp_session_hide_candidate(const hp_session *session, const NiceCandidate *candidate, const char *text)
{
    const hp_peer *peer = session->peer;
    g_auto(GStrv) fields = g_strsplit(text, " ", -1);
    unsigned n = g_strv_length(fields);
    hp_addr own = hp_peer_from_nice(&candidate->addr);
    if (peer->mdns == NULL || !peer->config.hides_addresses || n < EXTENSIONS) {
        return g_strdup(text);
    }
    if (candidate->type == NICE_CANDIDATE_TYPE_HOST) {
        const char *name = hp_mdns_host_name_of(peer->mdns, &own);
        if (name != NULL) {
            g_free(fields[ADDRESS]);
            fields[ADDRESS] = g_strdup(name);
        }
    }
    for (unsigned i = EXTENSIONS; i + 1 < n; i += 2) {
        hp_addr related = {0};
        bool raddr = strcmp(fields[i], "raddr") == 0 && hp_addr_parse(fields[i + 1], &related);
        /* A relayed candidate's ought to be the mapped address; libnice 0.1.21 gives the host's own. */
        if (raddr && hp_host_interface_of(peer->host, &related) >= 0) {
            g_free(fields[i + 1]);
            fields[i + 1] = g_strdup(related.family == HP_AF_IPV6 ? "::" : "0.0.0.0");
            if (i + 3 < n && strcmp(fields[i + 2], "rport") == 0) {
                g_free(fields[i + 3]);
                fields[i + 3] = g_strdup("9");
            }
        }
    }
    return g_strjoinv(" ", fields);
}

struct hp_session_name {
    hp_session *session;
    unsigned stream;
    char *text; /* the candidate */
    char *ufrag; /* of the remote description it belongs to */
    uint64_t lookup;
};

static void name_free(void *data)
{
    hp_session_name *name = data;
    g_free(name->text);
    g_free(name->ufrag);
    g_free(name);
}

/* The address of a candidate when it is a name under .local; caller frees. */
static char *local_name(const char *text)
{
    g_auto(GStrv) fields = g_strsplit(text, " ", -1);
    unsigned n = g_strv_length(fields);
    const char *suffix = n > ADDRESS ? strrchr(fields[ADDRESS], '.') : NULL;
    return suffix != NULL && g_ascii_strcasecmp(suffix, ".local") == 0 ? g_strdup(fields[ADDRESS]) : NULL;
}

static void trace_failed(const hp_session *session, const char *name, const char *reason, unsigned sent, hp_time took)
{
    HP_PEER_TRACE(session->peer, HP_EV_MDNS_FAILED, HP_FU("session", session->number), HP_FS("name", name),
                  HP_FS("reason", reason), HP_FU("sent", sent), HP_FT("took", took));
}

static char *with_address(const char *text, const hp_addr *address)
{
    char ip[HP_ADDR_TEXT];
    g_auto(GStrv) fields = g_strsplit(text, " ", -1);
    g_free(fields[ADDRESS]);
    fields[ADDRESS] = g_strdup(hp_addr_format_ip(address, ip));
    return g_strjoinv(" ", fields);
}

static void on_found(void *user, const hp_mdns_found *found)
{
    hp_session_name *name = user;
    hp_session *session = name->session;
    g_autoptr(GPtrArray) gone = g_ptr_array_new_with_free_func(name_free);
    guint at;
    if (g_ptr_array_find(session->names, name, &at)) {
        g_ptr_array_add(gone, g_ptr_array_steal_index(session->names, at));
    }
    const char *ufrag = session->remote_ufrags ? session->remote_ufrags[name->stream - 1] : NULL;
    if (g_strcmp0(ufrag, name->ufrag) != 0) {
        trace_failed(session, found->name, "stale", found->sent, found->took);
    } else if (found->status != HP_MDNS_FOUND) {
        trace_failed(session, found->name, hp_mdns_status_name(found->status), found->sent, found->took);
    } else if (!hp_host_has_family(session->peer->host, found->address.family)) {
        trace_failed(session, found->name, "family", found->sent, found->took);
    } else {
        HP_PEER_TRACE(session->peer, HP_EV_MDNS_RESOLVED, HP_FU("session", session->number), HP_FS("name", found->name),
                      HP_FA("address", found->address), HP_FU("sent", found->sent), HP_FT("took", found->took));
        g_autofree char *text = with_address(name->text, &found->address);
        hp_session_add_remote(session, name->stream, text);
    }
    if (session->names->len == 0 && session->remote_done_waits) {
        session->remote_done_waits = false;
        hp_session_remote_done(session);
    }
}

bool hp_session_take_name(hp_session *session, unsigned stream, const char *candidate)
{
    hp_peer *peer = session->peer;
    g_autofree char *host = local_name(candidate);
    if (host == NULL) {
        return false;
    }
    if (peer->mdns == NULL) {
        trace_failed(session, host, "unsupported", 0, 0);
        return true;
    }
    hp_session_name *name = g_new0(hp_session_name, 1);
    name->session = session;
    name->stream = stream;
    name->text = g_strdup(candidate);
    name->ufrag = g_strdup(session->remote_ufrags ? session->remote_ufrags[stream - 1] : NULL);
    name->lookup = hp_mdns_host_lookup(peer->mdns, host, on_found, name);
    if (name->lookup == 0) { /* a name that is none, or a host without an interface that is up */
        trace_failed(session, host, "nothing", 0, 0);
        name_free(name);
        return true;
    }
    g_ptr_array_add(session->names, name);
    return true;
}

/* ---- life ---- */

void hp_session_init_names(hp_session *session)
{
    const hp_peer *peer = session->peer;
    session->hosts = g_ptr_array_new_with_free_func(g_free);
    session->names = g_ptr_array_new_with_free_func(name_free);
    session->turn = g_new0(hp_addr, MAX(peer->config.n_turn, 1));
    if (peer->resolver == NULL) {
        session->stun = peer->config.stun;
        for (unsigned i = 0; i < peer->config.n_turn; i++) {
            session->turn[i] = peer->turn[i].addr;
        }
    }
}

void hp_session_forget_names(hp_session *session)
{
    for (unsigned i = 0; i < session->hosts->len; i++) {
        hp_session_host *host = session->hosts->pdata[i];
        if (host->lookup != 0) {
            hp_resolver_cancel(session->peer->resolver, host->lookup);
            host->lookup = 0;
        }
    }
    for (unsigned i = 0; i < session->names->len; i++) {
        hp_mdns_host_cancel(session->peer->mdns, ((const hp_session_name *)session->names->pdata[i])->lookup);
    }
    g_ptr_array_set_size(session->names, 0);
    session->remote_done_waits = false;
}

void hp_session_free_names(hp_session *session)
{
    hp_session_forget_names(session);
    g_ptr_array_unref(session->hosts);
    g_ptr_array_unref(session->names);
    g_free(session->turn);
}
