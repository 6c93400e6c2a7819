/* What comes to a raw peer: inputs, and messages cut out of streams.
 *
 * Every message, and every change of a connection, becomes an arrival. An arrival is told (raw-received), may be
 * answered by the first reaction that matches, and then lies in the inbox until a receive takes it; the same message
 * can be both
 * answered and received.  */
#include <string.h>

#include "base/error.h"
#include "engines/raw_private.h"
#include "wire/bytes.h"

typedef enum input_kind {
    INPUT_DATAGRAM,
    INPUT_CONNECTED,
    INPUT_BYTES,
    INPUT_ENDED,
    INPUT_ICMP,
    INPUT_SIGNAL
} input_kind;

typedef struct hp_raw_input {
    input_kind kind;
    unsigned number;
    hp_addr from, to;
    uint8_t *data;
    size_t length;
    uint8_t ttl, tos;
    uint32_t packet;
    hp_icmp_kind icmp;
    hp_raw_arrival_kind how;
    hp_raw_signal_kind signal;
    char *name, *ufrag, *password; /* name: of a signal who, of an end why */
} hp_raw_input;

static void input_free(gpointer p)
{
    hp_raw_input *in = p;
    g_free(in->data);
    g_free(in->name);
    g_free(in->ufrag);
    g_free(in->password);
    g_free(in);
}

void hp_raw_clear_inputs(hp_raw *raw)
{
    g_queue_clear_full(&raw->pending, input_free);
}

void hp_raw_arrival_free(gpointer p)
{
    hp_raw_arrival *a = p;
    g_free(a->data);
    g_free(a->detail);
    g_free(a);
}

/* ---- arrivals ---- */

/* An answer ends the retransmissions of what it answers, also when it comes through TURN. */
static void settle_transactions(hp_raw *raw, const hp_raw_arrival *a)
{
    hp_stun_msg m;
    const uint8_t *data;
    size_t len;
    hp_raw_contents(a, true, &data, &len);
    if (data == NULL) {
        data = a->data;
        len = a->length;
    }
    if (data == NULL || !hp_stun_parse(data, len, &m) || (m.cls != HP_STUN_SUCCESS && m.cls != HP_STUN_ERROR)) {
        return;
    }
    for (guint i = raw->transactions->len; i > 0; i--) {
        const hp_raw_transaction *t = raw->transactions->pdata[i - 1];
        if (memcmp(t->id, m.id, sizeof t->id) == 0) {
            g_ptr_array_remove_index(raw->transactions, i - 1);
        }
    }
}

static void tell_unexpected(hp_raw *raw, hp_raw_arrival *a)
{
    if (a->kind != HP_RAW_MESSAGE || a->answered) {
        return;
    }
    g_autofree char *what = hp_raw_arrival_describe(a);
    hp_raw_tell(raw, &(hp_raw_event){.kind = HP_RAW_EV_UNEXPECTED,
                                     .socket = a->at->config->name,
                                     .address = a->from,
                                     .text = what,
                                     .size = a->length,
                                     .packet = a->packet});
}

void hp_raw_arrive(hp_raw *raw, const hp_raw_arrival *arrival)
{
    hp_raw_arrival *a = g_memdup2(arrival, sizeof *arrival);
    a->number = ++raw->n_arrivals;
    g_autofree char *what = hp_raw_arrival_describe(a);
    hp_raw_tell(raw, &(hp_raw_event){.kind = HP_RAW_EV_RECEIVED,
                                     .socket = a->at->config->name,
                                     .address = a->from,
                                     .text = what,
                                     .size = a->length,
                                     .packet = a->packet});
    if (a->kind == HP_RAW_MESSAGE) {
        settle_transactions(raw, a);
        hp_raw_learn(raw, a);
        a->answered = hp_raw_react(raw, a);
    }
    g_queue_push_tail(&raw->inbox, a);
    if (g_queue_get_length(&raw->inbox) > HP_RAW_MAX_INBOX) {
        hp_raw_arrival *oldest = g_queue_pop_head(&raw->inbox);
        tell_unexpected(raw, oldest);
        hp_raw_arrival_free(oldest);
    }
}

void hp_raw_tell_unexpected(hp_raw *raw)
{
    for (GList *node = raw->inbox.head; node != NULL; node = node->next) {
        tell_unexpected(raw, node->data);
    }
}

void hp_raw_message_arrive(hp_raw_endpoint *at, const hp_addr *from, const uint8_t *data, size_t len, uint8_t ttl,
                           uint8_t tos)
{
    const hp_raw_arrival arrival = {.kind = HP_RAW_MESSAGE,
                                    .at = at,
                                    .from = *from,
                                    .to = at->local,
                                    .data = len > 0 ? g_memdup2(data, len) : g_malloc0(1),
                                    .length = len,
                                    .ttl = ttl,
                                    .tos = tos,
                                    .packet = at->packet};
    hp_raw_arrive(at->raw, &arrival);
}

/* ---- streams ---- */

/* RFC 4571: two bytes of length, then the message. */
static void cut_by_length(hp_raw_endpoint *at)
{
    guint used = 0;
    while (at->input->len - used >= 2) {
        guint len = hp_get16(at->input->data + used);
        if (at->input->len - used - 2 < len) {
            break;
        }
        hp_raw_message_arrive(at, &at->remote, at->input->data + used + 2, len, 0, 0);
        used += 2 + len;
    }
    if (used > 0) {
        g_byte_array_remove_range(at->input, 0, used);
    }
}

void hp_raw_stream_arrive(hp_raw_endpoint *at, const uint8_t *data, size_t len)
{
    const uint8_t *message;
    size_t message_len;
    switch (at->config->framing) {
    case HP_RAW_FRAMING_NONE:
        hp_raw_message_arrive(at, &at->remote, data, len, 0, 0);
        break;
    case HP_RAW_FRAMING_LENGTH:
        g_byte_array_append(at->input, data, (guint)len);
        cut_by_length(at);
        break;
    case HP_RAW_FRAMING_STUN:
        if (hp_stun_stream_broken(&at->stream) != NULL) { /* no message begins there: as it comes */
            hp_raw_message_arrive(at, &at->remote, data, len, 0, 0);
            break;
        }
        hp_stun_stream_put(&at->stream, data, len);
        while (hp_stun_stream_next(&at->stream, &message, &message_len)) {
            hp_raw_message_arrive(at, &at->remote, message, message_len, 0, 0);
        }
        if (hp_stun_stream_broken(&at->stream) != NULL &&
            (message = hp_stun_stream_rest(&at->stream, &message_len)) != NULL && message_len > 0) {
            hp_raw_message_arrive(at, &at->remote, message, message_len, 0, 0);
        }
        break;
    }
}

/* ---- inputs ---- */

static void connected(hp_raw_endpoint *at, const hp_raw_input *in)
{
    hp_raw *raw = at->raw;
    g_autoptr(GError) error = NULL;
    at->state = HP_RAW_SOCKET_OPEN;
    at->local = in->to;
    at->remote = in->from;
    const hp_raw_arrival arrival = {.kind = HP_RAW_CONNECTED, .at = at, .from = in->from, .to = in->to};
    hp_raw_arrive(raw, &arrival);
    if (at->config->transport == HP_RAW_OVER_TLS && !hp_raw_secure_start(at, &at->config->secure, NULL, &error)) {
        hp_raw_tell(
            raw, &(hp_raw_event){
                     .kind = HP_RAW_EV_ERROR, .line = at->config->mark.line, .action = "open", .text = error->message});
    }
}

static void ended(hp_raw_endpoint *at, const hp_raw_input *in)
{
    bool told = at->state == HP_RAW_SOCKET_ENDED;
    if (at->tls != NULL && in->how == HP_RAW_CLOSED) {
        hp_raw_secure_end(at);
        told = told || at->state == HP_RAW_SOCKET_ENDED;
    }
    at->state = HP_RAW_SOCKET_ENDED;
    if (!told) {
        const hp_raw_arrival arrival = {.kind = in->how,
                                        .at = at,
                                        .from = at->remote,
                                        .to = at->local,
                                        .detail = g_strdup(in->name),
                                        .packet = in->packet};
        hp_raw_arrive(at->raw, &arrival);
    }
}

static void icmp(hp_raw_endpoint *at, const hp_raw_input *in)
{
    static const char *const names[] = {
        [HP_ICMP_ECHO_REQUEST] = "echo-request",
        [HP_ICMP_ECHO_REPLY] = "echo-reply",
        [HP_ICMP_PORT_UNREACHABLE] = "port-unreachable",
        [HP_ICMP_HOST_UNREACHABLE] = "host-unreachable",
        [HP_ICMP_NET_UNREACHABLE] = "net-unreachable",
        [HP_ICMP_ADMIN_PROHIBITED] = "admin-prohibited",
        [HP_ICMP_FRAG_NEEDED] = "frag-needed",
        [HP_ICMP_TTL_EXCEEDED] = "ttl-exceeded",
        [HP_ICMP_REASSEMBLY_TIMEOUT] = "reassembly-timeout",
        [HP_ICMP_OTHER] = "other",
    };
    const char *name = (size_t)in->icmp < G_N_ELEMENTS(names) ? names[in->icmp] : NULL;
    const hp_raw_arrival arrival = {.kind = HP_RAW_ICMP,
                                    .at = at,
                                    .from = in->from,
                                    .to = in->to,
                                    .icmp = in->icmp,
                                    .detail = g_strdup(name != NULL ? name : "other"),
                                    .packet = in->packet};
    hp_raw_arrive(at->raw, &arrival);
}

static void signalled(hp_raw *raw, const hp_raw_input *in)
{
    const char *const names[] = {in->name, "remote"};
    char candidate[HP_ADDR_TEXT];
    bool description = in->signal == HP_RAW_OFFER || in->signal == HP_RAW_ANSWER;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *field = g_strconcat(names[i], ".candidate", NULL);
        if (in->ufrag != NULL) {
            hp_raw_set_field(raw, names[i], "ufrag", in->ufrag);
        }
        if (in->password != NULL) {
            hp_raw_set_field(raw, names[i], "password", in->password);
        }
        if (description) {
            g_hash_table_remove(raw->variables, field);
        }
        if (in->from.family != HP_AF_NONE && hp_raw_variable(raw, field) == NULL) {
            hp_raw_set(raw, field, hp_addr_format(&in->from, candidate));
        }
    }
    hp_raw_set(raw, "remote.name", in->name);
    hp_raw_signal_arrival *s = g_new0(hp_raw_signal_arrival, 1);
    *s = (hp_raw_signal_arrival){.from = g_strdup(in->name), .type = in->signal, .number = ++raw->n_signals};
    g_queue_push_tail(&raw->signals, s);
    if (g_queue_get_length(&raw->signals) > HP_RAW_MAX_INBOX) {
        hp_raw_signal_arrival *oldest = g_queue_pop_head(&raw->signals);
        g_free(oldest->from);
        g_free(oldest);
    }
}

static void handle(hp_raw *raw, const hp_raw_input *in)
{
    hp_raw_endpoint *at = &raw->sockets[in->number];
    if (in->kind == INPUT_SIGNAL) {
        signalled(raw, in);
        return;
    }
    if (at->state == HP_RAW_SOCKET_CLOSED) {
        return; /* it was still on its way when the script closed the socket */
    }
    at->packet = in->packet;
    switch (in->kind) {
    case INPUT_DATAGRAM:
        if (!hp_raw_secure_datagram(at, &in->from, in->data, in->length)) {
            hp_raw_message_arrive(at, &in->from, in->data, in->length, in->ttl, in->tos);
        }
        break;
    case INPUT_CONNECTED:
        connected(at, in);
        break;
    case INPUT_BYTES:
        if (at->tls != NULL) {
            hp_raw_secure_bytes(at, in->data, in->length);
        } else {
            hp_raw_stream_arrive(at, in->data, in->length);
        }
        break;
    case INPUT_ENDED:
        ended(at, in);
        break;
    case INPUT_ICMP:
        icmp(at, in);
        break;
    case INPUT_SIGNAL:
        break;
    }
}

void hp_raw_drain(hp_raw *raw)
{
    hp_raw_input *in = g_queue_pop_head(&raw->pending);
    handle(raw, in);
    input_free(in);
}

static void put_in(hp_raw *raw, hp_time now, const hp_raw_input *in)
{
    if (hp_raw_enter(raw, now)) {
        handle(raw, in);
        hp_raw_leave(raw);
        return;
    }
    hp_raw_input *copy = g_memdup2(in, sizeof *in);
    copy->data = in->data != NULL ? g_memdup2(in->data, MAX(in->length, 1)) : NULL;
    copy->name = g_strdup(in->name);
    copy->ufrag = g_strdup(in->ufrag);
    copy->password = g_strdup(in->password);
    g_queue_push_tail(&raw->pending, copy);
}

void hp_raw_datagram_input(hp_raw *raw, hp_time now, unsigned number, const hp_raw_datagram *d)
{
    static const uint8_t nothing;
    put_in(raw, now,
           &(hp_raw_input){.kind = INPUT_DATAGRAM,
                           .number = number,
                           .from = d->from,
                           .to = d->to,
                           .data = (uint8_t *)(d->length > 0 ? d->data : &nothing),
                           .length = d->length,
                           .ttl = d->ttl,
                           .tos = d->tos,
                           .packet = d->packet});
}

void hp_raw_connected(hp_raw *raw, hp_time now, unsigned number, const hp_addr *local, const hp_addr *remote)
{
    put_in(raw, now, &(hp_raw_input){.kind = INPUT_CONNECTED, .number = number, .from = *remote, .to = *local});
}

void hp_raw_bytes_input(hp_raw *raw, hp_time now, unsigned number, const uint8_t *data, size_t len, uint32_t packet)
{
    put_in(raw, now,
           &(hp_raw_input){
               .kind = INPUT_BYTES, .number = number, .data = (uint8_t *)data, .length = len, .packet = packet});
}

void hp_raw_ended(hp_raw *raw, hp_time now, unsigned number, hp_raw_arrival_kind how, const char *reason,
                  uint32_t packet)
{
    put_in(
        raw, now,
        &(hp_raw_input){.kind = INPUT_ENDED, .number = number, .how = how, .name = (char *)reason, .packet = packet});
}

void hp_raw_icmp(hp_raw *raw, hp_time now, unsigned number, hp_icmp_kind kind, const hp_addr *from, const hp_addr *to,
                 uint32_t packet)
{
    put_in(raw, now,
           &(hp_raw_input){
               .kind = INPUT_ICMP, .number = number, .icmp = kind, .from = *from, .to = *to, .packet = packet});
}

void hp_raw_signal_input(hp_raw *raw, hp_time now, const char *from, hp_raw_signal_kind type, const char *ufrag,
                         const char *password, const hp_addr *candidate)
{
    put_in(raw, now,
           &(hp_raw_input){.kind = INPUT_SIGNAL,
                           .signal = type,
                           .name = (char *)from,
                           .ufrag = (char *)ufrag,
                           .password = (char *)password,
                           .from = candidate != NULL ? *candidate : (hp_addr){0}});
}

void hp_raw_writable(hp_raw *raw, hp_time now, unsigned number)
{
    hp_raw_endpoint *at = &raw->sockets[number];
    if (raw->busy || at->output->len == 0) {
        return;
    }
    uint32_t packet;
    size_t taken = raw->ops->write(raw->user, number, at->output->data, at->output->len, &packet);
    g_byte_array_remove_range(at->output, 0, (guint)taken);
}
