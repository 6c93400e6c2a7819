/* The reader of session descriptions: lines into sections, sections into ICE streams.
 *
 * Unknown lines are skipped, as the grammar asks. What would leave a description without meaning refuses it whole: no
 * section in use, more sections than HP_SDP_MAX_STREAMS, a broken m= line, two sections of one mid, a stream without
 * sound credentials.
 *
 * BUNDLE (RFC 8843): the sections of a group share one ICE stream, and the ICE attributes that hold are those of the
 * group's first section in use, the tagged one; it stands first in the stream. What it says of the transport holds for
 * sections of the group that say nothing: later descriptions leave it out elsewhere (section 7.1.3). A mid that two
 * groups name belongs to the first. A rejected section has no transport; where there is a group it counts to it, since
 * that is where it would be, so that an answer has the streams of its offer. */
#include <string.h>

#include "actors/sdp.h"
#include "actors/sdp_private.h"
#include "base/error.h"

/* RFC 8839 section 5.4: at least 4 and 22 characters, at most 256. */
enum { MIN_UFRAG = 4, MIN_PASSWORD = 22, MAX_CREDENTIAL = 256 };

typedef struct reader {
    hp_sdp *sdp;
    hp_sdp_draft *session; /* what stands before the first m= line */
    GPtrArray *drafts; /* hp_sdp_draft*, one an m= line */
    GPtrArray *groups; /* char**: the mids of each a=group:BUNDLE */
} reader;

static hp_sdp_draft *draft_at(const reader *r, unsigned i)
{
    return r->drafts->pdata[i];
}

/* ---- lines ---- */

static const char *read_m_line(reader *r, const char *value)
{
    if (r->drafts->len == HP_SDP_MAX_STREAMS) {
        return "too many m= sections";
    }
    hp_sdp_draft *draft = hp_sdp_draft_new(value, r->drafts->len);
    if (!draft) {
        return "a broken m= line";
    }
    g_ptr_array_add(r->drafts, draft);
    return NULL;
}

static void read_origin(reader *r, const char *value)
{
    g_auto(GStrv) words = g_strsplit(value, " ", 4);
    if (g_strv_length(words) == 4) {
        r->sdp->session = g_ascii_strtoull(words[1], NULL, 10);
        r->sdp->version = g_ascii_strtoull(words[2], NULL, 10);
    }
}

static void read_attribute(reader *r, const char *attribute)
{
    const char *value;
    if ((value = hp_sdp_after(attribute, "ice-options:"))) {
        r->sdp->trickle |= strstr(value, "trickle") != NULL;
    } else if (r->drafts->len) {
        hp_sdp_draft_read(draft_at(r, r->drafts->len - 1), attribute);
    } else if ((value = hp_sdp_after(attribute, "group:BUNDLE "))) {
        g_ptr_array_add(r->groups, g_strsplit(value, " ", 0));
    } else {
        hp_sdp_draft_read(r->session, attribute);
    }
}

/* NULL, or why the description is refused. */
static const char *read_line(reader *r, const char *line)
{
    const char *value;
    if ((value = hp_sdp_after(line, "m="))) {
        return read_m_line(r, value);
    }
    if ((value = hp_sdp_after(line, "a="))) {
        read_attribute(r, value);
    } else if ((value = hp_sdp_after(line, "o="))) {
        read_origin(r, value);
    }
    return NULL;
}

/* ---- sections into streams ---- */

static hp_sdp_draft *find_mid(const reader *r, const char *mid)
{
    for (unsigned i = 0; i < r->drafts->len; i++) {
        hp_sdp_draft *draft = draft_at(r, i);
        if (draft->has_mid && strcmp(draft->section->mid, mid) == 0) {
            return draft;
        }
    }
    return NULL;
}

/* Each draft learns its group; returns the drafts of each group, in the group's order. */
static GPtrArray *form_groups(const reader *r)
{
    GPtrArray *groups = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
    for (unsigned i = 0; i < r->groups->len; i++) {
        GPtrArray *members = g_ptr_array_new();
        for (char **mid = r->groups->pdata[i]; *mid; mid++) {
            hp_sdp_draft *draft = find_mid(r, *mid);
            if (draft && !draft->group && !draft->section->rejected) {
                draft->group = members;
                g_ptr_array_add(members, draft);
            }
        }
        g_ptr_array_add(groups, members);
    }
    for (unsigned i = 0; i < r->drafts->len; i++) {
        hp_sdp_draft *draft = draft_at(r, i);
        draft->section->rejected |= draft->zero_port && !draft->group;
    }
    return groups;
}

static void attach(hp_sdp_stream *stream, hp_sdp_draft *draft)
{
    draft->stream = stream;
    hp_sdp_attach(stream, draft->section, draft->line);
}

static hp_sdp_stream *make_stream(reader *r, hp_sdp_draft *tagged)
{
    bool rejected = tagged->section->rejected;
    hp_sdp_stream *stream = hp_sdp_add_stream(r->sdp, tagged->section->mid, rejected ? NULL : tagged->ufrag,
                                              rejected ? NULL : tagged->password, 0);
    stream->end_of_candidates = tagged->end_of_candidates;
    g_ptr_array_extend_and_steal(stream->candidates, g_steal_pointer(&tagged->candidates));
    attach(stream, tagged);
    return stream;
}

/* What the tagged section says of the transport holds where nothing is said. */
static void inherit(const hp_sdp_draft *draft, const hp_sdp_section *tagged)
{
    hp_sdp_section *section = draft->section;
    if (!draft->has_fingerprint && section->fingerprints->len == 0 && section->crypto->len == 0) {
        g_array_append_vals(section->fingerprints, tagged->fingerprints->data, tagged->fingerprints->len);
        for (unsigned i = 0; i < tagged->crypto->len; i++) {
            const hp_sdp_crypto *crypto = tagged->crypto->pdata[i];
            hp_sdp_add_crypto(section, crypto->tag, crypto->suite, crypto->key);
        }
    }
    if (!section->has_setup) {
        section->has_setup = tagged->has_setup;
        section->setup = tagged->setup;
    }
    if (section->kind == HP_SDP_AUDIO || section->kind == HP_SDP_VIDEO) {
        section->rtcp_mux |= tagged->rtcp_mux;
    }
}

static void make_bundle(reader *r, const GPtrArray *members)
{
    hp_sdp_draft *tagged = members->pdata[0];
    hp_sdp_stream *stream = make_stream(r, tagged);
    for (unsigned i = 1; i < members->len; i++) {
        inherit(members->pdata[i], tagged->section);
        attach(stream, members->pdata[i]);
    }
}

static hp_sdp_stream *first_bundle(const GPtrArray *groups)
{
    for (unsigned i = 0; i < groups->len; i++) {
        const GPtrArray *members = groups->pdata[i];
        if (members->len) {
            return ((const hp_sdp_draft *)members->pdata[0])->stream;
        }
    }
    return NULL;
}

static unsigned count_components(const hp_sdp_draft *first)
{
    const hp_sdp_section *section = first->section;
    if (first->n_components) {
        return first->n_components;
    }
    bool is_media = section->kind == HP_SDP_AUDIO || section->kind == HP_SDP_VIDEO;
    return !is_media && first->rtcp && !section->rtcp_mux ? 2 : hp_sdp_usual_components(first->stream);
}

/* Streams stand in the order of their first m= lines. */
static void make_streams(reader *r)
{
    g_autoptr(GPtrArray) groups = form_groups(r);
    bool any_group = false;
    for (unsigned i = 0; i < groups->len; i++) {
        any_group |= ((const GPtrArray *)groups->pdata[i])->len > 0;
    }
    for (unsigned i = 0; i < r->drafts->len; i++) {
        hp_sdp_draft *draft = draft_at(r, i);
        if (draft->group && !draft->stream) {
            make_bundle(r, draft->group);
        } else if (!draft->group && !(any_group && draft->section->rejected)) {
            make_stream(r, draft);
        }
    }
    for (unsigned i = 0; i < r->drafts->len; i++) {
        if (!draft_at(r, i)->stream) {
            attach(first_bundle(groups), draft_at(r, i));
        }
    }
    for (unsigned i = 0; i < r->drafts->len; i++) {
        hp_sdp_draft *draft = draft_at(r, i);
        if (draft->stream->sections->pdata[0] == draft->section) {
            draft->stream->n_components = count_components(draft);
        }
    }
    for (unsigned i = 0; i < r->drafts->len; i++) {
        draft_at(r, i)->section = NULL; /* the streams' from here on */
    }
}

/* ---- the whole ---- */

static bool credential_is_sound(const char *text, size_t min)
{
    size_t length = text ? strlen(text) : 0;
    return length >= min && length <= MAX_CREDENTIAL;
}

static const char none_in_use[] = "no m= section in use";

static const char *complain_of_streams(const hp_sdp *sdp)
{
    bool any = false;
    for (unsigned i = 0; i < sdp->streams->len; i++) {
        const hp_sdp_stream *stream = sdp->streams->pdata[i];
        const hp_sdp_section *first = stream->sections->pdata[0];
        if (first->rejected) {
            continue;
        }
        any = true;
        if (!credential_is_sound(stream->ufrag, MIN_UFRAG) || !credential_is_sound(stream->password, MIN_PASSWORD)) {
            return "a stream without sound ICE credentials";
        }
    }
    return any ? NULL : none_in_use;
}

static const char *complain_of_mids(const reader *r)
{
    for (unsigned i = 0; i < r->drafts->len; i++) {
        if (draft_at(r, i)->has_mid && find_mid(r, draft_at(r, i)->section->mid) != draft_at(r, i)) {
            return "two m= sections of one mid";
        }
    }
    return NULL;
}

static const char *read_all(reader *r, const char *text)
{
    const char *wrong = NULL;
    g_auto(GStrv) lines = g_strsplit(text, "\n", 0);
    for (char **line = lines; *line && !wrong; line++) {
        wrong = read_line(r, g_strchomp(*line));
    }
    for (unsigned i = 0; i < r->drafts->len && !wrong; i++) {
        hp_sdp_draft_finish(draft_at(r, i), r->session);
    }
    wrong = wrong ? wrong : complain_of_mids(r);
    if (wrong) {
        return wrong;
    }
    make_streams(r);
    return complain_of_streams(r->sdp);
}

hp_sdp *hp_sdp_parse(const char *text, GError **error)
{
    g_autoptr(hp_sdp) sdp = hp_sdp_new();
    reader r = {.sdp = sdp,
                .session = hp_sdp_draft_new("session 9 - -", 0),
                .drafts = g_ptr_array_new_with_free_func((GDestroyNotify)hp_sdp_draft_free),
                .groups = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev)};
    const char *wrong = read_all(&r, text);
    g_ptr_array_unref(r.groups);
    g_ptr_array_unref(r.drafts);
    hp_sdp_draft_free(r.session);
    if (wrong) {
        bool refused = wrong == none_in_use && r.sdp->streams->len > 0;
        g_set_error(error, HP_ERROR, refused ? HP_ERROR_REFUSED : HP_ERROR_INVALID, "session description: %s", wrong);
        return NULL;
    }
    return g_steal_pointer(&sdp);
}
