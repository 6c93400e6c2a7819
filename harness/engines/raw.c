/* The raw agent: its life, its sockets and what goes out of them.
 *
 *   script (raw_run.c) --messages (raw_message.c)--> framing, TLS, DTLS --> ops
 *   ops --> inputs (raw_input.c): TLS, DTLS, framing --> reactions, inbox --> script (raw_filter.c)
 *
 * Everything happens inside hp_raw_enter() and hp_raw_leave(): what came is handled, then every script does what it can
 * do now, until none can do anything more. An input that arrives meanwhile (a host that sends to itself) is copied and
 * handled after that, so that no part of the agent is ever entered twice.
 *
 * What is not there: retransmission but where a script asks for it, congestion control, pacing, any opinion of its own
 * on what is right. A message that a script makes too long for the network is told as an error. */
#include "engines/raw.h"

#include <string.h>

#include "base/error.h"
#include "engines/raw_private.h"
#include "wire/bytes.h"
#include "wire/demux.h"

/* ---- telling ---- */

void hp_raw_tell(hp_raw *raw, const hp_raw_event *event)
{
    hp_raw_event full = *event;
    const char **const texts[] = {&full.action, &full.socket, &full.text, &full.nearest, &full.why};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        *texts[i] = *texts[i] != NULL ? *texts[i] : "";
    }
    raw->ops->event(raw->user, raw->now, &full);
}

void hp_raw_tell_sent(hp_raw_endpoint *at, const hp_addr *to, GBytes *bytes, unsigned line, const char *action)
{
    gsize len;
    const uint8_t *data = g_bytes_get_data(bytes, &len);
    g_autofree char *what = hp_wire_describe(data, len);
    hp_raw_tell(at->raw, &(hp_raw_event){.kind = HP_RAW_EV_SENT,
                                         .line = line,
                                         .action = action,
                                         .socket = at->config->name,
                                         .address = *to,
                                         .text = what,
                                         .size = len,
                                         .packet = at->packet});
}

/* ---- life ---- */

static void free_transaction(gpointer p)
{
    hp_raw_transaction *t = p;
    g_bytes_unref(t->bytes);
    g_free(t);
}

static void free_delayed(gpointer p)
{
    hp_raw_delayed *d = p;
    g_bytes_unref(d->bytes);
    g_free(d);
}

static void free_signal(gpointer p)
{
    hp_raw_signal_arrival *s = p;
    g_free(s->from);
    g_free(s);
}

/* Ufrag and password of 24 and 128 bits and more (RFC 8445 section 5.3). */
static void make_credentials(hp_raw *raw)
{
    uint8_t bytes[20];
    hp_rng_bytes(&raw->rng, bytes, sizeof bytes);
    g_autofree char *ufrag = hp_hex_format(bytes, 4), *password = hp_hex_format(bytes + 4, 16);
    g_strlcpy(raw->ufrag, ufrag, sizeof raw->ufrag);
    g_strlcpy(raw->password, password, sizeof raw->password);
    raw->tie_breaker = hp_rng_u64(&raw->rng);
    if (raw->config->tie_breaker != NULL) {
        static const uint8_t mask[16];
        g_autoptr(GByteArray) eight = g_byte_array_new();
        if (hp_stun_value_parse(HP_STUN_ICE_CONTROLLING, raw->config->tie_breaker, mask, eight, NULL)) {
            raw->tie_breaker = hp_get64(eight->data);
        }
    }
}

static void make_sockets(hp_raw *raw)
{
    const hp_raw_config *config = raw->config;
    bool has_main = false;
    raw->main = (hp_raw_socket){.name = (char *)"main"};
    for (unsigned i = 0; i < config->n_sockets; i++) {
        has_main = has_main || strcmp(config->sockets[i].name, "main") == 0;
    }
    raw->n_sockets = config->n_sockets + !has_main;
    raw->sockets = g_new0(hp_raw_endpoint, raw->n_sockets);
    for (unsigned i = 0; i < raw->n_sockets; i++) {
        raw->sockets[i] = (hp_raw_endpoint){.raw = raw,
                                            .number = i,
                                            .config = i < config->n_sockets ? &config->sockets[i] : &raw->main,
                                            .input = g_byte_array_new(),
                                            .output = g_byte_array_new()};
    }
}

static void free_tls(gpointer tls)
{
    hp_tls_free(tls);
}

static void free_context(gpointer context)
{
    hp_tls_context_free(context);
}

static void free_dtls(gpointer dtls)
{
    hp_dtls_free(dtls);
}

hp_raw *hp_raw_new(const hp_raw_config *config, const hp_rng *rng, const hp_raw_ops *ops, void *user)
{
    hp_raw *raw = g_new0(hp_raw, 1);
    raw->config = config;
    raw->ops = ops;
    raw->user = user;
    raw->rng = *rng;
    raw->variables = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    raw->sent = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
    raw->threads = g_ptr_array_new_with_free_func(hp_raw_thread_free);
    raw->transactions = g_ptr_array_new_with_free_func(free_transaction);
    raw->delayed = g_ptr_array_new_with_free_func(free_delayed);
    raw->old_tls = g_ptr_array_new_with_free_func(free_tls);
    raw->old_contexts = g_ptr_array_new_with_free_func(free_context);
    raw->old_dtls = g_ptr_array_new_with_free_func(free_dtls);
    raw->answered = g_new0(uint64_t, MAX(config->n_answers, 1));
    g_queue_init(&raw->inbox);
    g_queue_init(&raw->signals);
    g_queue_init(&raw->pending);
    make_credentials(raw);
    make_sockets(raw);
    return raw;
}

void hp_raw_free(hp_raw *raw)
{
    if (raw == NULL) {
        return;
    }
    for (unsigned i = 0; i < raw->n_sockets; i++) {
        hp_raw_endpoint *at = &raw->sockets[i];
        hp_raw_secure_stop(at);
        hp_stun_stream_clear(&at->stream);
        g_byte_array_unref(at->input);
        g_byte_array_unref(at->output);
    }
    g_free(raw->sockets);
    g_ptr_array_unref(raw->old_tls); /* endpoints before what they have in common */
    g_ptr_array_unref(raw->old_contexts);
    g_ptr_array_unref(raw->old_dtls);
    hp_dtls_identity_free(raw->identity);
    hp_raw_clear_inputs(raw);
    g_queue_clear_full(&raw->inbox, hp_raw_arrival_free);
    g_queue_clear_full(&raw->signals, free_signal);
    g_ptr_array_unref(raw->delayed);
    g_ptr_array_unref(raw->transactions);
    g_ptr_array_unref(raw->threads);
    g_hash_table_unref(raw->sent);
    g_hash_table_unref(raw->variables);
    g_free(raw->answered);
    g_free(raw);
}

bool hp_raw_make_identity(hp_raw *raw, GError **error)
{
    if (raw->identity == NULL) {
        hp_rng rng;
        hp_rng_init(&rng, hp_rng_u64(&raw->rng), "certificate");
        raw->identity = hp_dtls_identity_new(&rng, "raw", error);
    }
    return raw->identity != NULL;
}

const char *hp_raw_ufrag(const hp_raw *raw)
{
    return raw->config->ufrag != NULL ? raw->config->ufrag : raw->ufrag;
}

const char *hp_raw_password(const hp_raw *raw)
{
    return raw->config->password != NULL ? raw->config->password : raw->password;
}

bool hp_raw_is_done(const hp_raw *raw)
{
    return raw->done;
}

unsigned hp_raw_n_sockets(const hp_raw *raw)
{
    return raw->n_sockets;
}

/* ---- in and out ---- */

bool hp_raw_enter(hp_raw *raw, hp_time now)
{
    raw->now = now;
    if (raw->busy) {
        return false;
    }
    raw->busy = true;
    return true;
}

void hp_raw_leave(hp_raw *raw)
{
    hp_raw_step(raw);
    while (!g_queue_is_empty(&raw->pending)) {
        hp_raw_drain(raw);
        hp_raw_step(raw);
    }
    raw->busy = false;
}

void hp_raw_open(hp_raw *raw, hp_time now)
{
    if (!hp_raw_enter(raw, now)) {
        return;
    }
    for (unsigned i = 0; i < raw->n_sockets; i++) {
        hp_raw_endpoint *at = &raw->sockets[i];
        g_autoptr(GError) error = NULL;
        if (!at->config->later && !hp_raw_endpoint_open(at, &error)) {
            hp_raw_tell(raw, &(hp_raw_event){.kind = HP_RAW_EV_ERROR,
                                             .line = at->config->mark.line,
                                             .action = "open",
                                             .socket = at->config->name,
                                             .text = error->message});
        }
    }
    hp_raw_leave(raw);
}

void hp_raw_start(hp_raw *raw, hp_time now)
{
    if (hp_raw_enter(raw, now)) {
        hp_raw_begin_script(raw, &raw->config->script, true);
        hp_raw_leave(raw);
    }
}

/* ---- sockets ---- */

hp_raw_endpoint *hp_raw_find_socket(hp_raw *raw, const char *name)
{
    for (unsigned i = 0; i < raw->n_sockets; i++) {
        if (strcmp(raw->sockets[i].config->name, name != NULL ? name : "main") == 0) {
            return &raw->sockets[i];
        }
    }
    return NULL;
}

bool hp_raw_local(const hp_raw *raw, const char *name, hp_addr *ret)
{
    const hp_raw_endpoint *at = hp_raw_find_socket((hp_raw *)raw, name);
    if (at == NULL || at->local.family == HP_AF_NONE) {
        return false;
    }
    *ret = at->local;
    return true;
}

bool hp_raw_endpoint_open(hp_raw_endpoint *at, GError **error)
{
    hp_raw *raw = at->raw;
    const hp_raw_socket *config = at->config;
    hp_addr remote = {0};
    if (at->state != HP_RAW_SOCKET_CLOSED) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "socket `%s` is open already", config->name);
        return false;
    }
    bool stream = hp_raw_is_stream(at);
    if (config->to != NULL && !hp_raw_address(raw, config->to, config->transport, &remote, error)) {
        return false;
    }
    /* Before anybody can answer. */
    at->state = stream ? HP_RAW_SOCKET_OPENING : HP_RAW_SOCKET_OPEN;
    at->remote = remote;
    hp_addr none = {0};
    if (!raw->ops->open(raw->user, at->number, config, stream ? &remote : &none, &at->local, error)) {
        at->state = HP_RAW_SOCKET_CLOSED;
        return false;
    }
    return config->transport != HP_RAW_OVER_DTLS || hp_raw_secure_start(at, &config->secure, &remote, error);
}

void hp_raw_endpoint_close(hp_raw_endpoint *at, bool reset)
{
    hp_raw *raw = at->raw;
    if (at->state == HP_RAW_SOCKET_CLOSED) {
        return;
    }
    if (!reset && at->state != HP_RAW_SOCKET_ENDED) {
        hp_raw_secure_close(at);
    }
    hp_raw_secure_stop(at);
    raw->ops->close(raw->user, at->number, reset);
    at->state = HP_RAW_SOCKET_CLOSED;
    at->local = at->remote = (hp_addr){0};
    hp_stun_stream_clear(&at->stream);
    g_byte_array_set_size(at->input, 0);
    g_byte_array_set_size(at->output, 0);
    for (guint i = raw->transactions->len; i > 0; i--) {
        if (((hp_raw_transaction *)raw->transactions->pdata[i - 1])->at == at) {
            g_ptr_array_remove_index(raw->transactions, i - 1);
        }
    }
    for (guint i = raw->delayed->len; i > 0; i--) {
        if (((hp_raw_delayed *)raw->delayed->pdata[i - 1])->at == at) {
            g_ptr_array_remove_index(raw->delayed, i - 1);
        }
    }
}

/* ---- output ---- */

GBytes *hp_raw_frame_bytes(const hp_raw_endpoint *at, GBytes *bytes)
{
    gsize len;
    const uint8_t *data = g_bytes_get_data(bytes, &len);
    if (!hp_raw_is_stream(at)) {
        return g_bytes_ref(bytes);
    }
    GByteArray *out = g_byte_array_new();
    if (at->config->framing == HP_RAW_FRAMING_LENGTH) {
        uint8_t head[2];
        hp_put16(head, (uint32_t)len);
        g_byte_array_append(out, head, sizeof head);
    }
    g_byte_array_append(out, data, (guint)len);
    if (at->config->framing == HP_RAW_FRAMING_STUN && hp_wire_classify(data, len) == HP_WIRE_CHANNEL_DATA) {
        static const uint8_t zeros[4];
        g_byte_array_append(out, zeros, (guint)hp_stun_stream_padding(len));
    }
    return g_byte_array_free_to_bytes(out);
}

void hp_raw_write(hp_raw_endpoint *at, const uint8_t *data, size_t len)
{
    const hp_raw *raw = at->raw;
    size_t taken = at->output->len > 0 ? 0 : raw->ops->write(raw->user, at->number, data, len, &at->packet);
    if (taken < len && at->output->len + (len - taken) <= HP_RAW_MAX_BUFFER) {
        g_byte_array_append(at->output, data + taken, (guint)(len - taken));
    }
}

bool hp_raw_put(hp_raw_endpoint *at, const hp_addr *to, GBytes *bytes, const hp_raw_send *options, GError **error)
{
    hp_raw *raw = at->raw;
    gsize len;
    const uint8_t *data = g_bytes_get_data(bytes, &len);
    at->packet = 0;
    if (hp_raw_is_stream(at)) {
        if (at->tls != NULL) {
            return hp_raw_secure_send(at, data, len, error);
        }
        hp_raw_write(at, data, len);
        return true;
    }
    if (at->dtls != NULL && !at->plain && hp_addr_equal(to, &at->remote)) {
        return hp_raw_secure_send(at, data, len, error);
    }
    if (to->port == 0) {
        char text[HP_ADDR_TEXT];
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "no port is known at %s: nobody there has signalled a candidate",
                    hp_addr_format(to, text));
        return false;
    }
    if (!raw->ops->send(raw->user, at->number, to, data, len, options != NULL ? options->ttl : 0,
                        options != NULL ? options->tos : 0, options != NULL && options->dont_fragment, &at->packet)) {
        char text[HP_ADDR_TEXT];
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%zu bytes cannot be sent to %s", len, hp_addr_format(to, text));
        return false;
    }
    return true;
}

/* ---- time ---- */

hp_time hp_raw_deadline(const hp_raw *raw)
{
    hp_time next = HP_NEVER;
    for (guint i = 0; i < raw->threads->len; i++) {
        const hp_raw_thread *t = raw->threads->pdata[i];
        next = t->state != HP_RAW_OVER && t->state != HP_RAW_READY ? MIN(next, t->wake) : next;
    }
    for (guint i = 0; i < raw->transactions->len; i++) {
        next = MIN(next, ((const hp_raw_transaction *)raw->transactions->pdata[i])->next);
    }
    for (guint i = 0; i < raw->delayed->len; i++) {
        next = MIN(next, ((const hp_raw_delayed *)raw->delayed->pdata[i])->due);
    }
    for (unsigned i = 0; i < raw->n_sockets; i++) {
        if (raw->sockets[i].dtls != NULL) {
            next = MIN(next, hp_dtls_deadline(raw->sockets[i].dtls));
        }
    }
    return next;
}

/* One that has failed to go out says nothing: the network may be back for the next. */
static void run_transactions(hp_raw *raw)
{
    for (guint i = 0; i < raw->transactions->len;) {
        hp_raw_transaction *t = raw->transactions->pdata[i];
        if (t->next > raw->now) {
            i++;
            continue;
        }
        if (hp_raw_put(t->at, &t->to, t->bytes, &t->action->send, NULL)) {
            hp_raw_tell_sent(t->at, &t->to, t->bytes, t->action->mark.line, "retransmit");
        }
        t->next = hp_time_add(raw->now, t->interval);
        t->interval = hp_time_add(t->interval, t->interval);
        if (--t->left == 0) {
            g_ptr_array_remove_index(raw->transactions, i);
        } else {
            i++;
        }
    }
}

void hp_raw_run(hp_raw *raw, hp_time now)
{
    if (!hp_raw_enter(raw, now)) {
        return;
    }
    hp_raw_run_delayed(raw);
    run_transactions(raw);
    for (unsigned i = 0; i < raw->n_sockets; i++) {
        if (raw->sockets[i].dtls != NULL && hp_dtls_deadline(raw->sockets[i].dtls) <= now) {
            hp_dtls_run(raw->sockets[i].dtls, now);
        }
    }
    hp_raw_leave(raw);
}
