/* Sending, as an action of a raw peer's script: messages built anew each round, cut into the segments that it asks for,
 * sent again until they are answered where it asks for that, and waiting for a socket that is not open yet; likewise
 * handshakes. */
#include <string.h>

#include "base/error.h"
#include "engines/raw_private.h"

/* The bytes of a stream, cut as the script says; what is left is the last piece. */
static void cut(const hp_raw_send *send, GBytes *framed, GPtrArray *pieces)
{
    gsize len = g_bytes_get_size(framed), at = 0;
    for (unsigned i = 0; i < send->n_segments && at < len; i++) {
        gsize size = MIN(send->segments[i], len - at);
        g_ptr_array_add(pieces, g_bytes_new_from_bytes(framed, at, size));
        at += size;
    }
    if (at < len || len == 0) {
        g_ptr_array_add(pieces, g_bytes_new_from_bytes(framed, at, len - at));
    }
}

static void remember(hp_raw *raw, const hp_raw_send *send, GBytes *bytes)
{
    gsize len;
    const uint8_t *data = g_bytes_get_data(bytes, &len);
    if (send->as == NULL) {
        return;
    }
    g_hash_table_insert(raw->sent, g_strdup(send->as), g_bytes_ref(bytes));
    const uint8_t *id = hp_raw_id_of(data, len);
    if (id != NULL) {
        g_autofree char *hex = hp_hex_format(id, 12);
        hp_raw_set_field(raw, send->as, "id", hex);
    }
}

static void retransmit(hp_raw *raw, hp_raw_thread *t, hp_raw_endpoint *at, GBytes *bytes)
{
    const hp_raw_retransmit *plan = &t->action->send.retransmit;
    gsize len;
    const uint8_t *data = g_bytes_get_data(bytes, &len);
    const uint8_t *id = hp_raw_id_of(data, len);
    if (!plan->on || plan->rc < 2 || id == NULL || hp_raw_is_stream(at)) {
        return;
    }
    hp_raw_transaction *x = g_new0(hp_raw_transaction, 1);
    *x = (hp_raw_transaction){.at = at,
                              .to = t->to,
                              .bytes = g_bytes_ref(bytes),
                              .action = t->action,
                              .next = hp_time_add(raw->now, plan->rto),
                              .interval = hp_time_add(plan->rto, plan->rto),
                              .left = plan->rc - 1};
    memcpy(x->id, id, sizeof x->id);
    g_ptr_array_add(raw->transactions, x);
}

static bool destination(hp_raw *raw, hp_raw_endpoint *at, const char *to, hp_addr *ret, GError **error)
{
    if (to != NULL) {
        return hp_raw_address(raw, to, at->config->transport, ret, error);
    }
    if (hp_raw_is_stream(at) || at->remote.family != HP_AF_NONE) {
        *ret = at->remote;
        return true;
    }
    return hp_raw_address(raw, "${last.from}", at->config->transport, ret, error);
}

/* One message, as pieces of its own; the first goes out at once. False after a failure. */
static bool make_message(hp_raw *raw, hp_raw_thread *t, hp_raw_endpoint *at, GError **error)
{
    const hp_raw_send *send = &t->action->send;
    if (!destination(raw, at, send->to, &t->to, error)) {
        return false;
    }
    g_autoptr(GPtrArray) list = hp_raw_build_all(at, &send->message, &t->to, NULL, error);
    if (list == NULL) {
        return false;
    }
    for (guint i = 0; i < list->len; i++) {
        GBytes *bytes = list->pdata[i];
        if (g_bytes_get_size(bytes) > HP_RAW_MAX_MESSAGE) {
            g_set_error_literal(error, HP_ERROR, HP_ERROR_INVALID, "the message is longer than 65535 bytes");
            return false;
        }
        remember(raw, send, bytes);
        g_autoptr(GBytes) framed = hp_raw_frame_bytes(at, bytes);
        guint before = t->pieces->len;
        cut(send, framed, t->pieces);
        /* Told of once, with its first piece. */
        if (!hp_raw_put(at, &t->to, t->pieces->pdata[before], send, error)) {
            return false;
        }
        hp_raw_tell_sent(at, &t->to, bytes, t->action->mark.line, "send");
        retransmit(raw, t, at, bytes);
        g_ptr_array_remove_index(t->pieces, before);
        if (send->gap == 0) {
            while (t->pieces->len > before) {
                if (!hp_raw_put(at, &t->to, t->pieces->pdata[before], send, error)) {
                    return false;
                }
                g_ptr_array_remove_index(t->pieces, before);
            }
        }
    }
    return true;
}

static hp_raw_endpoint *socket_of(const hp_raw_action *action, hp_raw *raw)
{
    return hp_raw_find_socket(raw, action->kind == HP_RAW_SEND ? action->send.socket : action->secure.socket);
}

/* Whether the socket can be used; error set where it never will. */
static bool is_usable(const hp_raw_endpoint *at, GError **error)
{
    switch (at->state) {
    case HP_RAW_SOCKET_OPEN:
        return true;
    case HP_RAW_SOCKET_OPENING:
        return false;
    case HP_RAW_SOCKET_CLOSED:
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "socket `%s` is not open", at->config->name);
        return false;
    case HP_RAW_SOCKET_ENDED:
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "the connection of socket `%s` has ended", at->config->name);
        return false;
    }
    return false;
}

/* True when it got on. */
bool hp_raw_go_on_sending(hp_raw *raw, hp_raw_thread *t)
{
    const hp_raw_send *send = &t->action->send;
    hp_raw_endpoint *at = socket_of(t->action, raw);
    g_autoptr(GError) error = NULL;
    if (t->wake != HP_NEVER && t->wake > raw->now) {
        return false;
    }
    if (!is_usable(at, &error)) {
        if (error == NULL) {
            return false; /* still opening */
        }
        hp_raw_fail(raw, t->action, error->message);
        return true;
    }
    if (t->pieces->len > 0) {
        if (!hp_raw_put(at, &t->to, t->pieces->pdata[0], send, &error)) {
            hp_raw_fail(raw, t->action, error->message);
            return true;
        }
        g_ptr_array_remove_index(t->pieces, 0);
    } else if (hp_raw_spend(raw, t->action, "too many messages without any time passing")) {
        t->count--;
        if (!make_message(raw, t, at, &error)) {
            hp_raw_fail(raw, t->action, error->message);
            return true;
        }
    } else {
        return true;
    }
    if (t->pieces->len > 0) {
        t->wake = hp_time_add(raw->now, send->gap);
    } else if (t->count > 0) {
        t->wake = hp_time_add(raw->now, send->every);
    } else {
        g_clear_pointer(&t->pieces, g_ptr_array_unref);
        t->state = HP_RAW_READY;
    }
    return true;
}

bool hp_raw_go_on_securing(hp_raw *raw, hp_raw_thread *t)
{
    const hp_raw_start_secure *secure = &t->action->secure;
    hp_raw_endpoint *at = socket_of(t->action, raw);
    g_autoptr(GError) error = NULL;
    hp_addr to = {0};
    if (!is_usable(at, &error)) {
        if (error == NULL) {
            return false;
        }
    } else if ((secure->to == NULL || hp_raw_address(raw, secure->to, HP_RAW_OVER_DTLS, &to, &error)) &&
               hp_raw_secure_start(at, &secure->secure, &to, &error)) {
        t->state = HP_RAW_READY;
        return true;
    }
    hp_raw_fail(raw, t->action, error->message);
    return true;
}
