/* Reading one m= section: its kind, ICE attributes, security and data channel attributes.
 *
 * The part before the first m= line is read the same way, as a draft without a section of its own; what it says of
 * credentials, fingerprints, setup and direction holds for every section that says nothing (RFC 8866 section 5.13, RFC
 * 8839 section 5.4, RFC 8122 section 5). Lines that are unknown, or break their grammar, are skipped.
 *
 * Kinds: audio and video over any RTP profile; application over DTLS/SCTP, the older form with the SCTP port as its
 * format and the newer (RFC 8841) alike; anything else is plain. Port 0 rejects a section (RFC 3264 section 6), or says
 * in an offer that it lives only inside its BUNDLE group (a=bundle-only, RFC 8843 section 6). */
#include <string.h>

#include "actors/sdp_private.h"

/* ---- life ---- */

static bool is_rtp(const char *profile)
{
    static const char *const profiles[] = {"RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF"};
    for (unsigned i = 0; i < G_N_ELEMENTS(profiles); i++) {
        if (g_str_has_suffix(profile, profiles[i])) {
            return true;
        }
    }
    return false;
}

static hp_sdp_kind kind_of(const char *media, const char *profile)
{
    if (is_rtp(profile)) {
        return strcmp(media, "audio") == 0 ? HP_SDP_AUDIO : strcmp(media, "video") == 0 ? HP_SDP_VIDEO : HP_SDP_PLAIN;
    }
    return strcmp(media, "application") == 0 && g_str_has_suffix(profile, "DTLS/SCTP") ? HP_SDP_DATA : HP_SDP_PLAIN;
}

/* "9", or "9/2" for several ports (RFC 8866 section 5.14) */
static bool read_port(const char *word, guint64 *ret)
{
    g_autofree char *port = g_strndup(word, strcspn(word, "/"));
    return g_ascii_string_to_unsigned(port, 10, 0, G_MAXUINT16, ret, NULL);
}

hp_sdp_draft *hp_sdp_draft_new(const char *value, unsigned line)
{
    g_auto(GStrv) words = g_strsplit_set(value, " \t", 0);
    guint64 port;
    if (g_strv_length(words) < 4 || !read_port(words[1], &port)) {
        return NULL;
    }
    g_autofree char *mid = g_strdup_printf("%u", line);
    hp_sdp_draft *draft = g_new0(hp_sdp_draft, 1);
    draft->candidates = g_ptr_array_new_with_free_func(g_free);
    draft->section = hp_sdp_section_new(kind_of(words[0], words[2]), mid);
    draft->line = line;
    draft->zero_port = port == 0;
    hp_sdp_read_formats(draft, words + 3);
    guint64 sctp_port;
    if (draft->section->kind == HP_SDP_DATA &&
        g_ascii_string_to_unsigned(words[3], 10, 1, G_MAXUINT16, &sctp_port, NULL)) {
        draft->section->sctp_port = (uint16_t)sctp_port;
    }
    return draft;
}

void hp_sdp_draft_free(hp_sdp_draft *draft)
{
    if (!draft) {
        return;
    }
    hp_sdp_clear_codecs(draft);
    hp_sdp_section_free(draft->section);
    g_clear_pointer(&draft->candidates, g_ptr_array_unref);
    g_free(draft->ufrag);
    g_free(draft->password);
    g_free(draft);
}

/* ---- attributes ---- */

static void replace(char **slot, const char *value)
{
    g_free(*slot);
    *slot = g_strdup(value);
}

static bool read_direction(hp_sdp_draft *draft, const char *attribute)
{
    for (hp_sdp_direction direction = HP_SDP_SENDRECV; direction <= HP_SDP_INACTIVE; direction++) {
        if (strcmp(attribute, hp_sdp_direction_name(direction)) == 0) {
            draft->section->direction = direction;
            draft->has_direction = true;
            return true;
        }
    }
    return false;
}

static bool read_ice(hp_sdp_draft *draft, const char *attribute)
{
    const char *value;
    if ((value = hp_sdp_after(attribute, "ice-ufrag:"))) {
        replace(&draft->ufrag, value);
    } else if ((value = hp_sdp_after(attribute, "ice-pwd:"))) {
        replace(&draft->password, value);
    } else if (g_str_has_prefix(attribute, "candidate:")) {
        g_ptr_array_add(draft->candidates, g_strdup(attribute));
    } else if (strcmp(attribute, "end-of-candidates") == 0) {
        draft->end_of_candidates = true;
    } else if ((value = hp_sdp_after(attribute, "x-hairpin-components:"))) {
        guint64 n;
        bool ok = g_ascii_string_to_unsigned(value, 10, 1, HP_SDP_MAX_COMPONENTS, &n, NULL);
        draft->n_components = ok ? (unsigned)n : 0;
    } else {
        return false;
    }
    return true;
}

/* RFC 4568 section 6.3.7: a parameter that is not understood makes the line void, unless it begins with "-". Those that
 * would take encryption or authentication away, or ask for new keys on the way, are not understood here. */
static bool is_bearable(const char *parameter)
{
    return *parameter == '\0' || *parameter == '-' || g_str_has_prefix(parameter, "WSH=") ||
           strcmp(parameter, "KDR=0") == 0;
}

/* "1 AES_CM_128_HMAC_SHA1_80 inline:... WSH=64" */
static void read_crypto(hp_sdp_draft *draft, const char *value)
{
    g_auto(GStrv) words = g_strsplit(value, " ", 0);
    unsigned n = g_strv_length(words);
    guint64 tag;
    if (n < 3 || !g_ascii_string_to_unsigned(words[0], 10, 0, 999999999, &tag, NULL) || !*words[1] || !*words[2]) {
        return;
    }
    for (unsigned i = 3; i < n; i++) {
        if (!is_bearable(words[i])) {
            return;
        }
    }
    hp_sdp_add_crypto(draft->section, (unsigned)tag, words[1], words[2]);
}

static bool read_security(hp_sdp_draft *draft, const char *attribute)
{
    hp_sdp_section *section = draft->section;
    const char *value;
    if ((value = hp_sdp_after(attribute, "fingerprint:"))) {
        hp_dtls_fingerprint fingerprint;
        draft->has_fingerprint = true;
        if (hp_dtls_fingerprint_parse(value, &fingerprint, NULL)) {
            g_array_append_val(section->fingerprints, fingerprint);
        }
    } else if ((value = hp_sdp_after(attribute, "setup:"))) {
        section->has_setup |= hp_dtls_setup_parse(value, &section->setup);
    } else if ((value = hp_sdp_after(attribute, "crypto:"))) {
        read_crypto(draft, value);
    } else {
        return false;
    }
    return true;
}

/* RFC 8841 section 6: 0 means that any size will do. */
static uint32_t message_size(const char *value)
{
    guint64 size;
    if (!g_ascii_string_to_unsigned(value, 10, 0, G_MAXUINT64, &size, NULL)) {
        return 0;
    }
    return size == 0 ? G_MAXUINT32 : (uint32_t)MIN(size, G_MAXUINT32);
}

/* "20" or "2.5" in thousandths; 0 when it is no such number or too large to make sense. */
static uint32_t read_real(const char *value)
{
    uint32_t milli = 0, places = 0;
    bool point = false;
    for (; g_ascii_isdigit(*value) || (*value == '.' && !point); value++) {
        if (*value == '.') {
            point = true;
        } else if (!point || places < 3) {
            places += point;
            milli = milli * 10 + (uint32_t)(*value - '0');
        }
        if (milli > 4000000) { /* times 1000 it must still fit */
            return 0;
        }
    }
    for (; places < 3; places++) {
        milli *= 10;
    }
    return *value == '\0' ? milli : 0;
}

static bool read_pace(hp_sdp_draft *draft, const char *attribute)
{
    const char *value;
    if ((value = hp_sdp_after(attribute, "ptime:"))) {
        draft->section->ptime = read_real(value) * HP_US;
    } else if ((value = hp_sdp_after(attribute, "framerate:"))) {
        draft->section->framerate = (read_real(value) + 999) / 1000;
    } else {
        return false;
    }
    return true;
}

static bool read_data(hp_sdp_draft *draft, const char *attribute)
{
    hp_sdp_section *section = draft->section;
    const char *value;
    guint64 port;
    if ((value = hp_sdp_after(attribute, "sctp-port:"))) {
        if (g_ascii_string_to_unsigned(value, 10, 1, G_MAXUINT16, &port, NULL)) {
            section->sctp_port = (uint16_t)port;
        }
    } else if ((value = hp_sdp_after(attribute, "max-message-size:"))) {
        section->max_message_size = message_size(value);
    } else {
        return false;
    }
    return true;
}

void hp_sdp_draft_read(hp_sdp_draft *draft, const char *attribute)
{
    hp_sdp_section *section = draft->section;
    const char *value = hp_sdp_after(attribute, "mid:");
    if (value && *value) {
        replace(&section->mid, value);
        draft->has_mid = true;
    } else if (strcmp(attribute, "bundle-only") == 0) {
        draft->bundle_only = true;
    } else if (strcmp(attribute, "rtcp-mux") == 0) {
        section->rtcp_mux = true;
    } else if (strcmp(attribute, "rtcp-rsize") == 0) {
        section->rtcp_rsize = true;
    } else if (g_str_has_prefix(attribute, "rtcp:")) {
        draft->rtcp = true;
    } else if (!read_ice(draft, attribute) && !read_direction(draft, attribute) && !read_security(draft, attribute) &&
               !read_pace(draft, attribute) && !read_data(draft, attribute)) {
        hp_sdp_read_codec(draft, attribute);
    }
}

/* ---- the end of a section ---- */

void hp_sdp_draft_finish(hp_sdp_draft *draft, const hp_sdp_draft *session)
{
    hp_sdp_section *section = draft->section;
    section->rejected = draft->zero_port && !draft->bundle_only;
    if (!draft->ufrag) {
        draft->ufrag = g_strdup(session->ufrag);
    }
    if (!draft->password) {
        draft->password = g_strdup(session->password);
    }
    if (!draft->has_direction) {
        section->direction = session->section->direction;
    }
    if (!draft->has_fingerprint) {
        const GArray *all = session->section->fingerprints;
        g_array_append_vals(section->fingerprints, all->data, all->len);
    }
    if (!section->has_setup) {
        section->has_setup = session->section->has_setup;
        section->setup = session->section->setup;
    }
    switch (section->kind) {
    case HP_SDP_AUDIO:
    case HP_SDP_VIDEO:
        hp_sdp_choose_codec(draft);
        break;
    case HP_SDP_PLAIN:
    case HP_SDP_DATA:
        break;
    }
}
