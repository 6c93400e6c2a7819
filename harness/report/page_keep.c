/* Which entries of a long ladder a page shows, when there are more than its cap.
 *
 * First come those that nobody can do without: the first and the last, the packets that expectations name, every
 * failure and what stands around it. Then what concerns everyone: steps, changes of the network. What room is left,
 * beginning and end share. So the packets before a failure at the end of a long call are there, and the page can say at
 * each hole how many entries are missing in it: after the last of them an entry always follows. */
#include "report/evidence.h"
#include "report/page_private.h"

typedef struct keeper {
    const hp_ladder *ladder;
    bool *kept;
    unsigned n, limit; /* how many are kept; how many may be for now */
} keeper;

static void take(keeper *k, unsigned i)
{
    if (i < k->ladder->entries->len && !k->kept[i] && k->n < k->limit) {
        k->kept[i] = true;
        k->n++;
    }
}

static const hp_ladder_entry *entry_at(const keeper *k, unsigned i)
{
    return g_ptr_array_index(k->ladder->entries, i);
}

static void take_packets(keeper *k, JsonObject *result)
{
    g_autoptr(GHashTable) named = g_hash_table_new(NULL, NULL);
    for (unsigned i = 0; i < hp_evidence_n(result, "expectations"); i++) {
        const uint64_t packet = hp_evidence_u64(hp_evidence_at(result, "expectations", i), "packet");
        if (packet > 0) {
            g_hash_table_add(named, GUINT_TO_POINTER((unsigned)packet));
        }
    }
    for (unsigned i = 0; i < k->ladder->entries->len; i++) {
        const uint32_t packet = entry_at(k, i)->packet;
        if (packet > 0 && g_hash_table_contains(named, GUINT_TO_POINTER(packet))) {
            take(k, i);
        }
    }
}

/* All failures, from both ends where they are too many; then ever more of what surrounds them, so that the first ones
 * do not use up the room of the last. */
static void take_failures(keeper *k, unsigned around)
{
    g_autoptr(GArray) bad = g_array_new(FALSE, FALSE, sizeof(unsigned));
    for (unsigned i = 0; i < k->ladder->entries->len; i++) {
        if (entry_at(k, i)->bad) {
            g_array_append_val(bad, i);
        }
    }
    for (unsigned by = 0; by <= around && k->n < k->limit; by++) {
        for (unsigned b = 0; b < bad->len; b++) {
            const unsigned i = g_array_index(bad, unsigned, b % 2 == 0 ? b / 2 : bad->len - 1 - b / 2);
            take(k, i + by);
            take(k, i >= by ? i - by : i);
        }
    }
}

static void take_across(keeper *k)
{
    for (unsigned i = 0; i < k->ladder->entries->len; i++) {
        if (entry_at(k, i)->shape == HP_LADDER_ACROSS) {
            take(k, i);
        }
    }
}

static void take_ends(keeper *k)
{
    for (unsigned i = 0; i < k->ladder->entries->len && k->n < k->limit; i++) {
        take(k, i);
        take(k, k->ladder->entries->len - 1 - i);
    }
}

GArray *hp_page_keep(const hp_ladder *ladder, JsonObject *result, unsigned cap)
{
    enum { AROUND_PART = 20 }; /* of the cap, on either side of a failure */
    const unsigned n = ladder->entries->len;
    bool *kept = g_new0(bool, n + 1);
    keeper k = {.ladder = ladder, .kept = kept, .limit = MAX(cap, 2)};
    take(&k, 0);
    take(&k, n - 1);
    if (n > cap) {
        take_packets(&k, result);
        k.limit = cap / 2;
        take_failures(&k, cap / AROUND_PART);
        k.limit = cap / 4 * 3;
        take_across(&k);
        k.limit = cap;
    }
    take_ends(&k);
    GArray *indices = g_array_new(FALSE, FALSE, sizeof(unsigned));
    for (unsigned i = 0; i < n; i++) {
        if (kept[i]) {
            g_array_append_val(indices, i);
        }
    }
    g_free(kept);
    return indices;
}
