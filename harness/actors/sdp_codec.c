/* What a section says of codecs and sources, and which of them count.
 *
 * A browser lists every codec it has, best first. One is kept: the first that carries media by itself, with the
 * retransmission format whose apt= names it (RFC 4588 section 8.6). Redundancy, comfort noise, tones and forward error
 * correction do not carry media by themselves. Names of payload types that need no a=rtpmap are those of RFC 3551
 * section 6. Feedback counts where it is told for that codec or for all ("*", RFC 4585 section 4.2).
 *
 * Of several sources the first that is paired with a source of retransmissions counts (a=ssrc-group:FID, RFC 5576
 * section 4.2), or else the first at all.
 *
 * A line that does not fit its grammar is skipped, and a payload type beyond 127 is none. */
#include <string.h>

#include "actors/sdp_private.h"

const char *hp_sdp_after(const char *text, const char *prefix)
{
    return g_str_has_prefix(text, prefix) ? text + strlen(prefix) : NULL;
}

static void source_clear(void *pointer)
{
    g_free(((hp_sdp_source *)pointer)->cname);
}

void hp_sdp_clear_codecs(hp_sdp_draft *draft)
{
    for (unsigned pt = 0; pt < HP_SDP_N_PT; pt++) {
        g_free(draft->format[pt].codec);
    }
    g_clear_pointer(&draft->sources, g_array_unref);
}

/* ---- numbers ---- */

/* The leading number of *text, which moves behind it; false when there is none, or it is too large. */
static bool take_number(const char **text, uint64_t max, uint64_t *ret)
{
    const char *p = *text;
    uint64_t n = 0;
    for (; g_ascii_isdigit(*p); p++) {
        n = n * 10 + (uint64_t)(*p - '0');
        if (n > max) {
            return false;
        }
    }
    if (p == *text) {
        return false;
    }
    *text = p;
    *ret = n;
    return true;
}

static bool take_number_and_space(const char **text, uint64_t max, uint64_t *ret)
{
    const char *p = *text;
    uint64_t n;
    if (!take_number(&p, max, &n) || *p != ' ') {
        return false;
    }
    *text = p + strspn(p, " ");
    *ret = n;
    return true;
}

/* ---- formats ---- */

static const struct {
    uint8_t pt;
    const char *codec;
    uint32_t clock;
} static_types[] = {
    {0, "PCMU", 8000},  {3, "GSM", 8000},    {4, "G723", 8000},   {7, "LPC", 8000},
    {8, "PCMA", 8000},  {9, "G722", 8000},   {13, "CN", 8000},    {15, "G728", 8000},
    {18, "G729", 8000}, {26, "JPEG", 90000}, {34, "H263", 90000},
};

bool hp_sdp_static_type(unsigned pt, const char **ret_codec, uint32_t *ret_clock)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(static_types); i++) {
        if (static_types[i].pt == pt) {
            *ret_codec = static_types[i].codec;
            *ret_clock = static_types[i].clock;
            return true;
        }
    }
    return false;
}

static void set_format(hp_sdp_draft *draft, unsigned pt, const char *codec, size_t len, uint32_t clock,
                       unsigned channels)
{
    hp_sdp_format_of *format = &draft->format[pt];
    g_free(format->codec);
    format->codec = g_strndup(codec, len);
    format->clock = clock;
    format->channels = channels;
}

void hp_sdp_read_formats(hp_sdp_draft *draft, char **words)
{
    bool seen[HP_SDP_N_PT] = {false};
    for (; *words; words++) {
        const char *word = *words;
        uint64_t pt;
        if (take_number(&word, HP_SDP_MAX_PT, &pt) && *word == '\0' && !seen[pt]) {
            seen[pt] = true;
            draft->pts[draft->n_pts++] = (uint8_t)pt;
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(static_types); i++) {
        set_format(draft, static_types[i].pt, static_types[i].codec, strlen(static_types[i].codec),
                   static_types[i].clock, 0);
    }
    for (unsigned pt = 0; pt < HP_SDP_N_PT; pt++) {
        draft->format[pt].apt = -1;
    }
    draft->sources = g_array_new(FALSE, TRUE, sizeof(hp_sdp_source));
    g_array_set_clear_func(draft->sources, source_clear);
}

/* "111 opus/48000/2" (RFC 8866 section 6.6) */
static void read_rtpmap(hp_sdp_draft *draft, const char *value)
{
    uint64_t pt, clock, channels = 0;
    if (!take_number_and_space(&value, HP_SDP_MAX_PT, &pt)) {
        return;
    }
    size_t len = strcspn(value, "/ ");
    const char *p = value + len;
    if (len == 0 || *p++ != '/' || !take_number(&p, G_MAXUINT32, &clock) || clock == 0) {
        return;
    }
    if (*p == '/') {
        p++;
        if (!take_number(&p, 255, &channels)) {
            return;
        }
    }
    if (*p == '\0') {
        set_format(draft, (unsigned)pt, value, len, (uint32_t)clock, (unsigned)channels);
    }
}

/* "97 apt=96;rtx-time=3000" */
static void read_fmtp(hp_sdp_draft *draft, const char *value)
{
    uint64_t pt, apt;
    if (!take_number_and_space(&value, HP_SDP_MAX_PT, &pt)) {
        return;
    }
    g_auto(GStrv) parameters = g_strsplit(value, ";", 0);
    for (char **parameter = parameters; *parameter; parameter++) {
        const char *number = hp_sdp_after(g_strstrip(*parameter), "apt=");
        if (number && take_number(&number, HP_SDP_MAX_PT, &apt) && *number == '\0') {
            draft->format[pt].apt = (int)apt;
        }
    }
}

/* "96 nack pli", "* nack" */
static void read_feedback(hp_sdp_draft *draft, const char *value)
{
    uint64_t pt;
    hp_sdp_feedback *feedback = &draft->any_feedback;
    if (g_str_has_prefix(value, "* ")) {
        value += 2;
    } else if (take_number_and_space(&value, HP_SDP_MAX_PT, &pt)) {
        feedback = &draft->format[pt].feedback;
    } else {
        return;
    }
    feedback->nack |= strcmp(value, "nack") == 0;
    feedback->pli |= strcmp(value, "nack pli") == 0;
}

/* ---- sources ---- */

/* "3735928559 cname:user@host" */
static void read_source(hp_sdp_draft *draft, const char *value)
{
    uint64_t ssrc;
    if (!take_number_and_space(&value, G_MAXUINT32, &ssrc) || *value == '\0') {
        return;
    }
    hp_sdp_source *source = NULL;
    for (unsigned i = 0; i < draft->sources->len && !source; i++) {
        hp_sdp_source *known = &g_array_index(draft->sources, hp_sdp_source, i);
        source = known->ssrc == ssrc ? known : NULL;
    }
    if (!source) {
        g_array_append_val(draft->sources, (hp_sdp_source){.ssrc = (uint32_t)ssrc});
        source = &g_array_index(draft->sources, hp_sdp_source, draft->sources->len - 1);
    }
    const char *cname = hp_sdp_after(value, "cname:");
    if (cname && *cname) {
        g_free(source->cname);
        source->cname = g_strdup(cname);
    }
}

/* "FID 1001 1002": the source, and that of its retransmissions */
static void read_source_group(hp_sdp_draft *draft, const char *value)
{
    uint64_t first, second;
    const char *numbers = hp_sdp_after(value, "FID ");
    if (!draft->has_pair && numbers && take_number_and_space(&numbers, G_MAXUINT32, &first) &&
        take_number(&numbers, G_MAXUINT32, &second) && *numbers == '\0' && first != second) {
        draft->has_pair = true;
        draft->pair[0] = (uint32_t)first;
        draft->pair[1] = (uint32_t)second;
    }
}

void hp_sdp_read_codec(hp_sdp_draft *draft, const char *attribute)
{
    static const struct {
        const char *prefix;
        void (*read)(hp_sdp_draft *draft, const char *value);
    } readers[] = {
        {"rtpmap:", read_rtpmap},           {"fmtp:", read_fmtp}, {"rtcp-fb:", read_feedback}, {"ssrc:", read_source},
        {"ssrc-group:", read_source_group},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(readers); i++) {
        const char *value = hp_sdp_after(attribute, readers[i].prefix);
        if (value) {
            readers[i].read(draft, value);
            return;
        }
    }
}

/* ---- the choice ---- */

static bool carries_media(const char *codec)
{
    static const char *const helpers[] = {"rtx", "red", "ulpfec", "flexfec", "flexfec-03", "CN", "telephone-event"};
    for (unsigned i = 0; i < G_N_ELEMENTS(helpers); i++) {
        if (g_ascii_strcasecmp(codec, helpers[i]) == 0) {
            return false;
        }
    }
    return true;
}

static void choose_rtx(hp_sdp_draft *draft)
{
    hp_sdp_section *section = draft->section;
    for (unsigned i = 0; i < draft->n_pts && section->rtx_pt == 0; i++) {
        const hp_sdp_format_of *format = &draft->format[draft->pts[i]];
        if (format->codec && g_ascii_strcasecmp(format->codec, "rtx") == 0 && format->apt == section->pt) {
            section->rtx_pt = draft->pts[i];
        }
    }
}

static void choose_format(hp_sdp_draft *draft)
{
    hp_sdp_section *section = draft->section;
    for (unsigned i = 0; i < draft->n_pts && !section->codec; i++) {
        const hp_sdp_format_of *format = &draft->format[draft->pts[i]];
        if (format->codec && carries_media(format->codec)) {
            section->pt = draft->pts[i];
            section->codec = g_strdup(format->codec);
            section->clock = format->clock;
            section->channels = section->kind == HP_SDP_AUDIO ? format->channels : 0;
            section->nack = format->feedback.nack || draft->any_feedback.nack;
            section->pli = format->feedback.pli || draft->any_feedback.pli;
        }
    }
    if (section->codec) {
        choose_rtx(draft);
    } else if (draft->n_pts) { /* kept for the answer that rejects it */
        section->pt = draft->pts[0];
    }
}

static void choose_sources(hp_sdp_draft *draft)
{
    hp_sdp_section *section = draft->section;
    if (draft->has_pair) {
        section->ssrc = draft->pair[0];
        section->rtx_ssrc = draft->pair[1];
    } else if (draft->sources->len) {
        section->ssrc = g_array_index(draft->sources, hp_sdp_source, 0).ssrc;
    }
    section->has_ssrc = draft->has_pair || draft->sources->len > 0;
    for (unsigned i = 0; i < draft->sources->len && !section->cname; i++) {
        const hp_sdp_source *source = &g_array_index(draft->sources, hp_sdp_source, i);
        section->cname = source->ssrc == section->ssrc ? g_strdup(source->cname) : NULL;
    }
}

void hp_sdp_choose_codec(hp_sdp_draft *draft)
{
    choose_format(draft);
    choose_sources(draft);
}
