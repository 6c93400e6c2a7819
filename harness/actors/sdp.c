/* A session description (RFC 8866) as its parts: ICE streams, and the m= sections that share each.
 *
 * A description that peers exchange without media has streams alone; each is written as one m= section of its own for
 * datagrams of any kind. One with media has sections in its streams: one a stream, or with BUNDLE (RFC 8843) several.
 * The order of the m= lines is kept apart from that of the streams, because a group need not be of neighbours.
 *
 * How many components a stream has follows from its sections (RFC 5761, RFC 3605): audio and video without a=rtcp-mux
 * have a second one, data channels never; a section without media has one unless a=rtcp alone says two. Any other
 * number is said by a=x-hairpin-components, which other programs skip.
 *
 * Writer: sdp_format.c. Reader: sdp_parse.c (lines and BUNDLE), sdp_section.c (a section), sdp_codec.c (its codecs).
 * libnice can write and read descriptions too, but not a=mid, end-of-candidates or the number of components. */
#include "actors/sdp.h"

#include "actors/sdp_private.h"

static void crypto_free(void *pointer)
{
    hp_sdp_crypto *crypto = pointer;
    g_free(crypto->suite);
    g_free(crypto->key);
    g_free(crypto);
}

hp_sdp_section *hp_sdp_section_new(hp_sdp_kind kind, const char *mid)
{
    hp_sdp_section *section = g_new0(hp_sdp_section, 1);
    section->kind = kind;
    section->mid = g_strdup(mid);
    section->direction = HP_SDP_SENDRECV;
    section->fingerprints = g_array_new(FALSE, FALSE, sizeof(hp_dtls_fingerprint));
    section->crypto = g_ptr_array_new_with_free_func(crypto_free);
    return section;
}

void hp_sdp_section_free(hp_sdp_section *section)
{
    if (!section) {
        return;
    }
    g_free(section->mid);
    g_free(section->codec);
    g_free(section->cname);
    g_array_unref(section->fingerprints);
    g_ptr_array_unref(section->crypto);
    g_free(section);
}

void hp_sdp_add_crypto(hp_sdp_section *section, unsigned tag, const char *suite, const char *key)
{
    hp_sdp_crypto *crypto = g_new0(hp_sdp_crypto, 1);
    *crypto = (hp_sdp_crypto){.tag = tag, .suite = g_strdup(suite), .key = g_strdup(key)};
    g_ptr_array_add(section->crypto, crypto);
}

static void stream_free(void *pointer)
{
    hp_sdp_stream *stream = pointer;
    g_free(stream->mid);
    g_free(stream->ufrag);
    g_free(stream->password);
    g_ptr_array_unref(stream->candidates);
    g_ptr_array_unref(stream->sections);
    g_free(stream);
}

hp_sdp *hp_sdp_new(void)
{
    hp_sdp *sdp = g_new0(hp_sdp, 1);
    sdp->streams = g_ptr_array_new_with_free_func(stream_free);
    sdp->lines = g_ptr_array_new();
    return sdp;
}

void hp_sdp_free(hp_sdp *sdp)
{
    if (sdp) {
        g_ptr_array_unref(sdp->lines);
        g_ptr_array_unref(sdp->streams);
        g_free(sdp);
    }
}

hp_sdp_stream *hp_sdp_add_stream(hp_sdp *sdp, const char *mid, const char *ufrag, const char *password,
                                 unsigned n_components)
{
    hp_sdp_stream *stream = g_new0(hp_sdp_stream, 1);
    stream->sdp = sdp;
    stream->sections = g_ptr_array_new_with_free_func((GDestroyNotify)hp_sdp_section_free);
    stream->mid = g_strdup(mid);
    stream->ufrag = g_strdup(ufrag);
    stream->password = g_strdup(password);
    stream->n_components = n_components;
    stream->candidates = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(sdp->streams, stream);
    return stream;
}

void hp_sdp_attach(hp_sdp_stream *stream, hp_sdp_section *section, unsigned line)
{
    hp_sdp *sdp = stream->sdp;
    section->stream = stream;
    g_ptr_array_add(stream->sections, section);
    if (line >= sdp->lines->len) {
        g_ptr_array_set_size(sdp->lines, (gint)line + 1);
    }
    sdp->lines->pdata[line] = section;
    sdp->bundle |= stream->sections->len > 1;
}

hp_sdp_section *hp_sdp_add_section(hp_sdp_stream *stream, hp_sdp_kind kind, const char *mid)
{
    hp_sdp_section *section = hp_sdp_section_new(kind, mid);
    hp_sdp_attach(stream, section, stream->sdp->lines->len);
    return section;
}

hp_sdp_section *hp_sdp_section_at(const hp_sdp *sdp, unsigned i, unsigned *ret_stream)
{
    if (i >= sdp->lines->len) {
        return NULL;
    }
    hp_sdp_section *section = sdp->lines->pdata[i];
    if (ret_stream) {
        *ret_stream = 0;
        while (sdp->streams->pdata[*ret_stream] != section->stream) {
            ++*ret_stream;
        }
    }
    return section;
}

static bool section_has_rtcp(const hp_sdp_section *section)
{
    switch (section->kind) {
    case HP_SDP_AUDIO:
    case HP_SDP_VIDEO:
        return !section->rejected;
    case HP_SDP_PLAIN:
    case HP_SDP_DATA:
        return false;
    }
    return false;
}

unsigned hp_sdp_usual_components(const hp_sdp_stream *stream)
{
    for (unsigned i = 0; i < stream->sections->len; i++) {
        const hp_sdp_section *section = stream->sections->pdata[i];
        if (section_has_rtcp(section) && !section->rtcp_mux) {
            return 2;
        }
    }
    return 1;
}

unsigned hp_sdp_max_components(const hp_sdp *sdp)
{
    unsigned n = 1;
    for (unsigned i = 0; i < sdp->streams->len; i++) {
        n = MAX(n, ((const hp_sdp_stream *)sdp->streams->pdata[i])->n_components);
    }
    return n;
}

void hp_sdp_call(const hp_sdp *sdp, hp_call_config *ret)
{
    unsigned components = hp_sdp_max_components(sdp);
    hp_call_config call = {.streams = sdp->streams->len,
                           .components = components,
                           .bundle = sdp->streams->len == 1,
                           .rtcp_mux = components == 1};
    for (unsigned i = 0; i < sdp->lines->len; i++) {
        const hp_sdp_section *section = sdp->lines->pdata[i];
        call.media[HP_MEDIA_AUDIO] |= section->kind == HP_SDP_AUDIO && !section->rejected;
        call.media[HP_MEDIA_VIDEO] |= section->kind == HP_SDP_VIDEO && !section->rejected;
        call.data |= section->kind == HP_SDP_DATA && !section->rejected;
    }
    *ret = call;
}
