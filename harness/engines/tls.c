/* The TLS endpoint: its life, from ClientHello to close_notify.
 *
 *     HANDSHAKING --> CONNECTED --> CLOSED
 *          |              |
 *          +--------------+-------> FAILED
 *
 * OpenSSL does the protocol between two memory BIOs. Every call into it happens between begin() and end(): the thread's
 * random numbers come from the endpoint's stream, the error queue is empty before and after, and events that OpenSSL's
 * callbacks tell of wait until it has been left (tls_event() queues, end() hands over).
 *
 * Records are decrypted when somebody reads, not when they come: so there is no buffer of plain text here, and a reader
 * that stops makes the input fill up to INPUT_MAX and take no more. That is enough for two of the largest records,
 * hence one is always whole and reading can go on. The other way write() stops once OUTPUT_MAX bytes wait to be sent;
 * the record that crosses the line is still taken, since OpenSSL splits none.
 *
 * Close_notify, too, is only seen when somebody reads up to it, which is what keeps the order. Without it an end of the
 * stream is "truncated" (RFC 8446 section 6.1), unless the peer was told close_notify before: then it need not answer.
 *
 * Limits: no sessions, tickets, renegotiation, early data or client certificates; certificates are trusted for their
 * fingerprint, never for dates, names or issuers, as everywhere in the rig. */
#include "engines/tls.h"

#include <openssl/err.h>
#include <string.h>

#include "engines/openssl_random.h"
#include "engines/tls_private.h"

enum { RECORD_MAX = 5 + 16384 + 256, INPUT_MAX = 2 * RECORD_MAX, OUTPUT_MAX = 65536, PLAIN_MAX = 16384 };

/* ---- events ---- */

typedef struct pending_event {
    hp_tls_event event;
    hp_dtls_fingerprint fingerprint;
    char alpn[256];
    char detail[];
} pending_event;

void hp_tls_tell(hp_tls *tls, const hp_tls_event *event)
{
    if (!tls->ops.event) {
        return;
    }
    const char *detail = event->detail ? event->detail : "";
    size_t size = strlen(detail) + 1;
    pending_event *p = g_malloc0(sizeof *p + size);
    p->event = *event;
    p->event.detail = memcpy(p->detail, detail, size);
    g_strlcpy(p->alpn, event->alpn ? event->alpn : "", sizeof p->alpn);
    p->event.alpn = p->alpn;
    if (event->fingerprint) {
        p->fingerprint = *event->fingerprint;
        p->event.fingerprint = &p->fingerprint;
    }
    g_queue_push_tail(&tls->events, p);
}

static void begin(hp_tls *tls)
{
    tls->outer_rng = hp_openssl_random_use(&tls->rng);
    ERR_clear_error();
}

static void end(hp_tls *tls)
{
    ERR_clear_error();
    hp_openssl_random_use(tls->outer_rng);
    if (tls->handing_over) {
        return;
    }
    tls->handing_over = true;
    for (pending_event *p; (p = g_queue_pop_head(&tls->events)) != NULL; g_free(p)) {
        tls->ops.event(tls->user, &p->event);
    }
    tls->handing_over = false;
}

/* ---- states ---- */

static bool is_over(const hp_tls *tls)
{
    return tls->state == HP_TLS_CLOSED || tls->state == HP_TLS_FAILED;
}

static void fail(hp_tls *tls, const char *detail)
{
    tls->state = HP_TLS_FAILED;
    hp_tls_tell(tls, &(hp_tls_event){.kind = HP_TLS_EV_FAILED, .detail = detail});
}

static void closed(hp_tls *tls, bool by_peer)
{
    tls->state = HP_TLS_CLOSED;
    hp_tls_tell(tls, &(hp_tls_event){.kind = HP_TLS_EV_CLOSED, .by_peer = by_peer});
}

static void connected(hp_tls *tls)
{
    const X509 *certificate = SSL_get0_peer_certificate(tls->ssl);
    const unsigned char *alpn = NULL;
    unsigned length = 0;
    char name[256] = "";
    hp_dtls_fingerprint fingerprint = {0};
    SSL_get0_alpn_selected(tls->ssl, &alpn, &length);
    if (length > 0 && length < sizeof name) {
        memcpy(name, alpn, length);
    }
    if (certificate) {
        fingerprint = hp_dtls_certificate_fingerprint(certificate, HP_DTLS_SHA256);
    }
    tls->state = HP_TLS_CONNECTED;
    hp_tls_tell(tls, &(hp_tls_event){.kind = HP_TLS_EV_CONNECTED,
                                     .number = (unsigned)SSL_version(tls->ssl),
                                     .detail = SSL_get_cipher_name(tls->ssl),
                                     .alpn = name,
                                     .fingerprint = certificate ? &fingerprint : NULL});
}

/* OpenSSL has returned something other than success: WANT_READ means that it is done with what there was. */
static void handle_refusal(hp_tls *tls, int result)
{
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        break;
    case SSL_ERROR_ZERO_RETURN:
        SSL_shutdown(tls->ssl);
        closed(tls, true);
        break;
    default: /* an open set of numbers */
        fail(tls, tls->wrong_certificate ? "fingerprint" : ERR_reason_error_string(ERR_peek_error()));
    }
}

static void shake_hands(hp_tls *tls)
{
    int done = SSL_do_handshake(tls->ssl);
    if (done == 1) {
        connected(tls);
    } else {
        handle_refusal(tls, done);
    }
}

/* ---- the stream ---- */

void hp_tls_start(hp_tls *tls)
{
    if (!tls->client || tls->started || is_over(tls)) {
        return;
    }
    tls->started = true;
    begin(tls);
    shake_hands(tls);
    end(tls);
}

size_t hp_tls_input_room(const hp_tls *tls)
{
    size_t waits = BIO_ctrl_pending(tls->in);
    return is_over(tls) || waits >= INPUT_MAX ? 0 : INPUT_MAX - waits;
}

size_t hp_tls_input(hp_tls *tls, const uint8_t *data, size_t len)
{
    size_t taken = MIN(len, hp_tls_input_room(tls));
    if (taken == 0) {
        return 0;
    }
    begin(tls);
    BIO_write(tls->in, data, (int)taken);
    if (tls->state == HP_TLS_HANDSHAKING && (!tls->client || tls->started)) {
        shake_hands(tls);
    }
    end(tls);
    return taken;
}

/* Nothing can be read: for now, or for good. */
static void refused(hp_tls *tls, int result)
{
    handle_refusal(tls, result);
    if (tls->ended && !is_over(tls)) {
        fail(tls, "truncated");
    }
}

void hp_tls_input_end(hp_tls *tls)
{
    uint8_t byte;
    if (is_over(tls)) {
        return;
    }
    begin(tls);
    tls->ended = true;
    if (tls->state == HP_TLS_HANDSHAKING) {
        fail(tls, "truncated");
    } else {
        int waits = SSL_peek(tls->ssl, &byte, 1);
        if (waits <= 0) {
            refused(tls, waits);
        }
    }
    end(tls);
}

size_t hp_tls_read(hp_tls *tls, uint8_t *out, size_t cap)
{
    if (tls->state != HP_TLS_CONNECTED || cap == 0) {
        return 0;
    }
    begin(tls);
    int length = SSL_read(tls->ssl, out, (int)MIN(cap, INT_MAX));
    if (length <= 0) {
        refused(tls, length);
    }
    end(tls);
    return length > 0 ? (size_t)length : 0;
}

size_t hp_tls_write(hp_tls *tls, const uint8_t *data, size_t len)
{
    size_t taken = 0;
    if (tls->state != HP_TLS_CONNECTED) {
        return 0;
    }
    begin(tls);
    while (taken < len && BIO_ctrl_pending(tls->out) < OUTPUT_MAX) {
        int written = SSL_write(tls->ssl, data + taken, (int)MIN(len - taken, PLAIN_MAX));
        if (written <= 0) {
            handle_refusal(tls, written);
            break;
        }
        taken += (size_t)written;
    }
    end(tls);
    return taken;
}

const uint8_t *hp_tls_output(const hp_tls *tls, size_t *ret_len)
{
    char *bytes = NULL;
    long length = BIO_get_mem_data(tls->out, &bytes);
    *ret_len = length > 0 ? (size_t)length : 0;
    return (const uint8_t *)bytes;
}

void hp_tls_output_sent(hp_tls *tls, size_t len)
{
    uint8_t sink[4096];
    while (len > 0) {
        int read = BIO_read(tls->out, sink, (int)MIN(len, sizeof sink));
        g_return_if_fail(read > 0);
        len -= (size_t)read;
    }
}

void hp_tls_close(hp_tls *tls)
{
    if (is_over(tls)) {
        return;
    }
    begin(tls);
    if (tls->state == HP_TLS_CONNECTED) {
        SSL_shutdown(tls->ssl);
    }
    closed(tls, false);
    end(tls);
}

hp_tls_state hp_tls_get_state(const hp_tls *tls)
{
    return tls->state;
}

/* ---- construction ---- */

hp_tls *hp_tls_new(hp_tls_context *context, const hp_rng *rng, const hp_tls_ops *ops, void *user)
{
    hp_tls *tls = g_new0(hp_tls, 1);
    tls->client = context->client;
    tls->ops = *ops;
    tls->user = user;
    tls->rng = *rng;
    if (context->has_expected) {
        tls->expected = context->expected;
        tls->has_expected = true;
    }
    g_queue_init(&tls->events);
    begin(tls);
    tls->in = BIO_new(BIO_s_mem());
    tls->out = BIO_new(BIO_s_mem());
    tls->ssl = SSL_new(context->ssl_context);
    g_assert(tls->ssl && tls->in && tls->out);
    BIO_set_mem_eof_return(tls->in, -1); /* empty means "later" */
    SSL_set_bio(tls->ssl, tls->in, tls->out);
    SSL_set_app_data(tls->ssl, tls);
    if (context->client) {
        if (context->server_name) {
            SSL_set_tlsext_host_name(tls->ssl, context->server_name);
        }
        SSL_set_connect_state(tls->ssl);
    } else {
        SSL_set_accept_state(tls->ssl);
    }
    end(tls);
    return tls;
}

void hp_tls_free(hp_tls *tls)
{
    if (tls) {
        SSL_free(tls->ssl); /* and the BIOs */
        g_queue_clear_full(&tls->events, g_free);
        g_free(tls);
    }
}
