/* What is sent, and where what is received goes.
 *
 *   audiotestsrc - opusenc - rtpopuspay - caps - webrtcbin - fakesink
 *   videotestsrc - vp8enc  - rtpvp8pay  -'
 *
 * The caps before webrtcbin say codec, payload type and SSRC, so that a description can be made before any packet:
 * without an SSRC in it, who has no header extension with the mid (pion) cannot tell what arrives in a bundle. For
 * an answer the payload type is the offer's: webrtcbin sends with the number of its own caps, whatever it has answered.
 * Pictures are counted as they leave the encoder, and by the RTP timestamps of what arrives. */
#include <gst/rtp/gstrtpbuffer.h>
#include <string.h>

#include "adapters/webrtcbin/session.h"

static const char *const pipelines[] = {
    [SESSION_AUDIO] = "audiotestsrc is-live=true wave=sine volume=0.3 ! "
                      "audio/x-raw,format=S16LE,rate=48000,channels=2,layout=interleaved ! "
                      "opusenc name=encoder ! rtpopuspay pt=%d ssrc=%u ! capsfilter name=caps caps=\"application/"
                      "x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,payload=%d,ssrc=(uint)%u\"",
    [SESSION_VIDEO] = "videotestsrc is-live=true pattern=ball ! "
                      "video/x-raw,format=I420,width=320,height=240,framerate=30/1 ! "
                      "vp8enc name=encoder deadline=1 keyframe-max-dist=60 target-bitrate=500000 ! rtpvp8pay "
                      "pt=%d ssrc=%u ! capsfilter name=caps caps=\"application/x-rtp,media=video,encoding-name=VP8,"
                      "clock-rate=90000,payload=%d,ssrc=(uint)%u\"",
};

static GstPadProbeReturn count_sent(GstPad *pad, GstPadProbeInfo *info, void *user)
{
    g_atomic_int_inc((int *)user);
    return GST_PAD_PROBE_OK;
}

bool session_add_source(session *self, int kind, int payload_type)
{
    guint32 ssrc = self->ssrc[kind] = g_random_int();
    g_autofree char *text = g_strdup_printf(pipelines[kind], payload_type, ssrc, payload_type, ssrc);
    g_autoptr(GError) error = NULL;
    GstElement *source = gst_parse_bin_from_description(text, FALSE, &error);
    if (error) {
        peer_say_text("error", "%s source: %s", session_kind_names[kind], error->message);
        g_clear_object(&source);
        return false;
    }
    g_autoptr(GstElement) encoder = gst_bin_get_by_name(GST_BIN(source), "encoder");
    g_autoptr(GstElement) caps = gst_bin_get_by_name(GST_BIN(source), "caps");
    g_autoptr(GstPad) encoded = gst_element_get_static_pad(encoder, "src");
    gst_pad_add_probe(encoded, GST_PAD_PROBE_TYPE_BUFFER, count_sent, &self->frames[kind].sent, NULL);
    g_autoptr(GstPad) last = gst_element_get_static_pad(caps, "src");
    gst_element_add_pad(source, gst_ghost_pad_new("src", last));
    gst_bin_add(GST_BIN(self->pipeline), source);
    if (!gst_element_link(source, self->bin)) {
        peer_say_text("error", "%s source: webrtcbin does not take it", session_kind_names[kind]);
        return false;
    }
    self->sends[kind] = true;
    gst_element_sync_state_with_parent(source);
    return true;
}

static GstPadProbeReturn count_received(GstPad *pad, GstPadProbeInfo *info, void *user)
{
    session_frames *frames = user;
    GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
    if (gst_rtp_buffer_map(GST_PAD_PROBE_INFO_BUFFER(info), GST_MAP_READ, &rtp)) {
        guint32 timestamp = gst_rtp_buffer_get_timestamp(&rtp);
        gst_rtp_buffer_unmap(&rtp);
        if (!frames->has_timestamp || timestamp != frames->timestamp) {
            frames->has_timestamp = true;
            frames->timestamp = timestamp;
            g_atomic_int_inc(&frames->received);
        }
    }
    return GST_PAD_PROBE_OK;
}

void session_drain(session *self, GstPad *pad)
{
    g_autoptr(GstCaps) caps = gst_pad_get_current_caps(pad);
    const char *media = caps ? gst_structure_get_string(gst_caps_get_structure(caps, 0), "media") : NULL;
    int kind = g_strcmp0(media, "video") == 0 ? SESSION_VIDEO : SESSION_AUDIO;
    GstElement *sink = gst_element_factory_make("fakesink", NULL);
    g_object_set(sink, "sync", FALSE, "async", FALSE, NULL);
    gst_bin_add(GST_BIN(self->pipeline), sink);
    gst_element_sync_state_with_parent(sink);
    g_autoptr(GstPad) into = gst_element_get_static_pad(sink, "sink");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, count_received, &self->frames[kind], NULL);
    gst_pad_link(pad, into);
}
