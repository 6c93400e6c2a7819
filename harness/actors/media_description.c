/* Theory of operation: what session descriptions say of media, and what follows from both.
 *
 * An offer asks for what the configuration wants; an answer repeats the offer's m-lines, mids, payload types and
 * codecs. What one side cannot take part in is rejected there (port 0) and silent here. Directions follow RFC 3264
 * sections 5.1, 6.1 and 8.4: a line on hold is inactive, and an answer allows no more than the offer does.
 *
 * When an answer is said or heard, both descriptions are known and a group settles: it has a DTLS role (RFC 8842
 * section 5) and the fingerprints to expect, or keys each way (RFC 4568 section 6). Once settled it stays so: later
 * offers say `actpass` again, later answers the role in force (RFC 8842 section 5.5), and only directions change.
 *
 * Limits: a new association within a session (another certificate, another tls-id) is not begun, and keys in
 * descriptions do not change. With BUNDLE the first m-line in use speaks for the security of all of them. */
#include <string.h>

#include "actors/media_private.h"
#include "actors/media_secure.h"

const char *hp_media_line_kind_name(const hp_media_line *line)
{
    switch (line->kind) {
    case HP_SDP_PLAIN:
        return "plain";
    case HP_SDP_AUDIO:
        return "audio";
    case HP_SDP_VIDEO:
        return "video";
    case HP_SDP_DATA:
        return "data";
    }
    g_assert_not_reached();
}

void hp_media_session_draw_keys(hp_media_session *media)
{
    const hp_secure_config *secure = &media->config->secure;
    hp_srtp_profile profiles[HP_DTLS_N_PROFILES];
    unsigned n = hp_media_secure_profiles(secure, profiles);
    if (secure->keying != HP_KEYING_SDES) {
        return;
    }
    for (unsigned i = 0; i < media->n_groups; i++) {
        hp_media_group *group = &media->groups[i];
        hp_rng rng;
        g_autofree char *name = g_strdup_printf("sdes:%s/%" G_GUINT64_FORMAT "/%u", media->peer->name,
                                                media->session->number, group->stream);
        hp_world_rng(media->world, name, &rng);
        group->n_sdes = n;
        for (unsigned k = 0; k < n; k++) {
            hp_srtp_keys_draw(profiles[k], &rng, &group->sdes[k]);
        }
    }
}

/* ---- writing ---- */

static hp_sdp_direction direction_of(bool sends, bool receives)
{
    return sends && receives ? HP_SDP_SENDRECV : sends ? HP_SDP_SENDONLY : receives ? HP_SDP_RECVONLY : HP_SDP_INACTIVE;
}

static bool speaks(hp_sdp_direction direction)
{
    return direction == HP_SDP_SENDRECV || direction == HP_SDP_SENDONLY;
}

static bool hears(hp_sdp_direction direction)
{
    return direction == HP_SDP_SENDRECV || direction == HP_SDP_RECVONLY;
}

static hp_sdp_direction own_direction(const hp_media_line *line, bool offer)
{
    bool sends = !line->held && !(line->track && line->track->mismatched), receives = !line->held;
    return offer ? direction_of(sends, receives)
                 : direction_of(sends && hears(line->remote), receives && speaks(line->remote));
}

static void add_crypto(hp_sdp_section *section, unsigned tag, const hp_srtp_keys *keys)
{
    g_autofree char *key = hp_srtp_keys_to_sdes(keys);
    hp_sdp_add_crypto(section, tag, hp_srtp_sdes_suite(keys->profile), key);
}

static void describe_keys(const hp_media_group *group, bool offer, hp_sdp_section *section)
{
    if (!offer) {
        add_crypto(section, group->sdes_tag, &group->sdes[group->sdes_chosen]);
        return;
    }
    for (unsigned i = 0; i < group->n_sdes; i++) {
        add_crypto(section, i + 1, &group->sdes[i]);
    }
}

static hp_dtls_setup own_setup(const hp_media_session *media, const hp_media_group *group, bool offer)
{
    hp_setup_told told = media->config->secure.setup;
    if (!offer) { /* the role in force, once there is one: what was read stays when a group settles */
        return hp_dtls_setup_answer(group->remote_setup, told == HP_SETUP_PASSIVE ? HP_DTLS_PASSIVE : HP_DTLS_ACTIVE);
    }
    switch (told) {
    case HP_SETUP_USUAL:
        return HP_DTLS_SETUP_ACTPASS;
    case HP_SETUP_ACTIVE:
        return HP_DTLS_SETUP_ACTIVE;
    case HP_SETUP_PASSIVE:
        return HP_DTLS_SETUP_PASSIVE;
    }
    g_assert_not_reached();
}

static void describe_certificate(const hp_media_session *media, hp_sdp_section *section)
{
    hp_fingerprint_told told = media->config->secure.fingerprint;
    if (told == HP_FINGERPRINT_ABSENT) {
        return;
    }
    g_autoptr(GError) error = NULL;
    g_autofree char *name = g_strdup_printf("%s%s", media->peer->name, told == HP_FINGERPRINT_WRONG ? "/other" : "");
    const hp_dtls_identity *identity = hp_media_hub_identity(media->hub, name, &error);
    if (!identity) {
        g_error("%s", error->message); /* OpenSSL made one for this peer before */
    }
    g_array_append_vals(section->fingerprints, hp_dtls_identity_fingerprint(identity), 1);
}

static void describe_line(hp_media_line *line, bool offer, hp_sdp_section *section)
{
    const hp_media_session *media = line->media;
    hp_media_group *group = line->group;
    /* An offer is no place to reject what nobody has asked for yet: it goes out without keys. */
    section->rejected = line->silent && (line->answered || !offer);
    section->direction = line->silent ? HP_SDP_INACTIVE : own_direction(line, offer);
    if (line->track) {
        hp_media_track_describe(line->track, section);
        section->rtcp_mux = media->call.rtcp_mux;
    } else if (line == media->data_line) {
        section->sctp_port = HP_CHANNELS_PORT;
        section->max_message_size = HP_CHANNELS_MAX_MESSAGE;
    }
    if (line->silent) {
        return;
    }
    if (media->config->secure.keying == HP_KEYING_SDES) {
        describe_keys(group, offer, section);
        return;
    }
    describe_certificate(media, section);
    section->has_setup = true;
    section->setup = group->local_setup = own_setup(media, group, offer);
    group->local_told = true;
}

/* ---- reading ---- */

static bool find_own_key(const hp_media_group *group, hp_srtp_profile profile, unsigned *ret)
{
    for (unsigned i = 0; i < group->n_sdes; i++) {
        if (group->sdes[i].profile == profile) {
            *ret = i;
            return true;
        }
    }
    return false;
}

/* The first of the other side's keys that we can use (RFC 4568 section 5.1.2); an answer's must be for a tag of
 * ours. */
static const char *read_keys(hp_media_group *group, const hp_sdp_section *section, bool offer)
{
    for (unsigned i = 0; i < section->crypto->len; i++) {
        const hp_sdp_crypto *crypto = section->crypto->pdata[i];
        hp_srtp_keys keys;
        unsigned chosen;
        if (crypto->tag > 0 && hp_srtp_keys_from_sdes(crypto->suite, crypto->key, &keys, NULL) &&
            find_own_key(group, keys.profile, &chosen) && (offer || crypto->tag == chosen + 1)) {
            group->sdes_remote = keys;
            group->sdes_chosen = chosen;
            group->sdes_tag = crypto->tag;
            return NULL;
        }
    }
    return section->crypto->len > 0 ? "no SRTP key in common" : "no SRTP key in the description";
}

static const char *read_certificate(hp_media_group *group, const hp_sdp_section *section, bool offer)
{
    if (section->crypto->len > 0 && !section->has_setup && section->fingerprints->len == 0) {
        return "SRTP keys in the description in place of DTLS";
    }
    group->remote_setup = section->has_setup ? section->setup : offer ? HP_DTLS_SETUP_ACTPASS : HP_DTLS_SETUP_ACTIVE;
    group->remote_told = true;
    group->n_fingerprints = MIN(section->fingerprints->len, HP_DTLS_MAX_FINGERPRINTS);
    for (unsigned i = 0; i < group->n_fingerprints; i++) {
        group->fingerprints[i] = g_array_index(section->fingerprints, hp_dtls_fingerprint, i);
    }
    return NULL;
}

/* NULL, or why the line cannot be used. */
static const char *read_line(hp_media_line *line, const hp_sdp_section *section, unsigned stream, bool offer)
{
    const hp_media_session *media = line->media;
    if (section->rejected) {
        return "rejected";
    }
    if (section->kind != line->kind) {
        return "another kind of media";
    }
    if (stream + 1 != line->group->stream) {
        return "bundled otherwise";
    }
    if (line->track && media->call.rtcp_mux && !section->rtcp_mux) {
        return "no rtcp-mux";
    }
    line->remote = section->direction;
    if (!line->track) {
        hp_channels_set_remote(media->channels, section->sctp_port, section->max_message_size);
        return NULL;
    }
    return hp_media_track_agree(line->track, section, offer);
}

static void read_section(hp_media_line *line, const hp_sdp_section *section, unsigned stream, bool offer)
{
    line->answered = true;
    if (line->silent) {
        return;
    }
    hp_media_group *group = line->group;
    const char *reason = read_line(line, section, stream, offer);
    if (!reason && !group->told && !group->settled) {
        bool keys = line->media->config->secure.keying == HP_KEYING_SDES;
        reason = keys ? read_keys(group, section, offer) : read_certificate(group, section, offer);
        group->told = reason == NULL;
    }
    if (reason) {
        hp_media_line_silence(line, reason);
    }
}

/* ---- both are known ---- */

static void settle_group(hp_media_session *media, hp_media_group *group, hp_time now)
{
    hp_dtls_role role;
    hp_media_transport *transports[] = {group->rtp, group->rtcp};
    unsigned n = group->rtcp ? 2 : 1;
    if (media->config->secure.keying == HP_KEYING_SDES) {
        if (group->sdes_tag == 0) {
            return;
        }
        group->settled = true;
        for (unsigned i = 0; i < n; i++) {
            hp_media_transport_set_keys(transports[i], now, &group->sdes[group->sdes_chosen], &group->sdes_remote);
        }
        return;
    }
    if (!group->local_told || !group->remote_told) {
        return;
    }
    if (!hp_dtls_setup_role(group->local_setup, group->remote_setup, &role, NULL)) {
        for (unsigned i = 0; i < media->n_lines; i++) {
            if (media->lines[i].group == group) {
                hp_media_line_silence(&media->lines[i], "no DTLS roles that meet");
            }
        }
        return;
    }
    group->settled = true;
    for (unsigned i = 0; i < n; i++) {
        hp_media_transport_expect(transports[i], now, group->fingerprints, group->n_fingerprints);
        hp_media_transport_set_role(transports[i], now, role);
    }
}

static bool is_used(const hp_media_session *media, const hp_media_group *group)
{
    for (unsigned i = 0; i < media->n_lines; i++) {
        if (media->lines[i].group == group && !media->lines[i].silent && media->lines[i].answered) {
            return true;
        }
    }
    return false;
}

static void settle(hp_media_session *media, hp_time now)
{
    for (unsigned i = 0; i < media->n_groups; i++) {
        hp_media_group *group = &media->groups[i];
        if (!group->settled && is_used(media, group)) {
            settle_group(media, group, now);
        }
    }
}

void hp_media_session_describe(hp_media_session *media, bool offer, hp_sdp *sdp)
{
    sdp->bundle = media->call.bundle && media->n_lines > 1;
    for (unsigned i = 0; i < media->n_lines; i++) {
        hp_media_line *line = &media->lines[i];
        g_assert(line->group->stream <= sdp->streams->len);
        hp_sdp_stream *stream = sdp->streams->pdata[line->group->stream - 1];
        describe_line(line, offer, hp_sdp_add_section(stream, line->kind, line->mid));
    }
    if (!offer && !media->closed) {
        settle(media, hp_world_now(media->world));
        hp_media_session_reschedule(media);
    }
}

void hp_media_session_remote(hp_media_session *media, bool offer, const hp_sdp *sdp)
{
    hp_time now = hp_world_now(media->world);
    if (media->closed) {
        return;
    }
    for (unsigned i = 0; i < media->n_groups; i++) {
        media->groups[i].told = false;
    }
    for (unsigned i = 0; i < media->n_lines; i++) {
        hp_media_line *line = &media->lines[i];
        unsigned stream = 0;
        const hp_sdp_section *section = hp_sdp_section_at(sdp, i, &stream);
        if (section) {
            read_section(line, section, stream, offer);
        } else {
            hp_media_line_silence(line, "not in the description");
        }
    }
    unsigned stream;
    if (hp_sdp_section_at(sdp, media->n_lines, &stream)) {
        hp_media_line_ignore(&media->lines[0], "m-line", "one too many", 0);
    }
    if (!offer) {
        settle(media, now);
    }
    for (unsigned i = 0; i < media->n_lines; i++) {
        if (media->lines[i].track) {
            hp_media_track_update(media->lines[i].track, now);
        }
    }
    hp_media_session_reschedule(media);
}
