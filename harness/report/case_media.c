/* Media in one line a track, for people: how much of it came, how late, how good it was; and each DTLS association. */
#include "report/case_media.h"

#include "base/rng.h"

static void free_media(gpointer data)
{
    hp_report_media *m = data;
    g_free(m->text);
    g_free(m);
}

static void append_time(GString *text, const char *what, hp_time t)
{
    char buf[HP_TIME_TEXT];
    g_string_append_printf(text, ", %s %s", what, hp_time_format(t, buf));
}

/* ", 3 lost (0.2%)" */
static void append_share(GString *text, uint64_t n, const char *what, uint32_t ppb)
{
    g_autofree char *ratio = hp_unit_format(HP_UNIT_RATIO, hp_ratio_round(ppb));
    g_string_append_printf(text, ", %" G_GUINT64_FORMAT " %s (%s)", n, what, ratio);
}

static void append_milli(GString *text, const char *what, uint64_t milli)
{
    g_autofree char *value = hp_unit_format(HP_UNIT_MILLI, (int64_t)milli);
    g_string_append_printf(text, ", %s %s", what, value);
}

static void append_pictures(GString *text, const hp_media_figures *f, hp_time called)
{
    if ((f->unknown & HP_FIGURE_FRAMES) != 0) {
        return;
    }
    if (f->frames == 0) {
        g_string_append(text, ", no frame was shown");
        return;
    }
    if (f->first_frame == HP_NEVER) {
        g_string_append_printf(text, ", %" G_GUINT64_FORMAT " frames", f->frames);
        append_milli(text, "frame rate", f->frame_rate_milli);
        return;
    }
    append_time(text, "first frame after", f->first_frame - (called <= f->first_frame ? called : 0));
    append_milli(text, "frame rate", f->frame_rate_milli);
    if (f->freezes > 0) {
        g_string_append_printf(text, ", %" G_GUINT64_FORMAT " freeze%s", f->freezes, f->freezes == 1 ? "" : "s");
        append_time(text, "longest", f->freeze_longest);
    }
}

/* By a receiver that counts and says no more. */
static void append_counted(GString *text, const hp_track_result *t)
{
    const hp_media_figures *f = &t->figures;
    if ((f->unknown & HP_FIGURE_RECEIVED) != 0) {
        g_string_append(text, ", the receiver does not tell");
        return;
    }
    g_string_append_printf(text, ", %" G_GUINT64_FORMAT " received", f->received);
    if ((f->unknown & HP_FIGURE_LOST) == 0) {
        append_share(text, f->lost, "lost", f->loss_ppb);
    }
    if ((f->unknown & HP_FIGURE_JITTER) == 0) {
        append_time(text, "jitter", f->jitter_mean);
    }
    if (t->kind == HP_MEDIA_VIDEO) {
        append_pictures(text, f, t->called);
    }
}

static char *track_text(const hp_track_result *t)
{
    const hp_media_figures *f = &t->figures;
    GString *text = g_string_new(NULL);
    const bool arrivals = f->basis == HP_FIGURES_OF_ARRIVALS; /* nobody tells what was sent */
    g_string_append_printf(text, "%s to %s: %" G_GUINT64_FORMAT " %s", t->from, t->to, arrivals ? f->received : f->sent,
                           arrivals ? "received" : "sent");
    if (f->basis == HP_FIGURES_OF_COUNTS) {
        append_counted(text, t);
        return g_string_free(text, FALSE);
    }
    append_share(text, f->lost, "lost", f->loss_ppb);
    if (f->unusable != f->lost) {
        append_share(text, f->unusable, "unusable", f->unusable_ppb);
    }
    if (f->foreign > 0) {
        g_string_append_printf(text, ", %" G_GUINT64_FORMAT " foreign", f->foreign);
    }
    if (f->latency.count > 0) {
        append_time(text, "latency p95", f->latency.p95);
        append_time(text, "jitter", f->jitter_mean);
    }
    if (f->mos_milli > 0) {
        append_milli(text, "mos", f->mos_milli);
    }
    if (t->kind == HP_MEDIA_VIDEO) {
        append_pictures(text, f, t->called);
    }
    return g_string_free(text, FALSE);
}

static char *dtls_text(const hp_dtls_result *d)
{
    GString *text = g_string_new(d->peer);
    if (*d->with != '\0') {
        g_string_append_printf(text, " with %s", d->with);
    }
    g_string_append_printf(text, ": %s", *d->state != '\0' ? d->state : "not begun");
    if (*d->reason != '\0') {
        g_string_append_printf(text, " (%s)", d->reason);
    }
    if (*d->profile != '\0') {
        g_string_append_printf(text, ", %s", d->profile);
    }
    if (d->connected != HP_NEVER && d->started != HP_NEVER && d->connected >= d->started) {
        append_time(text, "handshake", d->connected - d->started);
    }
    if (d->timeouts > 0) {
        g_string_append_printf(text, ", %" G_GUINT64_FORMAT " flight%s sent again", d->timeouts,
                               d->timeouts == 1 ? "" : "s");
    }
    return g_string_free(text, FALSE);
}

static void add(GPtrArray *list, const char *name, char *text)
{
    hp_report_media *m = g_new0(hp_report_media, 1);
    m->name = name;
    m->text = text;
    g_ptr_array_add(list, m);
}

GPtrArray *hp_report_media_new(void)
{
    return g_ptr_array_new_with_free_func(free_media);
}

void hp_report_media_add_dtls(GPtrArray *list, const hp_dtls_result *dtls)
{
    add(list, "dtls", dtls_text(dtls));
}

void hp_report_media_add_track(GPtrArray *list, const hp_track_result *track)
{
    add(list, hp_media_kind_name(track->kind), track_text(track));
}
