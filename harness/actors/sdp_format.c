/* The writer of session descriptions (RFC 8866): one text for each description, lines in one fixed order.
 *
 * The first section of a stream that is in use carries the stream's candidates; the others of a BUNDLE group repeat the
 * credentials only, so that whoever knows nothing of BUNDLE still finds them (RFC 8843 section 7.1.3 leaves them out of
 * later descriptions, and readers must know both). All of a group stand at port 9 from the first offer on: there is no
 * second transport to fall back on, and who does not bundle cannot be called bundled. A rejected section keeps its
 * place in the description and nothing else (RFC 3264 section 6).
 *
 * The profile of audio and video follows from the keys: RTP/SAVPF with a=crypto (RFC 4568), else UDP/TLS/RTP/SAVPF
 * (RFC 5764 section 8). */
#include "actors/sdp.h"

#include <assert.h>

#include "actors/sdp_private.h"

static const char *const direction_names[] = {
    [HP_SDP_SENDRECV] = "sendrecv",
    [HP_SDP_SENDONLY] = "sendonly",
    [HP_SDP_RECVONLY] = "recvonly",
    [HP_SDP_INACTIVE] = "inactive",
};
static_assert(G_N_ELEMENTS(direction_names) == HP_SDP_INACTIVE + 1, "a name for each direction");

const char *hp_sdp_direction_name(hp_sdp_direction direction)
{
    return direction_names[direction];
}

/* ---- ICE ---- */

static void format_credentials(GString *out, const hp_sdp_stream *stream)
{
    g_string_append_printf(out, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\n", stream->ufrag, stream->password);
}

static void format_candidates(GString *out, const hp_sdp_stream *stream)
{
    for (unsigned i = 0; i < stream->candidates->len; i++) {
        g_string_append_printf(out, "a=%s\r\n", (const char *)stream->candidates->pdata[i]);
    }
    if (stream->end_of_candidates) {
        g_string_append(out, "a=end-of-candidates\r\n");
    }
}

static void format_plain(GString *out, const hp_sdp_stream *stream, const char *mid)
{
    g_string_append(out, "m=application 9 udp octet-stream\r\nc=IN IP4 0.0.0.0\r\n");
    g_string_append_printf(out, "a=mid:%s\r\n", mid);
    format_credentials(out, stream);
    if (stream->n_components == 1) {
        g_string_append(out, "a=rtcp-mux\r\n");
    } else if (stream->n_components == 2) {
        g_string_append(out, "a=rtcp:9\r\n");
    } else {
        g_string_append_printf(out, "a=x-hairpin-components:%u\r\n", stream->n_components);
    }
    format_candidates(out, stream);
}

/* ---- sections ---- */

static void format_m_line(GString *out, const hp_sdp_section *section)
{
    unsigned port = section->rejected ? 0 : 9;
    const char *profile = section->crypto->len ? "RTP/SAVPF" : "UDP/TLS/RTP/SAVPF";
    switch (section->kind) {
    case HP_SDP_PLAIN:
        g_string_append_printf(out, "m=application %u udp octet-stream", port);
        break;
    case HP_SDP_AUDIO:
    case HP_SDP_VIDEO:
        g_string_append_printf(out, "m=%s %u %s %u", section->kind == HP_SDP_AUDIO ? "audio" : "video", port, profile,
                               section->pt);
        if (section->rtx_pt) {
            g_string_append_printf(out, " %u", section->rtx_pt);
        }
        break;
    case HP_SDP_DATA:
        g_string_append_printf(out, "m=application %u UDP/DTLS/SCTP webrtc-datachannel", port);
        break;
    }
    g_string_append_printf(out, "\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\n", section->mid);
}

static void format_security(GString *out, const hp_sdp_section *section)
{
    for (unsigned i = 0; i < section->fingerprints->len; i++) {
        char text[HP_DTLS_FINGERPRINT_TEXT];
        hp_dtls_fingerprint_format(&g_array_index(section->fingerprints, hp_dtls_fingerprint, i), text);
        g_string_append_printf(out, "a=fingerprint:%s\r\n", text);
    }
    if (section->has_setup) {
        g_string_append_printf(out, "a=setup:%s\r\n", hp_dtls_setup_name(section->setup));
    }
    for (unsigned i = 0; i < section->crypto->len; i++) {
        const hp_sdp_crypto *crypto = section->crypto->pdata[i];
        g_string_append_printf(out, "a=crypto:%u %s %s\r\n", crypto->tag, crypto->suite, crypto->key);
    }
}

static void format_codec(GString *out, const hp_sdp_section *section)
{
    if (!section->codec) {
        return;
    }
    g_string_append_printf(out, "a=rtpmap:%u %s/%u", section->pt, section->codec, section->clock);
    if (section->channels > 1) {
        g_string_append_printf(out, "/%u", section->channels);
    }
    g_string_append(out, "\r\n");
    if (section->ptime > 0) {
        g_autofree char *fraction = g_strdup_printf(".%03u", (unsigned)(section->ptime % HP_MS / HP_US));
        g_string_append_printf(out, "a=ptime:%u%s\r\n", (unsigned)(section->ptime / HP_MS),
                               section->ptime % HP_MS > 0 ? fraction : "");
    }
    if (section->framerate > 0) {
        g_string_append_printf(out, "a=framerate:%u\r\n", section->framerate);
    }
    if (section->nack) {
        g_string_append_printf(out, "a=rtcp-fb:%u nack\r\n", section->pt);
    }
    if (section->pli) {
        g_string_append_printf(out, "a=rtcp-fb:%u nack pli\r\n", section->pt);
    }
    if (section->rtx_pt) {
        g_string_append_printf(out, "a=rtpmap:%u rtx/%u\r\na=fmtp:%u apt=%u\r\n", section->rtx_pt, section->clock,
                               section->rtx_pt, section->pt);
    }
}

static void format_source(GString *out, uint32_t ssrc, const char *cname)
{
    if (cname) {
        g_string_append_printf(out, "a=ssrc:%u cname:%s\r\n", ssrc, cname);
    } else { /* an attribute there must be: one that says nothing (RFC 8830 section 2, of no media stream) */
        g_string_append_printf(out, "a=ssrc:%u msid:-\r\n", ssrc);
    }
}

static void format_sources(GString *out, const hp_sdp_section *section)
{
    if (!section->has_ssrc) {
        return;
    }
    if (section->rtx_ssrc) {
        g_string_append_printf(out, "a=ssrc-group:FID %u %u\r\n", section->ssrc, section->rtx_ssrc);
    }
    format_source(out, section->ssrc, section->cname);
    if (section->rtx_ssrc) {
        format_source(out, section->rtx_ssrc, section->cname);
    }
}

static void format_track(GString *out, const hp_sdp_section *section)
{
    g_string_append_printf(out, "a=%s\r\n", hp_sdp_direction_name(section->direction));
    if (section->rtcp_rsize) {
        g_string_append(out, "a=rtcp-rsize\r\n");
    }
    format_codec(out, section);
    format_sources(out, section);
}

static void format_data(GString *out, const hp_sdp_section *section)
{
    if (section->sctp_port) {
        g_string_append_printf(out, "a=sctp-port:%u\r\n", section->sctp_port);
    }
    if (section->max_message_size) {
        g_string_append_printf(out, "a=max-message-size:%u\r\n", section->max_message_size);
    }
}

static void format_rtcp(GString *out, const hp_sdp_section *section)
{
    if (section->kind == HP_SDP_AUDIO || section->kind == HP_SDP_VIDEO) {
        g_string_append(out, section->rtcp_mux ? "a=rtcp-mux\r\n" : "a=rtcp:9 IN IP4 0.0.0.0\r\n");
    }
}

/* The first section that is in use, or NULL. */
static const hp_sdp_section *leader(const hp_sdp_stream *stream)
{
    for (unsigned i = 0; i < stream->sections->len; i++) {
        const hp_sdp_section *section = stream->sections->pdata[i];
        if (!section->rejected) {
            return section;
        }
    }
    return NULL;
}

static void format_section(GString *out, const hp_sdp_section *section)
{
    const hp_sdp_stream *stream = section->stream;
    bool leads = leader(stream) == section;
    if (section->kind == HP_SDP_PLAIN && leads && !section->rejected) {
        format_plain(out, stream, section->mid);
        return;
    }
    format_m_line(out, section);
    if (section->rejected) {
        g_string_append(out, "a=inactive\r\n");
        return;
    }
    format_credentials(out, stream);
    format_rtcp(out, section);
    if (leads && stream->n_components != hp_sdp_usual_components(stream)) {
        g_string_append_printf(out, "a=x-hairpin-components:%u\r\n", stream->n_components);
    }
    if (leads) {
        format_candidates(out, stream);
    }
    format_security(out, section);
    switch (section->kind) {
    case HP_SDP_PLAIN:
        break;
    case HP_SDP_AUDIO:
    case HP_SDP_VIDEO:
        format_track(out, section);
        break;
    case HP_SDP_DATA:
        format_data(out, section);
        break;
    }
}

/* ---- the whole ---- */

/* RFC 8843 section 7.3.3: what is rejected is in no group. */
static void format_group(GString *out, const hp_sdp_stream *stream)
{
    if (stream->sections->len < 2 || !leader(stream)) {
        return;
    }
    g_string_append(out, "a=group:BUNDLE");
    for (unsigned i = 0; i < stream->sections->len; i++) {
        const hp_sdp_section *section = stream->sections->pdata[i];
        if (!section->rejected) {
            g_string_append_printf(out, " %s", section->mid);
        }
    }
    g_string_append(out, "\r\n");
}

char *hp_sdp_format(const hp_sdp *sdp)
{
    GString *out = g_string_new("v=0\r\n");
    g_string_append_printf(out, "o=- %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " IN IP4 127.0.0.1\r\n", sdp->session,
                           sdp->version);
    g_string_append(out, "s=-\r\nt=0 0\r\n");
    for (unsigned i = 0; i < sdp->streams->len; i++) {
        format_group(out, sdp->streams->pdata[i]);
    }
    if (sdp->trickle) {
        g_string_append(out, "a=ice-options:trickle\r\n");
    }
    for (unsigned i = 0; i < sdp->lines->len; i++) {
        format_section(out, sdp->lines->pdata[i]);
    }
    for (unsigned i = 0; i < sdp->streams->len; i++) {
        const hp_sdp_stream *stream = sdp->streams->pdata[i];
        if (stream->sections->len == 0) {
            format_plain(out, stream, stream->mid);
        }
    }
    return g_string_free(out, FALSE);
}
