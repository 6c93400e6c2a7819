/* The shape of a session: how many ICE streams and components its agent has, and which m= lines stand in its
 * descriptions.
 *
 * The offer that begins a session settles it for good: an agent of libnice does not change its streams once they
 * gather. A later description of another shape does not fit the session (peer_negotiation.c says what becomes of it);
 * a section may be rejected in it, but not be missing. Sections of a BUNDLE group share a stream, so a candidate
 * message may name any of them; ours name the first (RFC 8839 section 4.2 counts m= lines, JSEP their mids).
 *
 * The media session knows audio, video and data, one of each at most, in this order, all in one group or none. An offer
 * of anything else is refused whole (unsupported-sections). */
#include <string.h>

#include "actors/peer_private.h"

static void line_clear(void *pointer)
{
    g_free(((hp_session_line *)pointer)->mid);
}

static GArray *new_lines(void)
{
    GArray *lines = g_array_new(FALSE, FALSE, sizeof(hp_session_line));
    g_array_set_clear_func(lines, line_clear);
    return lines;
}

static const hp_session_line *line_at(const hp_session *session, unsigned i)
{
    return &g_array_index(session->lines, hp_session_line, i);
}

static void add_line(GArray *lines, hp_sdp_kind kind, unsigned stream, const char *mid)
{
    g_autofree char *number = g_strdup_printf("%u", lines->len);
    hp_session_line line = {.kind = kind, .stream = stream, .mid = g_strdup(mid ? mid : number)};
    g_array_append_val(lines, line);
}

GArray *hp_session_lines_of_call(const hp_call_config *call)
{
    static const hp_sdp_kind kinds[HP_MEDIA_N_KINDS] = {
        [HP_MEDIA_AUDIO] = HP_SDP_AUDIO,
        [HP_MEDIA_VIDEO] = HP_SDP_VIDEO,
    };
    GArray *lines = new_lines();
    for (unsigned stream = 1; stream <= call->streams && !hp_call_has_media(call); stream++) {
        add_line(lines, HP_SDP_PLAIN, stream, NULL);
    }
    for (unsigned kind = 0; kind < HP_MEDIA_N_KINDS; kind++) {
        if (call->media[kind]) {
            add_line(lines, kinds[kind], call->bundle ? 1 : lines->len + 1, NULL);
        }
    }
    if (call->data) {
        add_line(lines, HP_SDP_DATA, call->bundle ? 1 : lines->len + 1, NULL);
    }
    return lines;
}

GArray *hp_session_lines_of_offer(const hp_sdp *sdp)
{
    GArray *lines = new_lines();
    const hp_sdp_section *section;
    unsigned stream;
    for (unsigned i = 0; (section = hp_sdp_section_at(sdp, i, &stream)); i++) {
        add_line(lines, section->kind, stream + 1, section->mid);
    }
    return lines;
}

bool hp_session_fits(const hp_session *session, const hp_sdp *sdp)
{
    if (sdp->streams->len != session->n_streams || hp_sdp_max_components(sdp) != session->n_components ||
        sdp->lines->len != session->lines->len) {
        return false;
    }
    for (unsigned i = 0; i < session->lines->len; i++) {
        unsigned stream;
        const hp_sdp_section *section = hp_sdp_section_at(sdp, i, &stream);
        if (section->kind != line_at(session, i)->kind || stream + 1 != line_at(session, i)->stream) {
            return false;
        }
    }
    return true;
}

const char *hp_session_mid(const hp_session *session, unsigned stream, unsigned *ret_line)
{
    for (unsigned i = 0; i < session->lines->len; i++) {
        if (line_at(session, i)->stream == stream) {
            if (ret_line) {
                *ret_line = i;
            }
            return line_at(session, i)->mid;
        }
    }
    return NULL;
}

/* A number past the last line is handed on as a stream past the last. */
static unsigned stream_of_line(const hp_session *session, guint64 line)
{
    return line < session->lines->len ? line_at(session, (unsigned)line)->stream
                                      : (unsigned)MIN(line, HP_SDP_MAX_STREAMS) + 1;
}

unsigned hp_session_stream_of(const hp_session *session, const hp_client_message *message)
{
    if (message->line >= 0) {
        return stream_of_line(session, (guint64)message->line);
    }
    for (unsigned i = 0; message->mid && i < session->lines->len; i++) {
        if (strcmp(line_at(session, i)->mid, message->mid) == 0) {
            return line_at(session, i)->stream;
        }
    }
    guint64 number;
    bool numeric = message->mid && g_ascii_string_to_unsigned(message->mid, 10, 0, G_MAXUINT32, &number, NULL);
    return numeric ? stream_of_line(session, number) : 1;
}

static bool same_lines(const GArray *a, const GArray *b)
{
    for (unsigned i = 0; i < a->len && i < b->len; i++) {
        const hp_session_line *one = &g_array_index(a, hp_session_line, i),
                              *other = &g_array_index(b, hp_session_line, i);
        if (one->kind != other->kind || one->stream != other->stream) {
            return false;
        }
    }
    return a->len == b->len;
}

const char *hp_peer_refusal(const hp_peer *peer, const hp_sdp *sdp)
{
    hp_call_config call;
    hp_sdp_call(sdp, &call);
    if (!hp_call_has_media(&call)) {
        return NULL;
    }
    if (!hp_peer_takes_media(peer)) {
        return "no-media";
    }
    unsigned streams, components;
    hp_media_shape(&call, &streams, &components);
    g_autoptr(GArray) usual = hp_session_lines_of_call(&call), offered = hp_session_lines_of_offer(sdp);
    bool usable = streams == call.streams && components == call.components && same_lines(usual, offered);
    return usable ? NULL : "unsupported-sections";
}
