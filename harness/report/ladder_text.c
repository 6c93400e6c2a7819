/* A ladder in characters: a column of times, a lane for each participant, entries from top to bottom.
 *
 *       0.0000 == call alice ====================================
 *       0.0000 |- offer ----------->|                          |
 *              |                    |- offer ----------------->|
 *       0.0700 |      x no-route at internet ------ check x3 --|
 *       0.3630 * ICE connected      |                          |
 *
 * A label stands in its arrow when there is room, first without its note, and above it otherwise; what is longer than a
 * line is broken at spaces. So no line is longer than the width, and nothing but notes is ever left out. Lanes stand at
 * least MIN_SPACING apart: with more participants than that allows, the last ones are left out and named at the end. A
 * time is not repeated in the next line. */
#include "report/ladder_text.h"

#include <assert.h>

#include "report/ladder_row.h"

enum { MIN_SPACING = 12, MAX_SPACING = 60, TIME_COLUMNS = 8, NAMES_AGAIN = 40 };

typedef struct glyphs {
    gunichar lane, dash, cross, right, left, head_right, head_left, lost, mark, across, cut;
} glyphs;

static const glyphs utf8_glyphs = {0x2502, 0x2500, 0x253c, 0x251c, 0x2524, 0x25b6,
                                   0x25c0, 0x2717, 0x25cf, 0x2550, 0x2026};
static const glyphs ascii_glyphs = {'|', '-', '+', '|', '|', '>', '<', 'x', '*', '=', '~'};

static const hp_paint paints[] = {
    [HP_LADDER_STEP] = HP_PAINT_BOLD,    [HP_LADDER_SIGNAL] = HP_PAINT_CYAN, [HP_LADDER_SERVED] = HP_PAINT_BLUE,
    [HP_LADDER_CHECK] = HP_PAINT_PLAIN,  [HP_LADDER_ICE] = HP_PAINT_YELLOW,  [HP_LADDER_DTLS] = HP_PAINT_MAGENTA,
    [HP_LADDER_MEDIA] = HP_PAINT_GREEN,  [HP_LADDER_DATA] = HP_PAINT_GREEN,  [HP_LADDER_OTHER] = HP_PAINT_PLAIN,
    [HP_LADDER_SUMMARY] = HP_PAINT_BOLD,
};
static_assert(G_N_ELEMENTS(paints) == HP_LADDER_KIND_N, "one paint a kind");

typedef struct drawing {
    const hp_ladder *ladder;
    const hp_ladder_style *style;
    const glyphs *g;
    GString *out;
    hp_row row;
    unsigned n_lanes; /* participants that are drawn */
    unsigned gutter, spacing;
    char time[32]; /* of the line to come; "" once it was written */
    hp_time shown; /* the last one written */
} drawing;

/* ---- the frame ---- */

static unsigned lane_of(const drawing *d, int participant)
{
    return d->gutter + (unsigned)participant * d->spacing;
}

static unsigned last_lane(const drawing *d)
{
    return d->n_lanes > 1 ? lane_of(d, (int)d->n_lanes - 1) : d->style->width - 1;
}

static void begin_row(drawing *d)
{
    hp_row_blank(&d->row);
    for (unsigned i = 0; i < d->n_lanes; i++) {
        hp_row_put(&d->row, lane_of(d, (int)i), d->g->lane, HP_PAINT_DIM);
    }
}

static void end_row(drawing *d)
{
    const unsigned n = (unsigned)strlen(d->time);
    for (unsigned i = 0; i < n; i++) {
        hp_row_put(&d->row, d->gutter - 1 - n + i, (gunichar)d->time[i], HP_PAINT_DIM);
    }
    d->time[0] = '\0';
    hp_row_append(&d->row, d->style->colour, d->out);
}

static void format_time(hp_time at, char *out, size_t room)
{
    g_snprintf(out, (gulong)room, "%" G_GUINT64_FORMAT ".%04u", at / HP_S, (unsigned)(at % HP_S / (100 * HP_US)));
}

static void begin_time(drawing *d, hp_time at)
{
    d->time[0] = '\0';
    if (at != d->shown) {
        format_time(at, d->time, sizeof d->time);
        d->shown = at;
    }
}

/* ---- text on rows with lanes ---- */

/* Rows of text from column x on. */
static void draw_text(drawing *d, unsigned x, const hp_columns *text, hp_paint paint)
{
    const unsigned room = d->style->width - x;
    unsigned from = 0;
    for (unsigned n; (n = hp_columns_line(text, &from, room)) > 0; from += n) {
        begin_row(d);
        hp_row_put(&d->row, x - 1, ' ', HP_PAINT_PLAIN);
        hp_row_columns(&d->row, x, text, from, n, paint);
        hp_row_put(&d->row, x + n, ' ', HP_PAINT_PLAIN);
        end_row(d);
    }
}

/* A label above its arrow: it begins at the arrow's left end, or as far left of it as it must. */
static void draw_above(drawing *d, unsigned left, const hp_columns *text, hp_paint paint)
{
    const unsigned first = d->gutter + 2, fits = text->n < d->style->width ? d->style->width - text->n : 0;
    draw_text(d, MAX(first, MIN(left + 2, fits)), text, paint);
}

/* A mark on a lane and text beside it, on the side with enough room for all of it, else on the one with more. */
typedef struct beside {
    unsigned lane;
    gunichar joint; /* on the lane */
    gunichar near; /* between lane and text, on the side of the lane */
    hp_paint paint, joint_paint;
} beside;

static void draw_beside(drawing *d, const beside *at, const hp_columns *text)
{
    const unsigned before = 3; /* columns from the lane to the text */
    const unsigned right = d->style->width > at->lane + before ? d->style->width - at->lane - before : 0;
    const unsigned left = at->lane > d->gutter + before ? at->lane - before - d->gutter : 0;
    const bool rightwards = text->n <= right || (text->n > left && right >= left);
    const unsigned room = MAX(rightwards ? right : left, 2);
    unsigned from = 0;
    bool first = true;
    for (unsigned n; (n = hp_columns_line(text, &from, room)) > 0; from += n) {
        const unsigned x = rightwards ? at->lane + before : at->lane - before + 1 - n;
        begin_row(d);
        hp_row_fill(&d->row, x - 1, x + n + 1, ' ', HP_PAINT_PLAIN);
        hp_row_put(&d->row, at->lane, first ? at->joint : d->g->lane, first ? at->joint_paint : HP_PAINT_DIM);
        hp_row_put(&d->row, rightwards ? at->lane + 1 : at->lane - 1, first ? at->near : ' ', at->joint_paint);
        hp_row_columns(&d->row, x, text, from, n, at->paint);
        end_row(d);
        first = false;
    }
}

/* ---- labels ---- */

static const char *name_of(const drawing *d, int participant)
{
    const hp_ladder_participant *p = g_ptr_array_index(d->ladder->participants, participant);
    return p->name;
}

static hp_columns label_of(const drawing *d, const hp_ladder_entry *e, bool with_note, bool with_drop)
{
    g_autoptr(GString) text = g_string_new(e->text);
    if (e->via != HP_LADDER_NOBODY) {
        g_string_append_printf(text, " by %s", name_of(d, e->via));
    }
    if (e->count > 1) {
        g_string_append_printf(text, " x%u", e->count);
    }
    char until[32];
    format_time(e->last, until, sizeof until);
    const bool has_note = e->note != NULL && e->note[0] != '\0', has_until = e->last != e->at;
    if (with_note && (has_note || has_until)) {
        g_string_append_printf(text, " (%s%s%s%s)", has_note ? e->note : "", has_note && has_until ? ", " : "",
                               has_until ? "until " : "", has_until ? until : "");
    }
    if (with_drop && e->dropped != NULL) {
        g_string_append_c(text, ' ');
        g_string_append_unichar(text, d->g->lost);
        g_string_append_printf(text, " %s", e->dropped);
    }
    hp_columns columns = hp_columns_of(text->str, d->style->ascii);
    return columns;
}

static hp_paint paint_of(const hp_ladder_entry *e)
{
    return e->bad || e->dropped != NULL ? HP_PAINT_RED : paints[e->kind];
}

/* ---- entries ---- */

static void draw_note(drawing *d, const hp_ladder_entry *e, const beside *at)
{
    g_auto(hp_columns) full = label_of(d, e, true, true);
    g_auto(hp_columns) bare = label_of(d, e, false, true);
    const unsigned right = d->style->width - at->lane, left = at->lane - d->gutter;
    draw_beside(d, at, full.n + 3 <= MAX(right, left) ? &full : &bare);
}

/* The line of an arrow without its label: ends, heads, lanes crossed; `broken` from there to the receiver is nothing. */
static void draw_shaft(drawing *d, const hp_ladder_entry *e, unsigned from, unsigned to, unsigned broken)
{
    const hp_paint paint = paint_of(e);
    const bool rightwards = from < to;
    const unsigned left = MIN(from, to), right = MAX(from, to);
    begin_row(d);
    for (unsigned x = left + 1; x < right; x++) {
        if (e->dropped == NULL || (rightwards ? x <= broken : x >= broken)) {
            const bool lane = d->row.at[x] == d->g->lane;
            hp_row_put(&d->row, x, lane ? d->g->cross : d->g->dash, paint);
        }
    }
    hp_row_put(&d->row, from, rightwards ? d->g->right : d->g->left, paint);
    if (e->dropped != NULL) {
        hp_row_put(&d->row, broken, d->g->lost, paint);
        return;
    }
    hp_row_put(&d->row, rightwards ? to - 1 : to + 1, rightwards ? d->g->head_right : d->g->head_left, paint);
    if (e->shape == HP_LADDER_EXCHANGE) {
        hp_row_put(&d->row, from, d->g->lane, HP_PAINT_DIM);
        hp_row_put(&d->row, rightwards ? from + 1 : from - 1, rightwards ? d->g->head_left : d->g->head_right, paint);
    }
}

static void put_label(drawing *d, unsigned x, const hp_columns *label, hp_paint paint)
{
    hp_row_put(&d->row, x - 1, ' ', HP_PAINT_PLAIN);
    hp_row_columns(&d->row, x, label, 0, label->n, paint);
    hp_row_put(&d->row, x + label->n, ' ', HP_PAINT_PLAIN);
}

/* "-> label" inside the arrow, if `label` leaves room for its ends. */
static bool draw_whole(drawing *d, const hp_ladder_entry *e, unsigned from, unsigned to, const hp_columns *label)
{
    const unsigned ends = e->shape == HP_LADDER_EXCHANGE ? 6 : 5;
    const unsigned inside = MAX(from, to) - MIN(from, to) - 1;
    if (label->n + ends > inside) {
        return false;
    }
    draw_shaft(d, e, from, to, 0);
    const unsigned before = e->shape == HP_LADDER_EXCHANGE || from > to ? 4 : 3;
    put_label(d, MIN(from, to) + before, label, paint_of(e));
    end_row(d);
    return true;
}

/* "- label ---x why" from the sender on, the reason beside the receiver. */
static bool draw_broken(drawing *d, const hp_ladder_entry *e, unsigned from, unsigned to, const hp_columns *label)
{
    g_auto(hp_columns) why = hp_columns_of(e->dropped, d->style->ascii);
    const unsigned inside = MAX(from, to) - MIN(from, to) - 1;
    if (label->n + why.n + 7 > inside) {
        return false;
    }
    const bool rightwards = from < to;
    const unsigned broken = rightwards ? to - 3 - why.n : to + 3 + why.n;
    draw_shaft(d, e, from, to, broken);
    hp_row_fill(&d->row, MIN(broken, to) + 1, MAX(broken, to), ' ', HP_PAINT_PLAIN);
    put_label(d, rightwards ? broken + 2 : to + 2, &why, HP_PAINT_RED);
    put_label(d, rightwards ? from + 3 : from - 2 - label->n, label, HP_PAINT_RED);
    end_row(d);
    return true;
}

static void draw_arrow(drawing *d, const hp_ladder_entry *e)
{
    const unsigned from = lane_of(d, e->from), to = lane_of(d, e->to);
    g_auto(hp_columns) full = label_of(d, e, true, false);
    g_auto(hp_columns) bare = label_of(d, e, false, false);
    bool (*draw)(drawing *, const hp_ladder_entry *, unsigned, unsigned, const hp_columns *) =
        e->dropped != NULL ? draw_broken : draw_whole;
    if (draw(d, e, from, to, &full) || draw(d, e, from, to, &bare)) {
        return;
    }
    g_auto(hp_columns) all = label_of(d, e, true, true);
    draw_above(d, MIN(from, to), &all, paint_of(e));
    draw_shaft(d, e, from, to, (from + to) / 2);
    end_row(d);
}

/* An arrow one of whose ends is not known. */
static void draw_stub(drawing *d, const hp_ladder_entry *e)
{
    const bool leaves = e->from != HP_LADDER_NOBODY;
    const hp_paint paint = paint_of(e);
    const beside at = {lane_of(d, leaves ? e->from : e->to), d->g->lane, leaves ? d->g->dash : d->g->mark, paint,
                       paint};
    draw_note(d, e, &at);
}

static void draw_across(drawing *d, const hp_ladder_entry *e)
{
    g_auto(hp_columns) text = label_of(d, e, true, true);
    const unsigned x = d->gutter + 3, end = last_lane(d) + 1;
    const bool inside = end > x + 3 && text.n <= end - x - 3; /* the line goes on behind the text */
    const unsigned room = inside ? text.n : d->style->width - x - 1;
    const hp_paint paint = paint_of(e);
    unsigned from = 0;
    bool first = true;
    for (unsigned n; (n = hp_columns_line(&text, &from, room)) > 0; from += n) {
        begin_row(d);
        if (first) {
            hp_row_fill(&d->row, d->gutter, end, d->g->across, paint);
        }
        hp_row_fill(&d->row, x - 1, x + n + 1, ' ', HP_PAINT_PLAIN);
        hp_row_columns(&d->row, x, &text, from, n, paint);
        end_row(d);
        first = false;
    }
}

static bool is_drawn(const drawing *d, int participant)
{
    return participant == HP_LADDER_NOBODY || (unsigned)participant < d->n_lanes;
}

static void draw_entry(drawing *d, const hp_ladder_entry *e)
{
    if (!is_drawn(d, e->from) || !is_drawn(d, e->to)) {
        return;
    }
    begin_time(d, e->at);
    switch (e->shape) {
    case HP_LADDER_ACROSS:
        draw_across(d, e);
        break;
    case HP_LADDER_NOTE: {
        const hp_paint paint = paint_of(e);
        const beside at = {lane_of(d, e->from), d->g->mark, ' ', paint, paint};
        draw_note(d, e, &at);
        break;
    }
    case HP_LADDER_ARROW:
    case HP_LADDER_EXCHANGE:
        if (e->from == HP_LADDER_NOBODY || e->to == HP_LADDER_NOBODY || e->from == e->to) {
            draw_stub(d, e);
        } else {
            draw_arrow(d, e);
        }
        break;
    }
}

/* ---- head and foot ---- */

static void draw_plain(drawing *d, const char *text, hp_paint paint)
{
    g_auto(hp_columns) columns = hp_columns_of(text, d->style->ascii);
    unsigned from = 0;
    for (unsigned n; (n = hp_columns_line(&columns, &from, d->style->width)) > 0; from += n) {
        hp_row_blank(&d->row);
        hp_row_columns(&d->row, 0, &columns, from, n, paint);
        end_row(d);
    }
}

static void draw_title(drawing *d)
{
    const hp_ladder *l = d->ladder;
    char ended[HP_TIME_TEXT];
    if (l->name[0] != '\0') {
        g_autofree char *title =
            l->ended != HP_NEVER ? g_strdup_printf("%s: %s, %s", l->name, l->verdict, hp_time_format(l->ended, ended))
                                 : g_strdup_printf("%s: %s", l->name, l->verdict);
        draw_plain(d, title, HP_PAINT_BOLD);
    }
    draw_plain(d, l->about, HP_PAINT_PLAIN);
    if (l->message != NULL) {
        draw_plain(d, l->message, HP_PAINT_RED);
    }
    if (d->out->len > 0) {
        g_string_append_c(d->out, '\n');
    }
}

/* Names over their lanes, as near to the middle as both edges allow. */
static void draw_names(drawing *d)
{
    hp_row_blank(&d->row);
    for (unsigned i = 0; i < d->n_lanes; i++) {
        g_auto(hp_columns) name = hp_columns_of(name_of(d, (int)i), d->style->ascii);
        const unsigned room = d->n_lanes > 1 ? d->spacing - 2 : d->style->width - d->gutter;
        const unsigned n = MIN(name.n, room), lane = lane_of(d, (int)i);
        const unsigned x = MIN(MAX(lane > n / 2 ? lane - n / 2 : 0, d->gutter), d->style->width - n);
        hp_row_columns(&d->row, x, &name, 0, n, HP_PAINT_BOLD);
        if (n < name.n) {
            hp_row_put(&d->row, x + n - 1, d->g->cut, HP_PAINT_BOLD);
        }
    }
    end_row(d);
}

static void draw_left_out(drawing *d)
{
    if (d->n_lanes == d->ladder->participants->len) {
        return;
    }
    g_autoptr(GString) text = g_string_new("not drawn for want of room: ");
    for (unsigned i = d->n_lanes; i < d->ladder->participants->len; i++) {
        g_string_append_printf(text, "%s%s", i > d->n_lanes ? ", " : "", name_of(d, (int)i));
    }
    g_string_append_c(d->out, '\n');
    draw_plain(d, text->str, HP_PAINT_PLAIN);
}

static void lay_out(drawing *d)
{
    char last[32] = "";
    const unsigned n_entries = d->ladder->entries->len, n = d->ladder->participants->len;
    if (n_entries > 0) {
        const hp_ladder_entry *e = g_ptr_array_index(d->ladder->entries, n_entries - 1);
        format_time(e->at, last, sizeof last);
    }
    d->gutter = MAX((unsigned)strlen(last), TIME_COLUMNS) + 1;
    const unsigned room = d->style->width - 1 - d->gutter;
    d->n_lanes = MIN(n, room / MIN_SPACING + 1);
    d->spacing = d->n_lanes > 1 ? MIN(room / (d->n_lanes - 1), MAX_SPACING) : 0;
}

char *hp_ladder_text(const hp_ladder *ladder, const hp_ladder_style *style)
{
    drawing d = {.ladder = ladder,
                 .style = style,
                 .g = style->ascii ? &ascii_glyphs : &utf8_glyphs,
                 .out = g_string_new(NULL),
                 .shown = HP_NEVER};
    hp_row_init(&d.row, style->width);
    lay_out(&d);
    draw_title(&d);
    draw_names(&d);
    for (unsigned i = 0; i < ladder->entries->len; i++) {
        draw_entry(&d, g_ptr_array_index(ladder->entries, i));
    }
    if (ladder->entries->len > NAMES_AGAIN) {
        draw_names(&d);
    }
    draw_left_out(&d);
    hp_row_clear(&d.row);
    return g_string_free(d.out, FALSE);
}
