/* The stub resolver's memory, and what an answer says.
 *
 * An answer is read by following CNAMEs from the name asked for through the answer section, in whatever order it has
 * them, and taking the records of the asked type at the end. What is found may be kept for the smallest TTL on the
 * way. What is not there may be kept for the smaller of the SOA's TTL and its minimum (RFC 2308 section 5), and not at
 * all without a SOA. Failures are never kept. TTLs count down: a result from the cache has what is left. */
#include "engines/dns_client_private.h"

#define MAX_CHAIN 16
#define DEFAULT_SIZE 256
#define DEFAULT_MAX_TTL (86400 * HP_S)

void hp_dns_cache_init(hp_dns_cache *cache, const hp_resolver_config *config)
{
    hp_time max_ttl = config->max_ttl != 0 ? config->max_ttl : DEFAULT_MAX_TTL;
    cache->entries = g_array_new(false, false, sizeof(hp_dns_cached));
    cache->limit = config->cache_size != 0 ? config->cache_size : DEFAULT_SIZE;
    cache->max_ttl = (uint32_t)MIN(max_ttl / HP_S, (hp_time)INT32_MAX);
}

void hp_dns_cache_clear(hp_dns_cache *cache)
{
    g_array_set_size(cache->entries, 0);
}

void hp_dns_cache_put(hp_dns_cache *cache, hp_time now, const hp_dns_result *result)
{
    uint32_t ttl = MIN(result->ttl, cache->max_ttl);
    unsigned soonest = 0;
    if (ttl == 0) {
        return;
    }
    hp_dns_cached fresh = {
        .name = result->name,
        .type = result->type,
        .expires = hp_time_add(now, ttl * HP_S),
        .result = *result,
    };
    for (unsigned i = 0; i < cache->entries->len; i++) {
        hp_dns_cached *c = &g_array_index(cache->entries, hp_dns_cached, i);
        if (c->type == fresh.type && hp_dns_name_equal(&c->name, &fresh.name)) {
            *c = fresh;
            return;
        }
        if (c->expires < g_array_index(cache->entries, hp_dns_cached, soonest).expires) {
            soonest = i;
        }
    }
    if (cache->entries->len < cache->limit) {
        g_array_append_val(cache->entries, fresh);
    } else {
        g_array_index(cache->entries, hp_dns_cached, soonest) = fresh;
    }
}

bool hp_dns_cache_get(hp_dns_cache *cache, hp_time now, const hp_dns_name *name, uint16_t type, hp_dns_result *ret)
{
    for (unsigned i = 0; i < cache->entries->len; i++) {
        const hp_dns_cached *c = &g_array_index(cache->entries, hp_dns_cached, i);
        if (c->type != type || !hp_dns_name_equal(&c->name, name)) {
            continue;
        }
        if (now >= c->expires) {
            g_array_remove_index_fast(cache->entries, i);
            return false;
        }
        ret->status = c->result.status;
        ret->rcode = c->result.rcode;
        memcpy(ret->addresses, c->result.addresses, sizeof ret->addresses);
        ret->n_addresses = c->result.n_addresses;
        ret->canonical = c->result.canonical;
        ret->ttl = (uint32_t)((c->expires - now) / HP_S);
        ret->cached = true;
        return true;
    }
    return false;
}

/* The first answer record of that name and type. */
static bool find(const hp_dns_msg *m, const hp_dns_name *name, uint16_t type, hp_dns_record *ret)
{
    hp_dns_cursor cursor = {0};
    while (hp_dns_next_record(m, &cursor, ret)) {
        if (ret->section == HP_DNS_ANSWER && ret->type == type && ret->cls == HP_DNS_IN &&
            hp_dns_name_equal(&ret->name, name)) {
            return true;
        }
    }
    return false;
}

/* TTLs with the top bit set count as 0 (RFC 2181 section 8). */
static uint32_t plain_ttl(uint32_t ttl)
{
    return ttl > INT32_MAX ? 0 : ttl;
}

static void take_data(const hp_dns_msg *m, hp_dns_result *ret)
{
    hp_dns_cursor cursor = {0};
    hp_dns_record r;
    hp_dns_name at = ret->canonical;
    while (hp_dns_next_record(m, &cursor, &r)) {
        if (r.section != HP_DNS_ANSWER || r.type != ret->type || r.cls != HP_DNS_IN ||
            !hp_dns_name_equal(&r.name, &at)) {
            continue;
        }
        ret->status = HP_DNS_FOUND;
        ret->ttl = MIN(ret->ttl, plain_ttl(r.ttl));
        if (r.type == HP_DNS_PTR) {
            ret->canonical = r.target;
            return;
        }
        if (ret->n_addresses < HP_DNS_CLIENT_MAX_ADDRESSES) {
            ret->addresses[ret->n_addresses++] = r.addr;
        }
    }
}

static uint32_t negative_ttl(const hp_dns_msg *m)
{
    hp_dns_cursor cursor = {0};
    hp_dns_record r;
    while (hp_dns_next_record(m, &cursor, &r)) {
        if (r.section == HP_DNS_AUTHORITY && r.type == HP_DNS_SOA && r.cls == HP_DNS_IN) {
            return MIN(plain_ttl(r.ttl), plain_ttl(r.soa.minimum));
        }
    }
    return 0;
}

void hp_dns_read_answer(const hp_dns_msg *m, hp_dns_result *ret)
{
    hp_dns_record r;
    ret->rcode = m->rcode;
    ret->canonical = ret->name;
    ret->ttl = INT32_MAX;
    ret->n_addresses = 0;
    for (unsigned i = 0; i < MAX_CHAIN && find(m, &ret->canonical, HP_DNS_CNAME, &r); i++) {
        ret->ttl = MIN(ret->ttl, plain_ttl(r.ttl));
        ret->canonical = r.target;
    }
    ret->status = HP_DNS_NOTHING;
    if (m->rcode == HP_DNS_NOERROR) {
        take_data(m, ret);
    } else {
        ret->status = m->rcode == HP_DNS_NXDOMAIN ? HP_DNS_NO_NAME : HP_DNS_FAILED;
    }
    if (ret->status != HP_DNS_FOUND) {
        ret->ttl = ret->status == HP_DNS_FAILED ? 0 : MIN(ret->ttl, negative_ttl(m));
    }
}
