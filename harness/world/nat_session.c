/* The remotes that a mapping has sent to: what filtering (RFC 4787 section 5) goes by.
 *
 * A mapping's oldest session lies in the mapping itself, and for most mappings that is all. Further ones are side
 * records in a ring from the oldest to the newest; the mapping points at the newest, whose successor is the oldest.
 * Sessions have no timers of their own: they live as long as their mapping, or until more than the allowed number are
 * remembered, when the oldest is forgotten and the next takes its place in the mapping.
 *
 * One index serves both questions a filter asks. "This address and port?" finds the session's record. "This address,
 * whatever port?" finds a count: a record, marked by `reserved`, of how many side records of the mapping share the
 * address. So each answer costs one lookup, with ten sessions or ten thousand. */
#include "world/nat_table.h"

static uint64_t session_hash(uint32_t mapping, const hp_addr *remote)
{
    uint64_t h = hp_addr_hash(remote) ^ mapping * UINT64_C(0xa0761d6478bd642f);
    h *= UINT64_C(0xe7037ed1a0b428db);
    return h ^ h >> 32;
}

static uint64_t record_hash(const void *owner, uint32_t record)
{
    const hp_nat_session *r = &((const hp_nat_sessions *)owner)->records[record];
    return session_hash(r->mapping, &r->remote);
}

static hp_addr address_of(const hp_addr *remote)
{
    hp_addr key = hp_addr_with_port(*remote, 0);
    key.reserved = 1;
    return key;
}

static uint32_t record_find(const hp_nat_sessions *s, uint32_t mapping, const hp_addr *remote)
{
    hp_nat_probe probe = hp_nat_index_start(&s->index, session_hash(mapping, remote));
    uint32_t record;
    while ((record = hp_nat_index_next(&s->index, &probe)) != 0) {
        if (s->records[record].mapping == mapping && hp_addr_equal(&s->records[record].remote, remote))
            break;
    }
    return record;
}

static uint32_t record_new(hp_nat_sessions *s, uint32_t mapping, const hp_addr *remote)
{
    uint32_t record = s->free;
    if (record) {
        s->free = s->records[record].next;
    } else {
        if (s->n == 0)
            s->n = 1;
        if (s->n > HP_NAT_INDEX_MAX_ID)
            return 0;
        if (s->n >= s->capacity) {
            s->capacity += s->capacity / 4 + 64;
            s->records = g_renew(hp_nat_session, s->records, s->capacity);
        }
        record = s->n++;
    }
    s->records[record] = (hp_nat_session){.remote = *remote, .mapping = mapping};
    hp_nat_index_insert(&s->index, session_hash(mapping, remote), record, record_hash, s);
    return record;
}

static void record_free(hp_nat_sessions *s, uint32_t record)
{
    hp_nat_index_remove(&s->index, record_hash(s, record), record, record_hash, s);
    s->records[record].next = s->free;
    s->free = record;
}

static void session_free(hp_nat_sessions *s, uint32_t record)
{
    hp_addr address = address_of(&s->records[record].remote);
    uint32_t count = record_find(s, s->records[record].mapping, &address);
    g_assert(count != 0);
    if (--s->records[count].next == 0)
        record_free(s, count);
    record_free(s, record);
}

bool hp_nat_session_has(const hp_nat_table *t, uint32_t id, hp_nat_behaviour by, const hp_addr *remote)
{
    const hp_nat_mapping *m = hp_nat_hot(t, id);
    if (hp_nat_same_remote(by, &m->remote, remote))
        return true;
    if (!m->sessions)
        return false;
    hp_addr key = by == HP_NAT_ADDRESS_DEPENDENT ? address_of(remote) : *remote;
    return record_find(&t->sessions, id, &key) != 0;
}

/* Takes the oldest side record out of the ring. */
static void ring_drop_oldest(hp_nat_table *t, hp_nat_mapping *m)
{
    hp_nat_sessions *s = &t->sessions;
    uint32_t newest = m->sessions, oldest = s->records[newest].next;

    if (oldest == newest)
        m->sessions = 0;
    else
        s->records[newest].next = s->records[oldest].next;
    session_free(s, oldest);
}

void hp_nat_session_add(hp_nat_table *t, uint32_t id, const hp_addr *remote, uint32_t max)
{
    hp_nat_sessions *s = &t->sessions;
    hp_nat_mapping *m = hp_nat_hot(t, id);

    while (m->n_sessions >= max && m->sessions) {
        m->remote = s->records[s->records[m->sessions].next].remote;
        ring_drop_oldest(t, m);
        m->n_sessions--;
    }
    if (m->n_sessions >= max) {
        m->remote = *remote;
        return;
    }

    hp_addr address = address_of(remote);
    uint32_t count = record_find(s, id, &address);
    if (!count)
        count = record_new(s, id, &address);
    uint32_t record = count ? record_new(s, id, remote) : 0;
    if (!record) {
        /* Sixteen million sessions: this one is not remembered. */
        if (count && s->records[count].next == 0)
            record_free(s, count);
        return;
    }
    s->records[count].next++;
    if (m->sessions) {
        s->records[record].next = s->records[m->sessions].next;
        s->records[m->sessions].next = record;
    } else {
        s->records[record].next = record;
    }
    m->sessions = record;
    m->n_sessions++;
}

void hp_nat_session_remove_all(hp_nat_table *t, uint32_t id)
{
    hp_nat_mapping *m = hp_nat_hot(t, id);
    while (m->sessions)
        ring_drop_oldest(t, m);
    m->n_sessions = 0;
}

void hp_nat_sessions_clear(hp_nat_sessions *s)
{
    g_free(s->records);
    hp_nat_index_clear(&s->index);
    *s = (hp_nat_sessions){0};
}

size_t hp_nat_sessions_memory(const hp_nat_sessions *s)
{
    return s->capacity * sizeof *s->records + hp_nat_index_memory(&s->index);
}
