/* Multicast DNS, the side that looks for names (RFC 6762 sections 5.2 to 5.4, 10).
 *
 * A query is sent at once, then after 1, 2, 4 ... seconds until it is answered or its time is over. The first one asks
 * for a unicast answer (5.4): a host that starts up has heard nothing yet. An address found in the cache, or held by
 * this host itself, needs no query. A message is read whole before queries are ended by it, so that all addresses in it
 * are told together. NSEC of the name without the type ends a query too (6.1).
 *
 * The cache keeps addresses of any name heard, answer and additional sections alike, for their TTL. A record with the
 * cache-flush bit makes others of its name and type that were heard more than a second ago go in one second (10.2); a
 * TTL of 0 makes the record itself go in one second (10.1). When full, what was heard first goes. Records are not kept
 * fresh by asking again (5.2's maintenance): ICE resolves a candidate once. */
#include "base/error.h"
#include "engines/mdns_private.h"

#define FIRST_INTERVAL HP_S
#define MAX_HEARD 128

void hp_mdns_search_free(void *search)
{
    hp_mdns_search *s = search;
    hp_deadlines_clear(&s->m->deadlines, &s->due);
    g_free(s);
}

static bool wants(uint16_t type, const hp_addr *a)
{
    return type == HP_DNS_ANY || (type == HP_DNS_A) == (a->family == HP_AF_IPV4);
}

static void add_address(hp_mdns_result *result, const hp_addr *a)
{
    if (result->n_addresses < HP_MDNS_MAX_ADDRESSES) {
        result->addresses[result->n_addresses++] = *a;
    }
}

/* What the cache and our own names know. */
static bool look_up(hp_mdns *m, hp_time now, const hp_mdns_search *s, hp_mdns_result *result)
{
    const hp_mdns_held *own = hp_mdns_find_held(m, &s->name);
    if (own != NULL && own->state != HP_MDNS_PROBING) {
        for (unsigned i = 0; i < own->n_addresses; i++) {
            if (wants(s->type, &own->addresses[i])) {
                add_address(result, &own->addresses[i]);
            }
        }
        return result->n_addresses > 0;
    }
    for (unsigned i = 0; i < m->heard->len; i++) {
        const hp_mdns_heard *k = &g_array_index(m->heard, hp_mdns_heard, i);
        if (k->expires > now && wants(s->type, &k->address) && hp_dns_name_equal(&k->name, &s->name)) {
            add_address(result, &k->address);
        }
    }
    return result->n_addresses > 0;
}

static void finish(hp_mdns_search *s, hp_time now, hp_mdns_result *result, hp_mdns_status status)
{
    hp_mdns *m = s->m;
    result->query = s->number;
    result->name = s->name;
    result->status = status;
    result->sent = s->sent;
    g_ptr_array_remove(m->searches, s);
    m->ops.result(m->user, now, result);
}

static void send_query(hp_mdns_search *s, hp_time now)
{
    uint8_t buf[HP_MDNS_MAX];
    hp_dns_writer w;
    hp_dns_question q = {.name = s->name, .type = s->type, .cls = HP_DNS_IN};
    q.cls |= s->sent == 0 ? HP_DNS_UNICAST : 0;
    hp_dns_begin(&w, buf, sizeof buf, 0, 0);
    if (s->type == HP_DNS_ANY) {
        q.type = HP_DNS_A;
        hp_dns_add_question(&w, &q);
        q.type = HP_DNS_AAAA;
    }
    hp_dns_add_question(&w, &q);
    s->sent++;
    hp_deadlines_set(&s->m->deadlines, &s->due, MIN(hp_time_add(now, s->interval), s->fails));
    s->interval *= 2;
    hp_mdns_send(s->m, now, NULL, &w);
}

static void search_due(void *owner, hp_time now)
{
    hp_mdns_search *s = owner;
    hp_mdns_result result = {0};
    if (look_up(s->m, now, s, &result)) {
        finish(s, now, &result, HP_MDNS_FOUND);
    } else if (s->denied) {
        finish(s, now, &result, HP_MDNS_NOTHING);
    } else if (now >= s->fails) {
        finish(s, now, &result, HP_MDNS_TIMED_OUT);
    } else if (s->m->config.off) {
        hp_deadlines_set(&s->m->deadlines, &s->due, s->fails);
    } else {
        send_query(s, now);
    }
}

uint64_t hp_mdns_query(hp_mdns *m, hp_time now, const char *name, uint16_t type, GError **error)
{
    hp_dns_name parsed;
    if (!hp_mdns_name_parse(name, &parsed, error)) {
        return 0;
    }
    if (type != HP_DNS_A && type != HP_DNS_AAAA && type != HP_DNS_ANY) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "only addresses can be looked for, not type %u", type);
        return 0;
    }
    hp_mdns_search *s = g_new0(hp_mdns_search, 1);
    s->due.fire = search_due;
    s->due.owner = s;
    s->m = m;
    s->number = m->next_number++;
    s->name = parsed;
    s->type = type;
    s->interval = FIRST_INTERVAL;
    s->fails = hp_time_add(now, m->config.timeout);
    g_ptr_array_add(m->searches, s);
    hp_deadlines_set(&m->deadlines, &s->due, now);
    return s->number;
}

void hp_mdns_cancel(hp_mdns *m, uint64_t number)
{
    for (unsigned i = 0; i < m->searches->len; i++) {
        const hp_mdns_search *s = g_ptr_array_index(m->searches, i);
        if (s->number == number) {
            g_ptr_array_remove_index(m->searches, i);
            return;
        }
    }
}

static void flush_others(hp_mdns *m, hp_time now, const hp_dns_record *r)
{
    for (unsigned i = 0; i < m->heard->len; i++) {
        hp_mdns_heard *k = &g_array_index(m->heard, hp_mdns_heard, i);
        if (k->address.family == r->addr.family && hp_dns_name_equal(&k->name, &r->name) &&
            !hp_addr_same_ip(&k->address, &r->addr) && now - k->at > HP_S) {
            k->expires = MIN(k->expires, hp_time_add(now, HP_S));
        }
    }
}

static void keep(hp_mdns *m, hp_time now, const hp_dns_record *r)
{
    hp_mdns_heard fresh = {.name = r->name, .address = r->addr, .at = now};
    fresh.expires = hp_time_add(now, MAX(r->ttl, 1) * HP_S);
    for (unsigned i = 0; i < m->heard->len;) {
        const hp_mdns_heard *k = &g_array_index(m->heard, hp_mdns_heard, i);
        bool same = hp_addr_same_ip(&k->address, &r->addr) && hp_dns_name_equal(&k->name, &r->name);
        if (same && r->ttl == 0) {
            fresh.at = k->at;
            g_array_index(m->heard, hp_mdns_heard, i).expires = MIN(k->expires, fresh.expires);
            return;
        }
        if (same || k->expires <= now) {
            g_array_remove_index(m->heard, i);
            continue;
        }
        i++;
    }
    if (r->ttl == 0) {
        return;
    }
    if (m->heard->len >= MAX_HEARD) {
        g_array_remove_index(m->heard, 0);
    }
    g_array_append_val(m->heard, fresh);
}

/* Marks what NSEC denies. */
static void deny(hp_mdns *m, const hp_dns_record *nsec)
{
    for (unsigned i = 0; i < m->searches->len; i++) {
        hp_mdns_search *s = g_ptr_array_index(m->searches, i);
        bool a = hp_dns_nsec_has(nsec, HP_DNS_A), aaaa = hp_dns_nsec_has(nsec, HP_DNS_AAAA);
        bool exists = s->type == HP_DNS_A ? a : s->type == HP_DNS_AAAA ? aaaa : a || aaaa;
        if (!exists && hp_dns_name_equal(&nsec->name, &s->name)) {
            s->denied = true;
        }
    }
}

void hp_mdns_take_response(hp_mdns *m, hp_time now, const hp_dns_msg *msg)
{
    hp_dns_cursor cursor = {0};
    hp_dns_record r;
    while (hp_dns_next_record(msg, &cursor, &r)) {
        if ((r.cls & ~HP_DNS_CACHE_FLUSH) != HP_DNS_IN || r.section == HP_DNS_AUTHORITY) {
            continue;
        }
        if (r.type == HP_DNS_NSEC) {
            deny(m, &r);
        } else if (r.type == HP_DNS_A || r.type == HP_DNS_AAAA) {
            if ((r.cls & HP_DNS_CACHE_FLUSH) != 0) {
                flush_others(m, now, &r);
            }
            keep(m, now, &r);
        }
    }
    for (unsigned i = 0; i < m->searches->len; i++) {
        hp_mdns_search *s = g_ptr_array_index(m->searches, i);
        hp_mdns_result probe = {0};
        if (s->denied || look_up(m, now, s, &probe)) {
            hp_deadlines_set(&m->deadlines, &s->due, now);
        }
    }
}
