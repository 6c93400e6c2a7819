/* Signalling of a raw peer: what its script says becomes the clients' JSON (client_message.h), what comes becomes
 * variables.
 *
 * A description is one ICE stream without media, in the lines that plain calls of our peers have (actors/sdp_format.c),
 * written here line by line, so that any of them can be wrong or missing. An answer says which offer it is for, as our
 * clients do.
 *
 * A copy of its own message that the broker sends back is no news. A message that is none is passed over. */
#include <string.h>

#include "actors/client_message.h"
#include "actors/raw_private.h"
#include "actors/sdp.h"
#include "base/error.h"

/* ---- candidates ---- */

static const struct {
    const char *name;
    unsigned preference;
} types[] = {
    [HP_RAW_HOST] = {"host", 126},
    [HP_RAW_SRFLX] = {"srflx", 100},
    [HP_RAW_PRFLX] = {"prflx", 110},
    [HP_RAW_RELAY] = {"relay", 0},
};

/* RFC 8445 section 5.1.2.1, with the highest local preference. */
static uint32_t priority_of(const hp_raw_candidate *c)
{
    enum { LOCAL_PREFERENCE = 65535, COMPONENTS = 256 };
    return c->has_priority
               ? c->priority
               : types[c->type].preference << 24 | LOCAL_PREFERENCE << 8 | (COMPONENTS - MIN(c->component, COMPONENTS));
}

/* "candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host" */
static char *candidate_line(hp_raw_peer *peer, const hp_raw_candidate *c, GError **error)
{
    hp_addr base, at;
    char ip[HP_ADDR_TEXT], base_ip[HP_ADDR_TEXT], foundation[2] = {(char)('1' + c->type), '\0'};
    if (c->line != NULL) {
        return hp_raw_expand(peer->engine, c->line, error);
    }
    if (!hp_raw_local(peer->engine, c->socket, &base)) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "socket `%s` is not open", c->socket);
        return NULL;
    }
    at = base;
    if (c->address != NULL && !hp_raw_address(peer->engine, c->address, HP_RAW_OVER_UDP, &at, error)) {
        return NULL;
    }
    GString *out = g_string_new(NULL);
    g_string_append_printf(out, "candidate:%s %u %s %u %s %u typ %s",
                           c->foundation != NULL ? c->foundation : foundation, c->component,
                           c->transport != NULL ? c->transport : "udp", priority_of(c), hp_addr_format_ip(&at, ip),
                           at.port, types[c->type].name);
    if (c->type != HP_RAW_HOST) {
        g_string_append_printf(out, " raddr %s rport %u", hp_addr_format_ip(&base, base_ip), base.port);
    }
    if (c->tcptype != NULL) {
        g_string_append_printf(out, " tcptype %s", c->tcptype);
    }
    return g_string_free(out, FALSE);
}

/* ---- descriptions ---- */

/* Appends "prefix" and the template's text; a NULL template appends nothing. */
static bool append(hp_raw_peer *peer, GString *out, const char *prefix, const char *template, GError **error)
{
    if (template == NULL) {
        return true;
    }
    g_autofree char *text = hp_raw_expand(peer->engine, template, error);
    if (text != NULL) {
        g_string_append_printf(out, "%s%s\r\n", prefix, text);
    }
    return text != NULL;
}

static char *description_text(hp_raw_peer *peer, const hp_raw_description *d, GError **error)
{
    g_autoptr(GString) out = g_string_new(NULL);
    if (d->sdp != NULL) {
        return hp_raw_expand(peer->engine, d->sdp, error);
    }
    g_string_append(out, "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n");
    g_string_append(out, d->lite ? "a=ice-lite\r\n" : "");
    g_string_append(out, d->trickle ? "a=ice-options:trickle\r\n" : "");
    g_string_append(out, "m=application 9 udp octet-stream\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n");
    bool ok = append(peer, out, "a=ice-ufrag:", d->ufrag != NULL ? d->ufrag : "${self.ufrag}", error) &&
              append(peer, out, "a=ice-pwd:", d->password != NULL ? d->password : "${self.password}", error);
    g_string_append(out, "a=rtcp-mux\r\n");
    ok = ok && append(peer, out, "a=fingerprint:", d->fingerprint, error) &&
         append(peer, out, "a=setup:", d->setup, error);
    for (char **line = d->lines; ok && line != NULL && *line != NULL; line++) {
        ok = append(peer, out, "", *line, error);
    }
    for (unsigned i = 0; ok && i < d->n_candidates; i++) {
        g_autofree char *line = candidate_line(peer, &d->candidates[i], error);
        ok = line != NULL;
        if (ok) {
            g_string_append_printf(out, "a=%s\r\n", line);
        }
    }
    g_string_append(out, d->more ? "" : "a=end-of-candidates\r\n");
    return ok ? g_string_free(g_steal_pointer(&out), FALSE) : NULL;
}

/* ---- sending ---- */

static char *message_text(hp_raw_peer *peer, const hp_raw_signal *signal, GError **error)
{
    g_autofree char *sdp = NULL, *candidate = NULL, *ufrag = NULL;
    hp_client_message m = {
        .id = (char *)peer->name, .to = signal->to != NULL ? signal->to : peer->last_from, .line = -1};
    switch (signal->kind) {
    case HP_RAW_JSON:
        return hp_raw_expand(peer->engine, signal->json, error);
    case HP_RAW_OFFER:
    case HP_RAW_ANSWER:
        m.type = signal->kind == HP_RAW_OFFER ? HP_SIGNAL_OFFER : HP_SIGNAL_ANSWER;
        m.sdp = sdp = description_text(peer, &signal->description, error);
        m.answers = signal->kind == HP_RAW_ANSWER ? peer->offer_ufrag : NULL;
        return sdp != NULL ? hp_client_message_format(&m) : NULL;
    case HP_RAW_SIGNAL_CANDIDATE:
    case HP_RAW_SIGNAL_END:
        break;
    }
    m.type = HP_SIGNAL_CANDIDATE;
    if (signal->kind == HP_RAW_SIGNAL_CANDIDATE) {
        ufrag = hp_raw_expand(peer->engine, signal->ufrag != NULL ? signal->ufrag : "${self.ufrag}", error);
        candidate = ufrag != NULL ? candidate_line(peer, &signal->candidate, error) : NULL;
        if (candidate == NULL) {
            return NULL;
        }
        m.candidate = candidate;
        m.ufrag = ufrag;
        m.mid = (char *)"0";
        m.line = 0;
    }
    return hp_client_message_format(&m);
}

bool hp_raw_signal_send(void *user, hp_time now, const hp_raw_signal *signal, GError **error)
{
    hp_raw_peer *peer = user;
    if (peer->signaling == NULL || peer->finishing) {
        g_set_error_literal(error, HP_ERROR, HP_ERROR_INVALID, "there is no signalling");
        return false;
    }
    g_autofree char *json = message_text(peer, signal, error);
    if (json == NULL) {
        return false;
    }
    hp_signaling_send(peer->signaling, peer->client, json);
    return true;
}

/* ---- receiving ---- */

/* The address of "candidate:F C T P ADDRESS PORT typ ..."; false when it is none, or a name. */
static bool candidate_address(const char *line, hp_addr *ret)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    hp_addr addr;
    guint64 port;
    if (g_strv_length(words) < 8 || !hp_addr_parse(words[4], &addr) ||
        !g_ascii_string_to_unsigned(words[5], 10, 0, UINT16_MAX, &port, NULL)) {
        return false;
    }
    *ret = hp_addr_with_port(addr, (uint16_t)port);
    return true;
}

static void take_description(hp_raw_peer *peer, const char *from, const hp_client_message *m)
{
    g_autoptr(hp_sdp) sdp = m->sdp != NULL ? hp_sdp_parse(m->sdp, NULL) : NULL;
    const hp_sdp_stream *stream = sdp != NULL && sdp->streams->len > 0 ? sdp->streams->pdata[0] : NULL;
    hp_addr candidate = {0};
    for (guint i = 0; stream != NULL && i < stream->candidates->len; i++) {
        if (candidate_address(stream->candidates->pdata[i], &candidate)) {
            break;
        }
    }
    if (m->type == HP_SIGNAL_OFFER) {
        g_free(peer->offer_ufrag);
        peer->offer_ufrag = stream != NULL ? g_strdup(stream->ufrag) : NULL;
    }
    hp_raw_signal_input(peer->engine, hp_world_now(peer->world), from,
                        m->type == HP_SIGNAL_OFFER ? HP_RAW_OFFER : HP_RAW_ANSWER,
                        stream != NULL ? stream->ufrag : NULL, stream != NULL ? stream->password : NULL, &candidate);
}

static void on_signal(void *user, const char *from, bool own, uint64_t message, const char *json)
{
    hp_raw_peer *peer = user;
    g_autoptr(hp_client_message) m = own || peer->finishing ? NULL : hp_client_message_parse(json, NULL);
    if (m == NULL || (m->to != NULL && strcmp(m->to, peer->name) != 0)) {
        return;
    }
    g_free(peer->last_from);
    peer->last_from = g_strdup(from);
    if (m->type != HP_SIGNAL_CANDIDATE) {
        take_description(peer, from, m);
    } else {
        hp_addr candidate = {0};
        bool end = m->candidate == NULL || *m->candidate == '\0';
        if (!end) {
            candidate_address(m->candidate, &candidate);
        }
        hp_raw_signal_input(peer->engine, hp_world_now(peer->world), from,
                            end ? HP_RAW_SIGNAL_END : HP_RAW_SIGNAL_CANDIDATE, NULL, NULL, &candidate);
    }
    hp_raw_peer_settle(peer);
}

void hp_raw_signal_join(hp_raw_peer *peer)
{
    peer->client = hp_signaling_join(peer->signaling, peer->name, on_signal, peer);
}
