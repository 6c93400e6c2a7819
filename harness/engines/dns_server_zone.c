/* The data of the DNS server: names with their records, and the search of RFC 1034 section 4.3.2 without delegations
 * and wildcards.
 *
 * A name exists when it, or a name below it, was configured or is an apex; otherwise the answer is NXDOMAIN (RFC 8020).
 * A chain of CNAMEs is followed through this server's own names; the code is that of the last name (RFC 6604), and a
 * name outside the zones ends it without an error. Negative answers carry the SOA of the closest apex, whose TTL and
 * minimum are the time such an answer may be kept (RFC 2308 section 5).
 *
 * PTR records are made from the hosts' addresses; where several names share one, the first keeps it. RFC 7050's
 * ipv4only.arpa is always there with its two addresses: every resolver of the Internet knows it.
 *
 * The tables are arrays searched from end to end: a scenario has a handful of names. */
#include <stddef.h>

#include "base/error.h"
#include "engines/dns_server_private.h"

#define DEFAULT_TTL (300 * HP_S)
#define DEFAULT_NEGATIVE_TTL (60 * HP_S)
#define MAX_TTL INT32_MAX /* RFC 2181 section 8 */
#define IPV4ONLY "ipv4only.arpa"

static uint32_t seconds(hp_time t)
{
    return (uint32_t)MIN(t / HP_S, (hp_time)MAX_TTL);
}

static void entry_free(void *data)
{
    hp_dns_entry *e = data;
    g_free(e->addresses);
    g_free(e);
}

void hp_dns_zone_clear(hp_dns_zone_data *data)
{
    g_clear_pointer(&data->entries, g_ptr_array_unref);
    g_clear_pointer(&data->zones, g_free);
}

const hp_dns_entry *hp_dns_zone_find(const hp_dns_zone_data *data, const hp_dns_name *name)
{
    for (unsigned i = 0; i < data->entries->len; i++) {
        const hp_dns_entry *e = g_ptr_array_index(data->entries, i);
        if (hp_dns_name_equal(&e->name, name)) {
            return e;
        }
    }
    return NULL;
}

static hp_dns_entry *add_entry(hp_dns_zone_data *data, const hp_dns_name *name, uint32_t ttl)
{
    hp_dns_entry *e = g_new0(hp_dns_entry, 1);
    e->name = *name;
    e->ttl = ttl;
    g_ptr_array_add(data->entries, e);
    return e;
}

/* Addresses of one more host of that name; twice the same one stays one. */
static void add_addresses(hp_dns_entry *e, const hp_addr *addresses, unsigned n)
{
    e->addresses = g_renew(hp_addr, e->addresses, e->n_addresses + n);
    for (unsigned i = 0; i < n; i++) {
        hp_addr a = hp_addr_with_port(addresses[i], 0);
        bool known = a.family == HP_AF_NONE;
        for (unsigned k = 0; k < e->n_addresses; k++) {
            known |= hp_addr_equal(&e->addresses[k], &a);
        }
        if (!known) {
            e->addresses[e->n_addresses++] = a;
        }
    }
}

static bool add_host(hp_dns_zone_data *data, const hp_dns_host *h, uint32_t default_ttl, GError **error)
{
    hp_dns_name name, cname = {0};
    if (!hp_dns_name_parse(h->name, &name) || (h->cname != NULL && !hp_dns_name_parse(h->cname, &cname))) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "`%s` is no host name that DNS could carry",
                    hp_dns_name_parse(h->name, &name) ? h->cname : h->name);
        return false;
    }
    hp_dns_entry *e = (hp_dns_entry *)hp_dns_zone_find(data, &name);
    bool had_cname = e != NULL && e->cname.length > 0;
    bool had_addresses = e != NULL && e->n_addresses > 0;
    if ((h->cname != NULL && (h->n_addresses > 0 || had_addresses || had_cname)) || (had_cname && h->n_addresses > 0)) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "`%s` has a CNAME and something else (RFC 1034 section 3.6.2)",
                    h->name);
        return false;
    }
    uint32_t ttl = h->ttl != 0 ? seconds(h->ttl) : default_ttl;
    e = e != NULL ? e : add_entry(data, &name, ttl);
    if (h->cname != NULL) {
        e->cname = cname;
    }
    add_addresses(e, h->addresses, h->n_addresses);
    return true;
}

static void add_reverse(hp_dns_zone_data *data)
{
    unsigned n = data->entries->len;
    for (unsigned i = 0; i < n; i++) {
        hp_dns_entry *e = g_ptr_array_index(data->entries, i);
        for (unsigned k = 0; k < e->n_addresses; k++) {
            hp_dns_name name;
            if (!hp_dns_name_reverse(&e->addresses[k], &name)) {
                continue;
            }
            hp_dns_entry *reverse = (hp_dns_entry *)hp_dns_zone_find(data, &name);
            reverse = reverse != NULL ? reverse : add_entry(data, &name, e->ttl);
            if (reverse->ptr.length == 0 && reverse->cname.length == 0) {
                reverse->ptr = e->name;
            }
        }
    }
}

bool hp_dns_zone_load(hp_dns_zone_data *data, const hp_dns_config *config, GError **error)
{
    static const uint32_t ttl_of_ipv4only = 86400;
    data->entries = g_ptr_array_new_with_free_func(entry_free);
    data->zones = g_new0(hp_dns_name, config->n_zones);
    data->negative_ttl = seconds(config->negative_ttl != 0 ? config->negative_ttl : DEFAULT_NEGATIVE_TTL);
    uint32_t ttl = seconds(config->ttl != 0 ? config->ttl : DEFAULT_TTL);
    for (unsigned i = 0; i < config->n_zones; i++) {
        if (!hp_dns_name_parse(config->zones[i], &data->zones[i])) {
            g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "`%s` is no name of a zone", config->zones[i]);
            return false;
        }
        data->n_zones++;
    }
    for (unsigned i = 0; i < config->n_hosts; i++) {
        if (!add_host(data, &config->hosts[i], ttl, error)) {
            return false;
        }
    }
    if (!config->no_reverse) {
        add_reverse(data);
    }
    hp_dns_name name;
    if (hp_dns_name_parse(IPV4ONLY, &name) && hp_dns_zone_find(data, &name) == NULL) {
        const hp_addr well_known[] = {hp_addr_v4(0xc00000aa, 0), hp_addr_v4(0xc00000ab, 0)};
        add_addresses(add_entry(data, &name, ttl_of_ipv4only), well_known, 2);
    }
    return true;
}

/* The closest apex above the name, the root when the server has the whole tree. */
static bool find_apex(const hp_dns_zone_data *data, const hp_dns_name *name, hp_dns_name *ret)
{
    const hp_dns_name *best = NULL;
    for (unsigned i = 0; i < data->n_zones; i++) {
        if (hp_dns_name_within(name, &data->zones[i]) && (best == NULL || data->zones[i].length > best->length)) {
            best = &data->zones[i];
        }
    }
    if (best == NULL && data->n_zones > 0) {
        /* Names the server knows for other reasons than its zones: the reverse trees, ipv4only.arpa. */
        if (hp_dns_zone_find(data, name) == NULL) {
            return false;
        }
    }
    *ret = best != NULL ? *best : (hp_dns_name){.length = 1};
    return true;
}

static bool exists(const hp_dns_zone_data *data, const hp_dns_name *name)
{
    for (unsigned i = 0; i < data->entries->len; i++) {
        const hp_dns_entry *e = g_ptr_array_index(data->entries, i);
        if (hp_dns_name_within(&e->name, name)) {
            return true;
        }
    }
    for (unsigned i = 0; i < data->n_zones; i++) {
        if (hp_dns_name_within(&data->zones[i], name)) {
            return true;
        }
    }
    return name->length == 1;
}

static void add_soa(const hp_dns_zone_data *data, const hp_dns_name *apex, hp_dns_section section,
                    hp_dns_answer *answer)
{
    hp_dns_record r = {
        .section = section,
        .name = *apex,
        .type = HP_DNS_SOA,
        .cls = HP_DNS_IN,
        .ttl = data->negative_ttl,
    };
    hp_dns_name_parse("ns.hairpin.invalid", &r.soa.mname);
    hp_dns_name_parse("hostmaster.hairpin.invalid", &r.soa.rname);
    r.soa.serial = 1;
    r.soa.refresh = 3600;
    r.soa.retry = 600;
    r.soa.expire = 86400;
    r.soa.minimum = data->negative_ttl;
    g_array_append_val(answer->records, r);
}

static void add_name(const hp_dns_entry *e, uint16_t type, const hp_dns_name *target, hp_dns_answer *answer)
{
    hp_dns_record r = {.section = HP_DNS_ANSWER, .name = e->name, .type = type, .cls = HP_DNS_IN, .ttl = e->ttl};
    r.target = *target;
    g_array_append_val(answer->records, r);
}

static unsigned add_data(const hp_dns_entry *e, uint16_t type, hp_dns_answer *answer)
{
    unsigned n = 0;
    for (unsigned i = 0; i < e->n_addresses; i++) {
        uint16_t its = e->addresses[i].family == HP_AF_IPV4 ? HP_DNS_A : HP_DNS_AAAA;
        if (type == its || type == HP_DNS_ANY) {
            hp_dns_record r = {.section = HP_DNS_ANSWER, .name = e->name, .type = its, .cls = HP_DNS_IN, .ttl = e->ttl};
            r.addr = e->addresses[i];
            g_array_append_val(answer->records, r);
            n++;
        }
    }
    if (e->ptr.length > 0 && (type == HP_DNS_PTR || type == HP_DNS_ANY)) {
        add_name(e, HP_DNS_PTR, &e->ptr, answer);
        n++;
    }
    return n;
}

void hp_dns_zone_answer(const hp_dns_zone_data *data, const hp_dns_question *q, hp_dns_answer *answer)
{
    hp_dns_name name = q->name;
    hp_dns_name apex;
    for (unsigned chain = 0; chain <= HP_DNS_MAX_CHAIN; chain++) {
        if (!find_apex(data, &name, &apex)) {
            answer->rcode = chain == 0 ? HP_DNS_REFUSED : HP_DNS_NOERROR;
            return;
        }
        const hp_dns_entry *e = hp_dns_zone_find(data, &name);
        if (e != NULL && e->cname.length > 0) {
            add_name(e, HP_DNS_CNAME, &e->cname, answer);
            if (q->type == HP_DNS_CNAME || q->type == HP_DNS_ANY) {
                return;
            }
            name = e->cname;
            continue;
        }
        if (q->type == HP_DNS_SOA && hp_dns_name_equal(&apex, &name)) {
            add_soa(data, &apex, HP_DNS_ANSWER, answer);
            return;
        }
        if (e == NULL || add_data(e, q->type, answer) == 0) {
            answer->rcode = exists(data, &name) ? HP_DNS_NOERROR : HP_DNS_NXDOMAIN;
            add_soa(data, &apex, HP_DNS_AUTHORITY, answer);
        }
        return;
    }
    /* A chain that never ends. */
    answer->rcode = HP_DNS_SERVFAIL;
    g_array_set_size(answer->records, 0);
}
