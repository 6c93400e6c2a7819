/* Session descriptions (RFC 8866) with their ICE attributes (RFC 8839): a writer and a reader.
 *
 * Every stream is one m= section. Credentials may stand before the first m= line for all of them. The number of
 * components is 1 with a=rtcp-mux or neither attribute, 2 with a=rtcp alone, and any other number is said by
 * a=x-hairpin-components, which other programs skip. Unknown lines are skipped, as the grammar asks; the m= line's
 * media and formats do not matter here.
 *
 * libnice can write and read descriptions too, but not a=mid, end-of-candidates or the number of components. */
#include "actors/sdp.h"

#include <string.h>

#include "base/error.h"

/* RFC 8839 section 5.4: at least 4 and 22 characters, at most 256. */
enum { MIN_UFRAG = 4, MIN_PASSWORD = 22, MAX_CREDENTIAL = 256 };

static void stream_free(void *pointer)
{
    hp_sdp_stream *stream = pointer;
    g_free(stream->mid);
    g_free(stream->ufrag);
    g_free(stream->password);
    g_ptr_array_unref(stream->candidates);
    g_free(stream);
}

hp_sdp *hp_sdp_new(void)
{
    hp_sdp *sdp = g_new0(hp_sdp, 1);
    sdp->streams = g_ptr_array_new_with_free_func(stream_free);
    return sdp;
}

void hp_sdp_free(hp_sdp *sdp)
{
    if (sdp) {
        g_ptr_array_unref(sdp->streams);
        g_free(sdp);
    }
}

hp_sdp_stream *hp_sdp_add_stream(hp_sdp *sdp, const char *mid, const char *ufrag, const char *password,
                                 unsigned n_components)
{
    hp_sdp_stream *stream = g_new0(hp_sdp_stream, 1);
    stream->mid = g_strdup(mid);
    stream->ufrag = g_strdup(ufrag);
    stream->password = g_strdup(password);
    stream->n_components = n_components;
    stream->candidates = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(sdp->streams, stream);
    return stream;
}

static void format_stream(GString *out, const hp_sdp_stream *stream)
{
    g_string_append(out, "m=application 9 udp octet-stream\r\nc=IN IP4 0.0.0.0\r\n");
    g_string_append_printf(out, "a=mid:%s\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\n", stream->mid, stream->ufrag,
                           stream->password);
    if (stream->n_components == 1) {
        g_string_append(out, "a=rtcp-mux\r\n");
    } else if (stream->n_components == 2) {
        g_string_append(out, "a=rtcp:9\r\n");
    } else {
        g_string_append_printf(out, "a=x-hairpin-components:%u\r\n", stream->n_components);
    }
    for (unsigned i = 0; i < stream->candidates->len; i++) {
        g_string_append_printf(out, "a=%s\r\n", (const char *)stream->candidates->pdata[i]);
    }
    if (stream->end_of_candidates) {
        g_string_append(out, "a=end-of-candidates\r\n");
    }
}

char *hp_sdp_format(const hp_sdp *sdp)
{
    GString *out = g_string_new("v=0\r\n");
    g_string_append_printf(out, "o=- %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " IN IP4 127.0.0.1\r\n", sdp->session,
                           sdp->version);
    g_string_append(out, "s=-\r\nt=0 0\r\n");
    if (sdp->trickle) {
        g_string_append(out, "a=ice-options:trickle\r\n");
    }
    for (unsigned i = 0; i < sdp->streams->len; i++) {
        format_stream(out, sdp->streams->pdata[i]);
    }
    return g_string_free(out, FALSE);
}

/* What is being read: attributes before the first m= line hold for all streams. */
typedef struct reader {
    hp_sdp *sdp;
    hp_sdp_stream *stream; /* NULL before the first */
    char *ufrag, *password; /* the session's */
    bool mux, rtcp; /* the stream's */
} reader;

static const char *after(const char *line, const char *prefix)
{
    return g_str_has_prefix(line, prefix) ? line + strlen(prefix) : NULL;
}

static void replace(char **slot, const char *value)
{
    g_free(*slot);
    *slot = g_strdup(value);
}

static void finish_stream(reader *r)
{
    if (r->stream && r->stream->n_components == 0) {
        r->stream->n_components = r->rtcp && !r->mux ? 2 : 1;
    }
    r->mux = r->rtcp = false;
}

static void start_stream(reader *r)
{
    finish_stream(r);
    g_autofree char *mid = g_strdup_printf("%u", r->sdp->streams->len);
    r->stream = hp_sdp_add_stream(r->sdp, mid, r->ufrag, r->password, 0);
}

static void read_stream_attribute(reader *r, const char *line)
{
    const char *value;
    if (g_str_has_prefix(line, "a=candidate:")) {
        g_ptr_array_add(r->stream->candidates, g_strdup(line + 2));
    } else if ((value = after(line, "a=mid:"))) {
        replace(&r->stream->mid, value);
    } else if (strcmp(line, "a=end-of-candidates") == 0) {
        r->stream->end_of_candidates = true;
    } else if (strcmp(line, "a=rtcp-mux") == 0) {
        r->mux = true;
    } else if (g_str_has_prefix(line, "a=rtcp:")) {
        r->rtcp = true;
    } else if ((value = after(line, "a=x-hairpin-components:"))) {
        guint64 n = g_ascii_strtoull(value, NULL, 10);
        r->stream->n_components = n >= 1 && n <= HP_SDP_MAX_COMPONENTS ? (unsigned)n : 0;
    }
}

static bool read_line(reader *r, const char *line)
{
    const char *value;
    if (g_str_has_prefix(line, "m=")) {
        if (r->sdp->streams->len == HP_SDP_MAX_STREAMS) {
            return false;
        }
        start_stream(r);
    } else if ((value = after(line, "a=ice-ufrag:"))) {
        replace(r->stream ? &r->stream->ufrag : &r->ufrag, value);
    } else if ((value = after(line, "a=ice-pwd:"))) {
        replace(r->stream ? &r->stream->password : &r->password, value);
    } else if ((value = after(line, "a=ice-options:"))) {
        r->sdp->trickle |= strstr(value, "trickle") != NULL;
    } else if (g_str_has_prefix(line, "o=")) {
        g_auto(GStrv) words = g_strsplit(line + 2, " ", 4);
        if (g_strv_length(words) == 4) {
            r->sdp->session = g_ascii_strtoull(words[1], NULL, 10);
            r->sdp->version = g_ascii_strtoull(words[2], NULL, 10);
        }
    } else if (r->stream) {
        read_stream_attribute(r, line);
    }
    return true;
}

static bool credential_is_sound(const char *text, size_t min)
{
    size_t length = text ? strlen(text) : 0;
    return length >= min && length <= MAX_CREDENTIAL;
}

static const char *complaint(const hp_sdp *sdp)
{
    if (sdp->streams->len == 0) {
        return "no m= section";
    }
    for (unsigned i = 0; i < sdp->streams->len; i++) {
        const hp_sdp_stream *stream = sdp->streams->pdata[i];
        if (!credential_is_sound(stream->ufrag, MIN_UFRAG) || !credential_is_sound(stream->password, MIN_PASSWORD)) {
            return "a stream without sound ICE credentials";
        }
    }
    return NULL;
}

hp_sdp *hp_sdp_parse(const char *text, GError **error)
{
    hp_sdp *sdp = hp_sdp_new();
    reader r = {.sdp = sdp};
    const char *wrong = NULL;
    g_auto(GStrv) lines = g_strsplit(text, "\n", 0);
    for (char **line = lines; *line && !wrong; line++) {
        g_strchomp(*line);
        wrong = read_line(&r, *line) ? NULL : "too many m= sections";
    }
    finish_stream(&r);
    g_free(r.ufrag);
    g_free(r.password);
    wrong = wrong ? wrong : complaint(sdp);
    if (wrong) {
        hp_sdp_free(sdp);
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "session description: %s", wrong);
        return NULL;
    }
    return sdp;
}
