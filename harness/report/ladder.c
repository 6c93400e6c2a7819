/* A ladder from an evidence folder: everything is read into drafts, the drafts are put in order of time, those that were
 * not asked for fall out, those that say the same are folded, and whoever has no part in what is left goes.
 *
 * Order at one instant: events, packets, failures, the end, figures; within those as they stood in the
 * evidence. Selecting comes before folding, so that counts are of what was asked for.
 *
 * The three files are read one by one, and what one of them lacks is a complaint, not an end: only a folder without
 * events.jsonl, and a result of another version, give no ladder. */
#include "report/ladder.h"

#include "base/diag.h"
#include "base/error.h"
#include "report/ladder_private.h"
#include "report/pairs.h"

/* ---- life and death ---- */

static void free_participant(gpointer data)
{
    hp_ladder_participant *p = data;
    g_free(p->name);
    g_free(p);
}

static void clear_entry(hp_ladder_entry *e)
{
    g_free(e->text);
    g_free(e->note);
    g_free(e->dropped);
    g_clear_pointer(&e->event, json_object_unref);
}

static void free_draft(gpointer data)
{
    hp_ladder_draft *draft = data;
    clear_entry(&draft->entry);
    g_free(draft);
}

static void free_entry(gpointer data)
{
    clear_entry(data);
    g_free(data);
}

void hp_ladder_free(hp_ladder *ladder)
{
    if (ladder == NULL) {
        return;
    }
    g_free(ladder->name);
    g_free(ladder->about);
    g_free(ladder->verdict);
    g_free(ladder->message);
    g_free(ladder->complaint);
    g_ptr_array_unref(ladder->participants);
    g_ptr_array_unref(ladder->entries);
    g_clear_pointer(&ladder->pairs, g_ptr_array_unref);
    g_clear_pointer(&ladder->marks, g_ptr_array_unref);
    g_free(ladder);
}

static hp_ladder *new_ladder(void)
{
    hp_ladder *l = g_new0(hp_ladder, 1);
    l->name = g_strdup("");
    l->about = g_strdup("");
    l->verdict = g_strdup("");
    l->ended = HP_NEVER;
    l->participants = g_ptr_array_new_with_free_func(free_participant);
    l->entries = g_ptr_array_new_with_free_func(free_entry);
    return l;
}

static void free_mark(gpointer data)
{
    hp_ladder_mark *m = data;
    g_free(m->text);
    g_free(m);
}

static void free_track(gpointer data)
{
    hp_ladder_track *t = data;
    g_free(t->name);
    g_free(t);
}

static void free_lost(gpointer data)
{
    hp_ladder_lost *lost = data;
    g_free(lost->why);
    g_free(lost);
}

static void init_builder(hp_ladder_builder *b, const hp_ladder_options *options)
{
    *b = (hp_ladder_builder){
        .options = options,
        .ladder = new_ladder(),
        .drafts = g_ptr_array_new_with_free_func(free_draft),
        .participants = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .nats = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .servers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .owners = g_hash_table_new_full(hp_addr_key_hash, hp_addr_key_equal, g_free, NULL),
        .gateways = g_hash_table_new_full(hp_addr_key_hash, hp_addr_key_equal, g_free, NULL),
        .drops = g_hash_table_new_full(NULL, NULL, NULL, g_free),
        .touched = g_hash_table_new_full(NULL, NULL, NULL, hp_ladder_touch_free),
        .roles = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
        .heard = g_hash_table_new(NULL, NULL),
        .tracks = g_ptr_array_new_with_free_func(free_track),
        .lost = g_ptr_array_new_with_free_func(free_lost),
        .taps = g_ptr_array_new_with_free_func(g_free),
        .legs = g_ptr_array_new_with_free_func(hp_ladder_leg_free),
        .touched_legs = g_ptr_array_new(),
        .legs_by_key = g_hash_table_new(g_int64_hash, g_int64_equal),
        .streamers = g_hash_table_new(NULL, NULL),
        .channels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
    };
    if (options->detailed) {
        b->pairs = hp_pairs_new();
        b->ladder->marks = g_ptr_array_new_with_free_func(free_mark);
    }
}

static void clear_builder(hp_ladder_builder *b)
{
    g_ptr_array_unref(b->drafts);
    g_hash_table_unref(b->participants);
    g_hash_table_unref(b->nats);
    g_hash_table_unref(b->servers);
    g_hash_table_unref(b->owners);
    g_hash_table_unref(b->gateways);
    g_hash_table_unref(b->drops);
    g_ptr_array_unref(b->touched_legs);
    g_hash_table_unref(b->touched);
    g_hash_table_unref(b->roles);
    g_hash_table_unref(b->heard);
    g_ptr_array_unref(b->tracks);
    g_ptr_array_unref(b->lost);
    g_ptr_array_unref(b->taps);
    g_hash_table_unref(b->legs_by_key);
    g_ptr_array_unref(b->legs);
    g_hash_table_unref(b->streamers);
    g_hash_table_unref(b->channels);
    hp_pairs_free(b->pairs);
    hp_ladder_free(b->ladder);
}

/* ---- participants ---- */

int hp_ladder_participant_of(hp_ladder_builder *b, const char *name, hp_ladder_role role)
{
    /* The broker has no name in a scenario, and a peer may be called like it. */
    const char *key = role == HP_LADDER_SIGNALING ? "" : name;
    const int known = GPOINTER_TO_INT(g_hash_table_lookup(b->participants, key));
    if (known > 0) {
        return known - 1;
    }
    hp_ladder_participant *p = g_new0(hp_ladder_participant, 1);
    p->name = g_strdup(name);
    p->role = g_hash_table_contains(b->servers, key) ? HP_LADDER_SERVER : role;
    g_ptr_array_add(b->ladder->participants, p);
    g_hash_table_insert(b->participants, g_strdup(key), GINT_TO_POINTER((int)b->ladder->participants->len));
    return (int)b->ladder->participants->len - 1;
}

hp_ladder_role hp_ladder_role_of(const hp_ladder_builder *b, int participant)
{
    const hp_ladder_participant *p = g_ptr_array_index(b->ladder->participants, participant);
    return p->role;
}

bool hp_ladder_is_server(const hp_ladder_builder *b, int participant)
{
    return hp_ladder_role_of(b, participant) == HP_LADDER_SERVER;
}

unsigned hp_ladder_n_peers(const hp_ladder_builder *b)
{
    unsigned n = 0;
    for (unsigned i = 0; i < b->ladder->participants->len; i++) {
        n += hp_ladder_role_of(b, (int)i) == HP_LADDER_PEER;
    }
    return n;
}

void hp_ladder_own(hp_ladder_builder *b, const hp_addr *addr, int participant)
{
    if (participant != HP_LADDER_NOBODY && !g_hash_table_contains(b->owners, addr)) {
        g_hash_table_insert(b->owners, g_memdup2(addr, sizeof *addr), GINT_TO_POINTER(participant + 1));
    }
}

int hp_ladder_owner(const hp_ladder_builder *b, const hp_addr *addr)
{
    int owner = GPOINTER_TO_INT(g_hash_table_lookup(b->owners, addr));
    if (owner == 0) {
        const hp_addr host = hp_addr_with_port(*addr, 0);
        owner = GPOINTER_TO_INT(g_hash_table_lookup(b->owners, &host));
    }
    return owner - 1;
}

void hp_ladder_add_nat(hp_ladder_builder *b, const char *name)
{
    if (!g_hash_table_contains(b->nats, name)) {
        g_hash_table_insert(b->nats, g_strdup(name), GINT_TO_POINTER((int)g_hash_table_size(b->nats) + 1));
    }
}

hp_ladder_draft *hp_ladder_add(hp_ladder_builder *b, hp_time at, hp_ladder_shape shape, hp_ladder_kind kind, int from,
                               int to, char *text)
{
    const bool nobodys = from == HP_LADDER_NOBODY && to == HP_LADDER_NOBODY;
    hp_ladder_draft *draft = g_new0(hp_ladder_draft, 1);
    draft->entry = (hp_ladder_entry){.at = at,
                                     .last = at,
                                     .shape = nobodys ? HP_LADDER_ACROSS : shape,
                                     .kind = kind,
                                     .from = from,
                                     .to = to,
                                     .via = HP_LADDER_NOBODY,
                                     .count = 1,
                                     .text = text};
    draft->rank = 1;
    draft->order = b->drafts->len;
    g_ptr_array_add(b->drafts, draft);
    return draft;
}

/* ---- from drafts to entries ---- */

static gint compare_drafts(gconstpointer a, gconstpointer b)
{
    const hp_ladder_draft *x = *(hp_ladder_draft *const *)a, *y = *(hp_ladder_draft *const *)b;
    if (x->entry.at != y->entry.at) {
        return x->entry.at < y->entry.at ? -1 : 1;
    }
    if (x->rank != y->rank) {
        return x->rank < y->rank ? -1 : 1;
    }
    return x->order < y->order ? -1 : x->order > y->order;
}

static bool is_chosen(GHashTable *chosen, int participant)
{
    return participant != HP_LADDER_NOBODY && g_hash_table_contains(chosen, GINT_TO_POINTER(participant));
}

static bool is_wanted(const hp_ladder_builder *b, const hp_ladder_entry *e, GHashTable *chosen)
{
    if (e->at < b->options->from || e->at > b->options->to) {
        return false;
    }
    return chosen == NULL || e->shape == HP_LADDER_ACROSS || is_chosen(chosen, e->from) || is_chosen(chosen, e->to);
}

/* by_address: only between the same two addresses. */
static char *fold_key(const hp_ladder_entry *e, bool by_address)
{
    char src[HP_ADDR_TEXT] = "", dst[HP_ADDR_TEXT] = "";
    if (by_address && e->packet > 0) {
        hp_addr_format(&e->src, src);
        hp_addr_format(&e->dst, dst);
    }
    return g_strdup_printf("%d %d %d %d %d %s %s %s\n%s", (int)e->shape, (int)e->kind, e->from, e->to, e->via, src, dst,
                           e->text, e->dropped != NULL ? e->dropped : "");
}

/* Adds it to the entry that says the same, if there is one. */
static bool fold(const hp_ladder_builder *b, GHashTable *open, const hp_ladder_draft *draft)
{
    g_autofree char *key = fold_key(&draft->entry, b->options->detailed);
    hp_ladder_entry *first = g_hash_table_lookup(open, key);
    if (first != NULL) {
        first->count += draft->entry.count;
        first->last = MAX(first->last, draft->entry.last);
        return true;
    }
    return false;
}

static void take(hp_ladder_builder *b, GHashTable *open, hp_ladder_draft *draft)
{
    hp_ladder_entry *entry = g_memdup2(&draft->entry, sizeof draft->entry);
    draft->entry.text = draft->entry.note = draft->entry.dropped = NULL;
    draft->entry.event = NULL;
    g_ptr_array_add(b->ladder->entries, entry);
    if (draft->folds && !b->options->packets) {
        g_hash_table_insert(open, fold_key(entry, b->options->detailed), entry);
    }
}

static void select_and_fold(hp_ladder_builder *b, GHashTable *chosen)
{
    g_autoptr(GHashTable) open = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_ptr_array_sort(b->drafts, compare_drafts);
    for (unsigned i = 0; i < b->drafts->len; i++) {
        hp_ladder_draft *draft = g_ptr_array_index(b->drafts, i);
        if (draft->barrier) {
            g_hash_table_remove_all(open);
        }
        if (is_wanted(b, &draft->entry, chosen) && !(draft->folds && fold(b, open, draft))) {
            take(b, open, draft);
        }
    }
}

enum { UNUSED = -2 }; /* a participant without a part in what is left */

/* Left to right: the peer that was met first, the broker, the servers, the other peers. places: by old index UNUSED, or
 * anything else; then the new index. */
static void arrange(hp_ladder *l, GArray *places)
{
    static const hp_ladder_role turns[] = {HP_LADDER_PEER, HP_LADDER_SIGNALING, HP_LADDER_SERVER, HP_LADDER_PEER};
    GPtrArray *arranged = g_ptr_array_new_with_free_func(free_participant);
    bool has_first = false;
    unsigned first = 0;
    for (unsigned turn = 0; turn < G_N_ELEMENTS(turns); turn++) {
        for (unsigned i = 0; i < l->participants->len; i++) {
            const hp_ladder_participant *p = g_ptr_array_index(l->participants, i);
            int *place = &g_array_index(places, int, i);
            if (*place == UNUSED || p->role != turns[turn] || (turn == 0 && has_first) ||
                (turn == 3 && has_first && first == i)) {
                continue;
            }
            if (turn == 0) {
                has_first = true;
                first = i;
            }
            *place = (int)arranged->len;
            hp_ladder_participant *copy = g_new0(hp_ladder_participant, 1);
            *copy = (hp_ladder_participant){g_strdup(p->name), p->role};
            g_ptr_array_add(arranged, copy);
        }
    }
    g_ptr_array_unref(l->participants);
    l->participants = arranged;
}

static void keep_participants(hp_ladder *l)
{
    g_autoptr(GArray) places = g_array_new(FALSE, FALSE, sizeof(int));
    for (unsigned i = 0; i < l->participants->len; i++) {
        const int unused = UNUSED;
        g_array_append_val(places, unused);
    }
    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; i < l->entries->len; i++) {
            hp_ladder_entry *e = g_ptr_array_index(l->entries, i);
            int *ends[] = {&e->from, &e->to, &e->via};
            for (unsigned end = 0; end < G_N_ELEMENTS(ends); end++) {
                if (*ends[end] != HP_LADDER_NOBODY && pass == 0) {
                    g_array_index(places, int, *ends[end]) = 0;
                } else if (*ends[end] != HP_LADDER_NOBODY) {
                    *ends[end] = g_array_index(places, int, *ends[end]);
                }
            }
        }
        if (pass == 0) {
            arrange(l, places);
        }
    }
}

static const char *nearest_name(const hp_ladder_builder *b, const char *word)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (unsigned i = 0; i < b->ladder->participants->len; i++) {
        const hp_ladder_participant *p = g_ptr_array_index(b->ladder->participants, i);
        if (p->role != HP_LADDER_SIGNALING) {
            g_ptr_array_add(names, p->name);
        }
    }
    return names->len > 0 ? hp_nearest_word(word, (const char *const *)names->pdata, names->len) : NULL;
}

/* The participants that `peers` names, into `chosen`. False for a name that nobody has. */
static bool choose(const hp_ladder_builder *b, GHashTable *chosen, GError **error)
{
    for (char **name = b->options->peers; name != NULL && *name != NULL; name++) {
        const int found = GPOINTER_TO_INT(g_hash_table_lookup(b->participants, *name)) - 1;
        if (found < 0 || (*name)[0] == '\0') {
            const char *near = nearest_name(b, *name);
            g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "nobody in this run is called `%s`%s%s%s", *name,
                        near != NULL ? "; did you mean `" : "", near != NULL ? near : "", near != NULL ? "`?" : "");
            return false;
        }
        g_hash_table_add(chosen, GINT_TO_POINTER(found));
    }
    return true;
}

/* ---- reading ---- */

static void complain(hp_ladder *l, GError *error)
{
    char *text =
        l->complaint == NULL ? g_strdup(error->message) : g_strdup_printf("%s\n%s", l->complaint, error->message);
    g_free(l->complaint);
    l->complaint = text;
    g_error_free(error);
}

static bool read_folder(hp_ladder_builder *b, const char *folder, GError **error)
{
    g_autofree char *events = g_build_filename(folder, "events.jsonl", NULL);
    g_autofree char *capture = g_build_filename(folder, "trace.pcapng", NULL);
    g_autofree char *result = g_build_filename(folder, "result.json", NULL);
    GError *fault = NULL;
    if (!g_file_test(events, G_FILE_TEST_EXISTS)) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID,
                    "%s: no evidence of a run: it holds no events.jsonl (give the folder of one case, as "
                    "out/basics/symmetric-turn)",
                    folder);
        return false;
    }
    g_autoptr(JsonNode) root = hp_evidence_load_json(result, &fault);
    JsonObject *object = root != NULL ? json_node_get_object(root) : NULL;
    if (fault != NULL) {
        complain(b->ladder, fault);
        fault = NULL;
    }
    if (object != NULL && !hp_ladder_read_result(b, object, result, error)) {
        return false;
    }
    if (!hp_evidence_read_events(events, hp_ladder_event, b, &fault)) {
        complain(b->ladder, fault);
        fault = NULL;
    }
    if (!hp_evidence_read_capture(capture, &hp_ladder_capture, b, &fault)) {
        complain(b->ladder, fault);
    }
    hp_ladder_add_messages(b);
    if (b->ladder->ended != HP_NEVER) {
        b->end = MAX(b->end, b->ladder->ended);
    }
    if (object != NULL) {
        hp_ladder_add_summary(b, object);
    }
    if (b->options->detailed) {
        b->ladder->pairs = hp_pairs_finish(b->pairs);
    }
    return true;
}

hp_ladder *hp_ladder_read(const char *folder, const hp_ladder_options *options, GError **error)
{
    hp_ladder_builder b;
    init_builder(&b, options);
    hp_ladder *ladder = NULL;
    g_autoptr(GHashTable) chosen = g_hash_table_new(NULL, NULL);
    if (read_folder(&b, folder, error) && choose(&b, chosen, error)) {
        select_and_fold(&b, g_hash_table_size(chosen) > 0 ? chosen : NULL);
        keep_participants(b.ladder);
        ladder = g_steal_pointer(&b.ladder);
    }
    clear_builder(&b);
    return ladder;
}
