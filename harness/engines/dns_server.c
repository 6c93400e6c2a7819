/* The DNS server: from a datagram to the datagram that answers it.
 *
 * Only standard queries with one question of class IN are looked up. Responses and what cannot be parsed get no answer
 * (section 4.1.1 offers FORMERR for the latter; an answer needs at least a whole header, and gets one then). Opcodes
 * other than QUERY get NOTIMP; another count of questions FORMERR; an EDNS version above 0 BADVERS (RFC 6891 section
 * 6.1.3); other classes REFUSED.
 *
 * A datagram holds 512 bytes, or what the client's OPT allows, never more than the configured limit. Records that do
 * not fit are left out from the first one on and TC is set (RFC 2181 section 9: what is cut off is a whole set, so an
 * answer cut short keeps its CNAMEs at most). A stream has no such limit.
 *
 * The server calls itself authoritative (AA) and recursive (RA) at once: to a stub resolver it stands for the whole of
 * DNS. Faults are counted and applied here; a delayed answer is kept as bytes until its time. */
#include "engines/dns_server.h"

#include <assert.h>

#include "base/error.h"
#include "engines/dns_server_private.h"
#include "wire/bytes.h"
#include "wire/dns64.h"

#define DEFAULT_PORT 53

struct delayed {
    hp_deadline due;
    hp_dns_server *server;
    hp_dns_path path;
    size_t length;
    uint8_t bytes[];
};

static const char *const verdict_names[] = {
    [HP_DNS_ANSWERED] = "answered", [HP_DNS_NO_DATA] = "no-data", [HP_DNS_SYNTHESISED] = "synthesised",
    [HP_DNS_ERROR] = "error",       [HP_DNS_SILENT] = "silent",
};
static_assert(G_N_ELEMENTS(verdict_names) == HP_DNS_SILENT + 1, "one name a verdict");

const char *hp_dns_verdict_name(hp_dns_verdict verdict)
{
    return verdict_names[verdict];
}

static bool load_dns64(hp_dns_server *server, const hp_dns64_config *config, GError **error)
{
    server->dns64 = config->on;
    server->dns64_private = config->private_addresses;
    server->pref64 = config->prefix.base.family != HP_AF_NONE ? config->prefix : hp_dns64_well_known();
    if (!hp_dns64_prefix_valid(&server->pref64)) {
        char text[HP_ADDR_TEXT];
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s is no prefix for DNS64 (RFC 6052 section 2.2)",
                    hp_prefix_format(&server->pref64, text));
        return false;
    }
    server->n_exclude = config->n_exclude;
    server->exclude = g_memdup2(config->exclude, config->n_exclude * sizeof *config->exclude);
    return true;
}

static bool load_faults(hp_dns_server *server, const hp_dns_config *config, GError **error)
{
    server->faults = g_new0(hp_dns_fault_state, config->n_faults);
    server->n_faults = config->n_faults;
    for (unsigned i = 0; i < config->n_faults; i++) {
        hp_dns_fault_state *state = &server->faults[i];
        state->fault = config->faults[i];
        state->fault.name = NULL;
        const char *name = config->faults[i].name;
        if (name != NULL && !hp_dns_name_parse(name, &state->name)) {
            g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "`%s` is no name that could be asked for", name);
            return false;
        }
    }
    return true;
}

hp_dns_server *hp_dns_server_new(const hp_dns_config *config, const hp_dns_server_ops *ops, void *user, GError **error)
{
    g_autoptr(hp_dns_server) server = g_new0(hp_dns_server, 1);
    server->ops = *ops;
    server->user = user;
    server->port = config->port != 0 ? config->port : DEFAULT_PORT;
    server->max_udp = config->max_udp != 0 ? MAX(config->max_udp, HP_DNS_MAX_UDP) : HP_DNS_EDNS_UDP;
    server->no_edns = config->no_edns;
    server->delayed = g_ptr_array_new_with_free_func(g_free);
    if (!hp_dns_zone_load(&server->data, config, error) || !load_dns64(server, &config->dns64, error) ||
        !load_faults(server, config, error)) {
        return NULL;
    }
    return g_steal_pointer(&server);
}

void hp_dns_server_free(hp_dns_server *server)
{
    if (server == NULL) {
        return;
    }
    hp_deadlines_free(&server->deadlines);
    g_ptr_array_unref(server->delayed);
    hp_dns_zone_clear(&server->data);
    g_free(server->exclude);
    g_free(server->faults);
    g_free(server);
}

bool hp_dns_server_reload(hp_dns_server *server, const hp_dns_config *config, GError **error)
{
    hp_dns_zone_data fresh = {0};
    if (!hp_dns_zone_load(&fresh, config, error)) {
        hp_dns_zone_clear(&fresh);
        return false;
    }
    hp_dns_zone_clear(&server->data);
    server->data = fresh;
    return true;
}

uint16_t hp_dns_server_port(const hp_dns_server *server)
{
    return server->port;
}

hp_time hp_dns_server_deadline(const hp_dns_server *server)
{
    return hp_deadlines_next(&server->deadlines);
}

void hp_dns_server_run(hp_dns_server *server, hp_time now)
{
    hp_deadlines_run(&server->deadlines, now);
}

static void tell(hp_dns_server *server, hp_time now, const hp_dns_server_event *event)
{
    if (server->ops.event != NULL) {
        server->ops.event(server->user, now, event);
    }
}

static void delayed_fire(void *owner, hp_time now)
{
    struct delayed *d = owner;
    hp_dns_server *server = d->server;
    hp_dns_path path = d->path;
    size_t length = d->length;
    memcpy(server->out, d->bytes, length);
    g_ptr_array_remove(server->delayed, d);
    server->ops.send(server->user, now, &path, server->out, length);
}

static void send_answer(hp_dns_server *server, hp_time now, const hp_dns_path *path, size_t length, hp_time delay)
{
    if (delay == 0) {
        server->ops.send(server->user, now, path, server->out, length);
        return;
    }
    struct delayed *d = g_malloc0(sizeof *d + length);
    *d = (struct delayed){.server = server, .path = *path, .length = length};
    d->due.fire = delayed_fire;
    d->due.owner = d;
    memcpy(d->bytes, server->out, length);
    g_ptr_array_add(server->delayed, d);
    hp_deadlines_set(&server->deadlines, &d->due, hp_time_add(now, delay));
}

/* Header and no question, for what cannot be taken as a query. */
static void refuse(hp_dns_server *server, hp_time now, const hp_dns_path *path, uint16_t id, uint16_t flags,
                   unsigned rcode)
{
    hp_dns_writer w;
    hp_dns_begin(&w, server->out, sizeof server->out, id,
                 (uint16_t)(HP_DNS_QR | (flags & (HP_DNS_OPCODE | HP_DNS_RD)) | rcode));
    tell(server, now, &(hp_dns_server_event){.path = *path, .verdict = HP_DNS_ERROR, .rcode = rcode});
    send_answer(server, now, path, hp_dns_finish(&w), 0);
}

static void replace_addresses(hp_dns_answer *answer, const hp_dns_question *q, const hp_addr *with)
{
    hp_addr v4 = hp_addr_v4(0xc00002ff, 0);
    static const uint8_t ip[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 0xff};
    hp_addr made_up = q->type == HP_DNS_AAAA ? hp_addr_v6(ip, 0) : v4;
    uint8_t family = made_up.family;
    for (unsigned i = 0; i < answer->records->len; i++) {
        hp_dns_record *r = &g_array_index(answer->records, hp_dns_record, i);
        if (r->type == q->type && (r->type == HP_DNS_A || r->type == HP_DNS_AAAA)) {
            r->addr = with->family == family ? hp_addr_with_port(*with, 0) : made_up;
        }
    }
}

static void apply_fault(const hp_dns_server *server, const hp_dns_fault_effect *fault, const hp_dns_question *q,
                        hp_dns_answer *answer)
{
    if (fault->rcode != 0 || fault->empty) {
        g_array_set_size(answer->records, 0);
        answer->synthesised = false;
        answer->rcode = fault->rcode;
    }
    if (fault->wrong_address) {
        replace_addresses(answer, q, &fault->address);
    }
}

/* How long an answer may be on this path. */
static size_t limit_of(const hp_dns_server *server, const hp_dns_path *path, const hp_dns_msg *m)
{
    if (path->stream) {
        return sizeof server->out;
    }
    return MIN(m->has_opt ? m->udp_size : HP_DNS_MAX_UDP, server->max_udp);
}

typedef struct written {
    size_t length;
    unsigned answers;
    bool truncated;
    bool has_type; /* a record of the asked type is in it */
} written;

/* Makes the bytes. Sets are cut off whole: at the first record that does not fit, those of its type go too. */
static written write_answer(hp_dns_server *server, const hp_dns_path *path, const hp_dns_msg *m,
                            const hp_dns_question *q, const hp_dns_answer *answer, const hp_dns_fault_effect *fault)
{
    written result = {0};
    hp_dns_writer w;
    hp_dns_question echoed = *q;
    uint16_t id = fault->wrong_id ? (uint16_t)(m->id ^ 0xffff) : m->id;
    uint16_t flags = (uint16_t)(HP_DNS_QR | HP_DNS_AA | HP_DNS_RA | (m->flags & (HP_DNS_RD | HP_DNS_CD)) |
                                (answer->rcode & HP_DNS_RCODE));
    if (fault->wrong_question) {
        echoed.type = q->type == HP_DNS_A ? HP_DNS_AAAA : HP_DNS_A;
    }
    unsigned fits = fault->truncate && !path->stream ? 0 : answer->records->len;
    bool cut = fits < answer->records->len || (fault->truncate && !path->stream);
    for (bool again = true; again;) {
        again = false;
        hp_dns_begin(&w, server->out, limit_of(server, path, m), id, flags);
        if (m->has_opt && !server->no_edns) {
            hp_dns_reserve_opt(&w);
        }
        if (!hp_dns_add_question(&w, &echoed)) {
            cut = true;
            break;
        }
        for (unsigned i = 0; i < fits; i++) {
            if (!hp_dns_add_record(&w, &g_array_index(answer->records, hp_dns_record, i))) {
                uint16_t type = g_array_index(answer->records, hp_dns_record, i).type;
                for (fits = i; fits > 0 && g_array_index(answer->records, hp_dns_record, fits - 1).type == type;) {
                    fits--;
                }
                cut = again = true;
                break;
            }
        }
    }
    if (cut) {
        hp_dns_set_flags(&w, HP_DNS_TC);
    }
    if (m->has_opt && !server->no_edns) {
        hp_dns_add_opt(&w, server->max_udp, answer->rcode, m->dnssec_ok);
    }
    for (unsigned i = 0; i < fits; i++) {
        const hp_dns_record *r = &g_array_index(answer->records, hp_dns_record, i);
        result.answers += r->section == HP_DNS_ANSWER;
        result.has_type |= r->section == HP_DNS_ANSWER && (r->type == q->type || q->type == HP_DNS_ANY);
    }
    result.length = hp_dns_finish(&w);
    result.truncated = cut;
    return result;
}

static void handle_query(hp_dns_server *server, hp_time now, const hp_dns_path *path, const hp_dns_msg *m,
                         const hp_dns_question *q)
{
    hp_dns_fault_effect fault = hp_dns_fault_next(server, now, q);
    hp_dns_server_event event = {.path = *path, .question = q, .verdict = HP_DNS_SILENT, .fault = fault.any};
    if (fault.silence) {
        tell(server, now, &event);
        return;
    }
    hp_dns_answer answer = {.records = g_array_new(false, false, sizeof(hp_dns_record))};
    if (m->edns_version > 0) {
        answer.rcode = HP_DNS_BADVERS;
    } else if (q->cls != HP_DNS_IN) {
        answer.rcode = HP_DNS_REFUSED;
    } else {
        /* RFC 6147 section 5.5: with DO and CD set, the client does it all itself. */
        bool synthesis = !(m->dnssec_ok && (m->flags & HP_DNS_CD) != 0);
        hp_dns64_answer(server, q, synthesis, &answer);
    }
    apply_fault(server, &fault, q, &answer);
    written w = write_answer(server, path, m, q, &answer, &fault);
    event.rcode = answer.rcode;
    event.answers = w.answers;
    event.truncated = w.truncated;
    if (answer.rcode != HP_DNS_NOERROR) {
        event.verdict = HP_DNS_ERROR;
    } else if (!w.has_type && !w.truncated) {
        event.verdict = HP_DNS_NO_DATA;
    } else {
        event.verdict = answer.synthesised ? HP_DNS_SYNTHESISED : HP_DNS_ANSWERED;
    }
    g_array_unref(answer.records);
    tell(server, now, &event);
    send_answer(server, now, path, w.length, fault.delay_ns);
}

void hp_dns_server_input(hp_dns_server *server, hp_time now, const hp_dns_path *path, const uint8_t *data, size_t len)
{
    hp_dns_server_run(server, now);
    hp_dns_msg m;
    hp_dns_question q;
    hp_dns_cursor cursor = {0};
    uint16_t flags = len >= HP_DNS_HEADER ? hp_get16(data + 2) : HP_DNS_QR;
    if ((flags & HP_DNS_QR) != 0) {
        tell(server, now, &(hp_dns_server_event){.path = *path, .verdict = HP_DNS_SILENT});
        return;
    }
    if ((flags & HP_DNS_OPCODE) != 0) {
        refuse(server, now, path, hp_get16(data), flags, HP_DNS_NOTIMP);
        return;
    }
    if (!hp_dns_parse(data, len, &m) || m.n_questions != 1 || (m.flags & HP_DNS_TC) != 0 ||
        (m.has_opt && server->no_edns) || !hp_dns_next_question(&m, &cursor, &q)) {
        refuse(server, now, path, hp_get16(data), flags, HP_DNS_FORMERR);
        return;
    }
    handle_query(server, now, path, &m, &q);
}
