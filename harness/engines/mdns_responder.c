/* Multicast DNS, the side that has names: probing, announcing, answering, defending (RFC 6762 sections 6 to 10).
 *
 * All names are unique records. A name is probed for when so configured: after 0 to 250 ms three queries 250 ms apart,
 * our records in the authority section (8.1). It is ours 250 ms after the last one; a response about it before that
 * makes us give it up. When another host probes for it at the same time, the greater set of records wins (8.2); the
 * loser waits a second and probes again. Then two announcements a second apart (8.3).
 *
 * Answering: unique records are answered at once (section 6). An answer goes to the groups, unless the question asks
 * for unicast and the records were multicast within a quarter of their TTL (5.4), or comes from another port than
 * 5353: then it is answered as plain DNS, with the id and the question repeated, TTLs of at most 10 s and no
 * cache-flush bit (6.7). The groups see a record at most once a second, four times when a probe is answered (section
 * 6). Known answers with at least half their TTL are left out (7.1). What a name has not is denied by NSEC (6.1); the
 * other family's address comes along as an additional record (6.2).
 *
 * A response with another address for a name of ours makes us probe again, where we probe at all, or announce again
 * (section 9). Limits: a query split over several messages (7.2) is answered message by message; PTR is not
 * answered. */
#include "base/error.h"
#include "engines/mdns_private.h"

#define PROBES 3
#define PROBE_INTERVAL (250 * HP_MS)
#define ANNOUNCEMENTS 2
#define ANNOUNCE_INTERVAL HP_S
#define DEFER HP_S
#define LEGACY_TTL 10

void hp_mdns_held_free(void *held)
{
    hp_mdns_held *h = held;
    hp_deadlines_clear(&h->m->deadlines, &h->due);
    g_free(h);
}

hp_mdns_held *hp_mdns_find_held(hp_mdns *m, const hp_dns_name *name)
{
    for (unsigned i = 0; i < m->held->len; i++) {
        hp_mdns_held *h = g_ptr_array_index(m->held, i);
        if (hp_dns_name_equal(&h->name, name)) {
            return h;
        }
    }
    return NULL;
}

static uint16_t type_of(const hp_addr *a)
{
    return a->family == HP_AF_IPV4 ? HP_DNS_A : HP_DNS_AAAA;
}

static bool has_type(const hp_mdns_held *h, uint16_t type)
{
    for (unsigned i = 0; i < h->n_addresses; i++) {
        if (type_of(&h->addresses[i]) == type) {
            return true;
        }
    }
    return false;
}

static hp_dns_record record_of(const hp_mdns_held *h, unsigned i, hp_dns_section section, uint32_t ttl, bool flush)
{
    hp_dns_record r = {.section = section, .name = h->name, .type = type_of(&h->addresses[i]), .ttl = ttl};
    r.cls = HP_DNS_IN | (flush ? HP_DNS_CACHE_FLUSH : 0);
    r.addr = h->addresses[i];
    return r;
}

static void begin_response(hp_dns_writer *w, uint8_t *buf)
{
    hp_dns_begin(w, buf, HP_MDNS_MAX, 0, HP_DNS_QR | HP_DNS_AA);
    w->multicast = true;
}

/* An announcement, or with a TTL of 0 a goodbye. */
static void announce(hp_mdns_held *h, hp_time now, uint32_t ttl)
{
    uint8_t buf[HP_MDNS_MAX];
    hp_dns_writer w;
    begin_response(&w, buf);
    for (unsigned i = 0; i < h->n_addresses; i++) {
        hp_dns_record r = record_of(h, i, HP_DNS_ANSWER, ttl, true);
        hp_dns_add_record(&w, &r);
    }
    h->multicast = now;
    hp_mdns_send(h->m, now, NULL, &w);
}

static void probe(hp_mdns_held *h, hp_time now)
{
    uint8_t buf[HP_MDNS_MAX];
    hp_dns_writer w;
    hp_dns_question q = {.name = h->name, .type = HP_DNS_ANY, .cls = HP_DNS_IN | HP_DNS_UNICAST};
    hp_dns_begin(&w, buf, sizeof buf, 0, 0);
    hp_dns_add_question(&w, &q);
    for (unsigned i = 0; i < h->n_addresses; i++) {
        hp_dns_record r = record_of(h, i, HP_DNS_AUTHORITY, h->m->ttl, false);
        hp_dns_add_record(&w, &r);
    }
    hp_mdns_send(h->m, now, NULL, &w);
}

static void held_due(void *owner, hp_time now)
{
    hp_mdns_held *h = owner;
    hp_mdns *m = h->m;
    if (h->state == HP_MDNS_PROBING && h->steps < PROBES) {
        h->steps++;
        hp_deadlines_set(&m->deadlines, &h->due, hp_time_add(now, PROBE_INTERVAL));
        probe(h, now);
        return;
    }
    if (h->state == HP_MDNS_PROBING) {
        h->state = HP_MDNS_ANNOUNCING;
        h->steps = 0;
    }
    hp_dns_name name = h->name;
    bool tell = !h->told;
    h->told = true;
    h->steps++;
    if (h->steps >= ANNOUNCEMENTS || m->config.silent) {
        h->state = HP_MDNS_ESTABLISHED;
    } else {
        hp_deadlines_set(&m->deadlines, &h->due, hp_time_add(now, ANNOUNCE_INTERVAL));
    }
    if (!m->config.silent) {
        announce(h, now, m->ttl);
    }
    if (tell) {
        hp_mdns_tell(m, now, HP_MDNS_EV_ANNOUNCED, &name, NULL, false);
    }
}

static void start(hp_mdns_held *h, hp_time at)
{
    h->state = h->m->config.probe ? HP_MDNS_PROBING : HP_MDNS_ANNOUNCING;
    h->steps = 0;
    hp_deadlines_set(&h->m->deadlines, &h->due, at);
}

static int compare_addresses(const void *a, const void *b)
{
    const hp_addr *x = a, *y = b;
    return x->family != y->family ? (int)x->family - (int)y->family : memcmp(x->ip, y->ip, 16);
}

bool hp_mdns_register(hp_mdns *m, hp_time now, const char *name, const hp_addr *addresses, unsigned n_addresses,
                      GError **error)
{
    hp_dns_name parsed;
    if (!hp_mdns_name_parse(name, &parsed, error)) {
        return false;
    }
    if (n_addresses == 0 || n_addresses > HP_MDNS_MAX_ADDRESSES || hp_mdns_find_held(m, &parsed) != NULL) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "`%s` needs 1 to %u addresses, once", name,
                    HP_MDNS_MAX_ADDRESSES);
        return false;
    }
    hp_mdns_held *h = g_new0(hp_mdns_held, 1);
    h->due.fire = held_due;
    h->due.owner = h;
    h->m = m;
    h->name = parsed;
    h->multicast = HP_NEVER;
    for (unsigned i = 0; i < n_addresses; i++) {
        h->addresses[i] = hp_addr_with_port(addresses[i], 0);
    }
    h->n_addresses = n_addresses;
    qsort(h->addresses, n_addresses, sizeof *h->addresses, compare_addresses);
    g_ptr_array_add(m->held, h);
    if (!m->config.off) {
        hp_time delay = m->config.probe ? hp_rng_below(&m->rng, PROBE_INTERVAL + 1) : 0;
        start(h, hp_time_add(now, delay));
    }
    return true;
}

void hp_mdns_unregister(hp_mdns *m, hp_time now, const char *name)
{
    hp_dns_name parsed;
    hp_mdns_held *h = hp_mdns_name_parse(name, &parsed, NULL) ? hp_mdns_find_held(m, &parsed) : NULL;
    if (h == NULL) {
        return;
    }
    bool known = h->told && !m->config.off;
    if (known && h->multicast != HP_NEVER) {
        announce(h, now, 0);
    }
    g_ptr_array_remove(m->held, h);
    if (known) {
        hp_mdns_tell(m, now, HP_MDNS_EV_GOODBYE, &parsed, NULL, false);
    }
}

/* ---- answering ---- */

/* The querier has this record already, with at least half its life left. */
static bool is_known(const hp_dns_msg *msg, const hp_dns_record *ours)
{
    hp_dns_cursor cursor = {0};
    hp_dns_record r;
    while (hp_dns_next_record(msg, &cursor, &r)) {
        if (r.section == HP_DNS_ANSWER && r.ttl >= ours->ttl / 2 && hp_dns_record_same(&r, ours)) {
            return true;
        }
    }
    return false;
}

static bool is_probe(const hp_dns_msg *msg, const hp_dns_name *name)
{
    hp_dns_cursor cursor = {0};
    hp_dns_record r;
    while (hp_dns_next_record(msg, &cursor, &r)) {
        if (r.section == HP_DNS_AUTHORITY && hp_dns_name_equal(&r.name, name)) {
            return true;
        }
    }
    return false;
}

static void add_nsec(hp_dns_writer *w, const hp_mdns_held *h, hp_dns_section section, uint32_t ttl, bool flush)
{
    uint16_t types[2];
    size_t n = 0;
    uint8_t map[34];
    if (has_type(h, HP_DNS_A)) {
        types[n++] = HP_DNS_A;
    }
    if (has_type(h, HP_DNS_AAAA)) {
        types[n++] = HP_DNS_AAAA;
    }
    hp_dns_record r = {.section = section, .name = h->name, .type = HP_DNS_NSEC, .ttl = ttl};
    r.cls = HP_DNS_IN | (flush ? HP_DNS_CACHE_FLUSH : 0);
    r.nsec.next = h->name;
    r.nsec.types = map;
    r.nsec.types_length = (uint16_t)hp_dns_nsec_types(types, n, map);
    hp_dns_add_record(w, &r);
}

/* Answers one question about a name of ours into a message with nothing in it but perhaps the question. Returns false
 * when the querier knows it all. */
static bool write_answer(hp_dns_writer *w, const hp_mdns_held *h, const hp_dns_msg *msg, const hp_dns_question *q,
                         bool legacy)
{
    uint32_t ttl = legacy ? MIN(h->m->ttl, LEGACY_TTL) : h->m->ttl;
    bool all = q->type == HP_DNS_ANY;
    unsigned matching = 0, written = 0;
    for (unsigned i = 0; i < h->n_addresses; i++) {
        hp_dns_record r = record_of(h, i, HP_DNS_ANSWER, h->m->ttl, !legacy);
        if (!all && r.type != q->type) {
            continue;
        }
        matching++;
        if (!is_known(msg, &r)) {
            r.ttl = ttl;
            written += hp_dns_add_record(w, &r);
        }
    }
    if (matching == 0) {
        add_nsec(w, h, HP_DNS_ANSWER, ttl, !legacy);
        return true;
    }
    if (written == 0) {
        return false;
    }
    if (!has_type(h, HP_DNS_A) || !has_type(h, HP_DNS_AAAA)) {
        add_nsec(w, h, HP_DNS_ADDITIONAL, ttl, !legacy);
    } else if (!all) {
        for (unsigned i = 0; i < h->n_addresses; i++) {
            hp_dns_record r = record_of(h, i, HP_DNS_ADDITIONAL, ttl, !legacy);
            if (r.type != q->type) {
                hp_dns_add_record(w, &r);
            }
        }
    }
    return true;
}

static void answer(hp_mdns_held *h, hp_time now, const hp_addr *from, const hp_dns_msg *msg, const hp_dns_question *q)
{
    hp_mdns *m = h->m;
    bool legacy = from->port != HP_MDNS_PORT;
    bool probing = is_probe(msg, &h->name);
    uint8_t buf[HP_MDNS_MAX];
    hp_dns_writer w;
    begin_response(&w, buf);
    if (legacy) {
        hp_dns_begin(&w, buf, HP_DNS_MAX_UDP, msg->id, HP_DNS_QR | HP_DNS_AA | (msg->flags & HP_DNS_RD));
        hp_dns_question plain = *q;
        plain.cls &= (uint16_t)~HP_DNS_UNICAST;
        hp_dns_add_question(&w, &plain);
    }
    if (!write_answer(&w, h, msg, q, legacy)) {
        return;
    }
    hp_time age = h->multicast == HP_NEVER ? HP_NEVER : now - h->multicast;
    bool unicast = legacy || ((q->cls & HP_DNS_UNICAST) != 0 && age < m->ttl * HP_S / 4);
    if (!unicast && age < (probing ? PROBE_INTERVAL : HP_S)) {
        return;
    }
    if (!unicast) {
        h->multicast = now;
    }
    hp_dns_name name = h->name;
    hp_mdns_send(m, now, unicast ? from : NULL, &w);
    hp_mdns_tell(m, now, HP_MDNS_EV_ANSWERED, &name, from, unicast);
}

/* Section 8.2: both sets sorted, compared record by record by class, type and data; a set that ends first is less.
 * Above 0: theirs is the greater one. */
static int compare_sets(const hp_mdns_held *h, const hp_dns_msg *msg)
{
    hp_addr theirs[HP_MDNS_MAX_ADDRESSES];
    unsigned n = 0;
    hp_dns_cursor cursor = {0};
    hp_dns_record r;
    while (hp_dns_next_record(msg, &cursor, &r) && n < G_N_ELEMENTS(theirs)) {
        if (r.section != HP_DNS_AUTHORITY || !hp_dns_name_equal(&r.name, &h->name)) {
            continue;
        }
        if (r.type != HP_DNS_A && r.type != HP_DNS_AAAA) {
            return r.type > HP_DNS_A ? 1 : -1;
        }
        theirs[n++] = r.addr;
    }
    qsort(theirs, n, sizeof *theirs, compare_addresses);
    for (unsigned i = 0; i < MIN(n, h->n_addresses); i++) {
        int order = compare_addresses(&theirs[i], &h->addresses[i]);
        if (order != 0) {
            return order;
        }
    }
    return (int)n - (int)h->n_addresses;
}

void hp_mdns_take_query(hp_mdns *m, hp_time now, const hp_addr *from, const hp_dns_msg *msg)
{
    hp_dns_cursor cursor = {0};
    hp_dns_question q;
    while (hp_dns_next_question(msg, &cursor, &q)) {
        uint16_t cls = q.cls & (uint16_t)~HP_DNS_UNICAST;
        hp_mdns_held *h = hp_mdns_find_held(m, &q.name);
        if (h == NULL || (cls != HP_DNS_IN && cls != HP_DNS_CLASS_ANY)) {
            continue;
        }
        if (h->state == HP_MDNS_PROBING) {
            if (h->steps > 0 && is_probe(msg, &q.name) && compare_sets(h, msg) > 0) {
                start(h, hp_time_add(now, DEFER));
            }
        } else if (!m->config.deaf) {
            answer(h, now, from, msg, &q);
        }
    }
}

/* ---- conflicts ---- */

static bool is_ours(const hp_mdns_held *h, const hp_dns_record *r)
{
    for (unsigned i = 0; i < h->n_addresses; i++) {
        if (hp_addr_same_ip(&h->addresses[i], &r->addr)) {
            return true;
        }
    }
    return false;
}

static void conflict(hp_mdns_held *h, hp_time now, const hp_addr *from)
{
    hp_mdns *m = h->m;
    hp_dns_name name = h->name;
    bool lost = h->state == HP_MDNS_PROBING;
    if (lost) {
        g_ptr_array_remove(m->held, h);
    } else if (m->config.probe) {
        start(h, now);
    } else if (!m->config.silent && now - h->multicast >= HP_S) {
        announce(h, now, m->ttl);
    }
    hp_mdns_tell(m, now, HP_MDNS_EV_CONFLICT, &name, from, lost);
}

void hp_mdns_take_rival(hp_mdns *m, hp_time now, const hp_addr *from, const hp_dns_msg *msg)
{
    hp_dns_cursor cursor = {0};
    hp_dns_record r;
    while (hp_dns_next_record(msg, &cursor, &r)) {
        if ((r.type != HP_DNS_A && r.type != HP_DNS_AAAA) || r.ttl == 0 || (r.cls & ~HP_DNS_CACHE_FLUSH) != HP_DNS_IN) {
            continue;
        }
        hp_mdns_held *h = hp_mdns_find_held(m, &r.name);
        if (h != NULL && !is_ours(h, &r)) {
            conflict(h, now, from);
            return;
        }
    }
}
