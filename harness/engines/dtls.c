/* The DTLS-SRTP endpoint: its life, from ClientHello to close_notify.
 *
 *     NEW --start--> HANDSHAKING --done--> UNVERIFIED --fingerprint matches--> CONNECTED
 *                        |                     |                                   |
 *                        +---------------------+-----------------------------------+--> CLOSED or FAILED
 *
 * OpenSSL does the protocol over a BIO of datagrams (openssl_bio.c). Every call into it happens between begin() and
 * end(): the driver's hook around it, the thread's random numbers from the endpoint's stream, an empty error queue
 * before and after. Whatever comes of it waits until end() has handed OpenSSL back (dtls_output.c).
 *
 * Keys leave only in CONNECTED: the handshake done, a profile agreed on and the certificate's fingerprint equal to the
 * signalled one. A handshake may be over before the signalling has brought the fingerprint; the endpoint then waits in
 * UNVERIFIED, and application data that comes early is dropped.
 *
 * Time. OpenSSL keeps an absolute expiry by gettimeofday(); the endpoint keeps its own by the times it is given, moved
 * whenever OpenSSL says that it moved its own. With a clock that follows the driver's times the two agree. With one
 * that does not, run() asks OpenSSL how long it still wants to wait. OpenSSL takes a timer with less than 15 ms to go
 * for expired when a datagram arrives, and retransmits then.
 *
 * Limits, all of them OpenSSL's or the protocol's. A ChangeCipherSpec that overtakes the messages before it is thrown
 * away, so that such a reordering costs a retransmission (records of the next epoch are kept). A passive side whose
 * last flight is asked for more than HP_DTLS_MAX_TIMEOUTS times ends the association. Anyone on the path can end a
 * handshake with a forged plaintext alert: DTLS 1.2 is like that. */
#include "engines/dtls.h"

#include <openssl/err.h>
#include <string.h>

#include "base/error.h"
#include "engines/dtls_private.h"
#include "engines/openssl_random.h"

/* The exporter's label (RFC 5764 section 4.2). */
#define EXPORTER_LABEL "EXTRACTOR-dtls_srtp"

/* ---- calls into OpenSSL ---- */

static void begin(hp_dtls *dtls, hp_time now)
{
    dtls->now = now;
    if (dtls->ops.enter) {
        dtls->ops.enter(dtls->user);
    }
    dtls->outer_rng = hp_openssl_random_use(&dtls->rng);
    ERR_clear_error();
}

static void end(hp_dtls *dtls)
{
    ERR_clear_error();
    hp_openssl_random_use(dtls->outer_rng);
    if (dtls->ops.leave) {
        dtls->ops.leave(dtls->user);
    }
    hp_dtls_flush(dtls);
}

static bool is_over(const hp_dtls *dtls)
{
    return dtls->state == HP_DTLS_CLOSED || dtls->state == HP_DTLS_FAILED;
}

static void finish(hp_dtls *dtls, hp_dtls_state state)
{
    dtls->state = state;
    dtls->deadline = HP_NEVER;
    g_byte_array_set_size(dtls->arrived, 0);
}

static void fail(hp_dtls *dtls, hp_dtls_failure failure, const char *detail)
{
    finish(dtls, HP_DTLS_FAILED);
    dtls->has_keys = false;
    hp_dtls_tell(dtls, &(hp_dtls_event){.kind = HP_DTLS_EV_FAILED, .failure = failure, .detail = detail});
}

/* OpenSSL gave up; its error queue and our callbacks know why. */
static void fail_as_openssl_says(hp_dtls *dtls)
{
    unsigned long code = ERR_peek_error();
    const char *detail = ERR_reason_error_string(code);
    hp_dtls_failure failure = HP_DTLS_FAIL_PROTOCOL;
    if (dtls->failure != HP_DTLS_FAIL_NONE) {
        failure = dtls->failure;
        detail = NULL;
    } else if (dtls->alert_received) {
        failure = HP_DTLS_FAIL_ALERT;
        detail = dtls->alert_received;
    } else if (ERR_GET_REASON(code) == SSL_R_READ_TIMEOUT_EXPIRED) {
        failure = HP_DTLS_FAIL_TIMEOUT;
    }
    fail(dtls, failure, detail);
}

static void closed(hp_dtls *dtls, bool by_peer)
{
    finish(dtls, HP_DTLS_CLOSED);
    hp_dtls_tell(dtls, &(hp_dtls_event){.kind = HP_DTLS_EV_CLOSED, .by_peer = by_peer});
}

/* ---- the end of the handshake ---- */

static void derive_keys(hp_dtls *dtls)
{
    size_t key, salt;
    const SRTP_PROTECTION_PROFILE *chosen = SSL_get_selected_srtp_profile(dtls->ssl);
    dtls->keys = (hp_dtls_keys){.profile = chosen ? (hp_dtls_profile)chosen->id : HP_DTLS_PROFILE_NONE};
    hp_dtls_profile_lengths(dtls->keys.profile, &key, &salt);
    dtls->keys.length = 2 * (key + salt);
    if (dtls->keys.length > 0 && SSL_export_keying_material(dtls->ssl, dtls->keys.block, dtls->keys.length,
                                                            EXPORTER_LABEL, strlen(EXPORTER_LABEL), NULL, 0, 0) != 1) {
        g_error("libssl exports no keys of a finished handshake");
    }
}

/* Once the handshake is done and whenever an expectation comes in. */
static void verify(hp_dtls *dtls)
{
    const X509 *certificate = SSL_get0_peer_certificate(dtls->ssl);
    if (dtls->n_expected == 0 && !dtls->config.any_peer) {
        return;
    }
    if (!dtls->config.any_peer && (!certificate || !hp_dtls_certificate_expected(dtls, certificate))) {
        SSL_shutdown(dtls->ssl);
        fail(dtls, HP_DTLS_FAIL_FINGERPRINT, NULL);
        return;
    }
    derive_keys(dtls);
    dtls->has_keys = true;
    dtls->state = HP_DTLS_CONNECTED;
    hp_dtls_tell(dtls,
                 &(hp_dtls_event){.kind = HP_DTLS_EV_CONNECTED, .profile = dtls->keys.profile, .keys = &dtls->keys});
}

static void handshake_done(hp_dtls *dtls)
{
    const X509 *certificate = SSL_get0_peer_certificate(dtls->ssl);
    const SRTP_PROTECTION_PROFILE *chosen = SSL_get_selected_srtp_profile(dtls->ssl);
    hp_dtls_fingerprint fingerprint = {0};
    if (certificate) {
        fingerprint = hp_dtls_certificate_fingerprint(certificate, HP_DTLS_SHA256);
    }
    dtls->state = HP_DTLS_UNVERIFIED;
    hp_dtls_context_set_mtu(dtls);
    hp_dtls_tell(dtls, &(hp_dtls_event){.kind = HP_DTLS_EV_HANDSHAKE,
                                        .profile = chosen ? (hp_dtls_profile)chosen->id : HP_DTLS_PROFILE_NONE,
                                        .detail = SSL_get_cipher_name(dtls->ssl),
                                        .fingerprint = certificate ? &fingerprint : NULL});
    verify(dtls);
}

/* ---- what comes in ---- */

static void handle_data(hp_dtls *dtls, const uint8_t *data, size_t len)
{
    if (dtls->state == HP_DTLS_CONNECTED) {
        hp_dtls_tell(dtls, &(hp_dtls_event){.kind = HP_DTLS_EV_DATA, .data = data, .length = len});
    } else {
        hp_dtls_tell(
            dtls, &(hp_dtls_event){.kind = HP_DTLS_EV_DROPPED, .detail = "peer not verified", .number = (unsigned)len});
    }
}

/* OpenSSL has returned something other than success: WANT_READ means that it is done with what there was. */
static void handle_refusal(hp_dtls *dtls, int result)
{
    switch (SSL_get_error(dtls->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        break;
    case SSL_ERROR_ZERO_RETURN: /* close_notify */
        if (dtls->state == HP_DTLS_HANDSHAKING) {
            fail(dtls, HP_DTLS_FAIL_ALERT, "close notify");
        } else {
            SSL_shutdown(dtls->ssl);
            closed(dtls, true);
        }
        break;
    default: /* an open set of numbers */
        fail_as_openssl_says(dtls);
    }
}

/* Lets OpenSSL do what it can with what has arrived. */
static void pump(hp_dtls *dtls)
{
    if (dtls->state == HP_DTLS_HANDSHAKING) {
        int done = SSL_do_handshake(dtls->ssl);
        if (done != 1) {
            handle_refusal(dtls, done);
            return;
        }
        handshake_done(dtls);
    }
    while (!is_over(dtls)) {
        uint8_t data[SSL3_RT_MAX_PLAIN_LENGTH];
        ERR_clear_error();
        int len = SSL_read(dtls->ssl, data, sizeof data);
        if (len <= 0) {
            handle_refusal(dtls, len);
            return;
        }
        handle_data(dtls, data, (size_t)len);
    }
}

void hp_dtls_input(hp_dtls *dtls, hp_time now, const uint8_t *data, size_t len)
{
    size_t dropped = len;
    const char *fault = NULL;
    switch (dtls->state) {
    case HP_DTLS_NEW:
        fault = "not started";
        break;
    case HP_DTLS_CLOSED:
    case HP_DTLS_FAILED:
        fault = "association over";
        break;
    case HP_DTLS_HANDSHAKING:
    case HP_DTLS_UNVERIFIED:
    case HP_DTLS_CONNECTED:
        fault = len > HP_DTLS_MAX_MTU ? "oversized" : hp_dtls_records_accept(data, len, dtls->arrived, &dropped);
        break;
    }
    begin(dtls, now);
    if (fault) {
        hp_dtls_tell(dtls, &(hp_dtls_event){.kind = HP_DTLS_EV_DROPPED, .detail = fault, .number = (unsigned)dropped});
    }
    if (dtls->arrived->len > 0) {
        pump(dtls);
    }
    end(dtls);
}

/* ---- what is asked of it ---- */

void hp_dtls_start(hp_dtls *dtls, hp_time now)
{
    if (dtls->state != HP_DTLS_NEW) {
        return;
    }
    begin(dtls, now);
    dtls->state = HP_DTLS_HANDSHAKING;
    pump(dtls);
    end(dtls);
}

void hp_dtls_run(hp_dtls *dtls, hp_time now)
{
    if (now < dtls->deadline) {
        return;
    }
    begin(dtls, now);
    int handled = (int)DTLSv1_handle_timeout(dtls->ssl);
    struct timeval left = {0};
    if (handled < 0) {
        fail_as_openssl_says(dtls);
    } else if (handled == 0 && DTLSv1_get_timeout(dtls->ssl, &left) == 1) {
        /* OpenSSL's clock lags behind the driver's. */
        dtls->deadline = hp_time_add(now, MAX((hp_time)left.tv_sec * HP_S + (hp_time)left.tv_usec * HP_US, HP_MS));
    }
    end(dtls);
}

hp_time hp_dtls_deadline(const hp_dtls *dtls)
{
    return dtls->deadline;
}

void hp_dtls_set_peer_fingerprints(hp_dtls *dtls, hp_time now, const hp_dtls_fingerprint *fingerprints, size_t n)
{
    if (is_over(dtls) || dtls->state == HP_DTLS_CONNECTED) {
        return;
    }
    dtls->n_expected = MIN(n, HP_DTLS_MAX_FINGERPRINTS);
    if (dtls->n_expected > 0) {
        memcpy(dtls->expected, fingerprints, dtls->n_expected * sizeof *fingerprints);
    }
    if (dtls->state == HP_DTLS_UNVERIFIED) {
        begin(dtls, now);
        verify(dtls);
        end(dtls);
    }
}

bool hp_dtls_send(hp_dtls *dtls, hp_time now, const uint8_t *data, size_t len, GError **error)
{
    if (dtls->state != HP_DTLS_CONNECTED) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "dtls: cannot send while %s", hp_dtls_state_name(dtls->state));
        return false;
    }
    size_t most = hp_dtls_data_mtu(dtls);
    if (len > most) {
        g_set_error(error, HP_ERROR, HP_ERROR_LIMIT, "dtls: %zu bytes are more than the %zu that fit a datagram", len,
                    most);
        return false;
    }
    if (len == 0) {
        return true;
    }
    begin(dtls, now);
    int written = SSL_write(dtls->ssl, data, (int)len);
    bool sent = written == (int)len;
    if (!sent) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "dtls: not sent");
        handle_refusal(dtls, written);
    }
    end(dtls);
    return sent;
}

void hp_dtls_close(hp_dtls *dtls, hp_time now)
{
    if (is_over(dtls)) {
        return;
    }
    begin(dtls, now);
    if (dtls->state == HP_DTLS_CONNECTED || dtls->state == HP_DTLS_UNVERIFIED) {
        SSL_shutdown(dtls->ssl);
    }
    closed(dtls, false);
    end(dtls);
}

bool hp_dtls_set_mtu(hp_dtls *dtls, unsigned mtu, GError **error)
{
    if (mtu < HP_DTLS_MIN_MTU || mtu > HP_DTLS_MAX_MTU) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "dtls: mtu must be %d to %d, not %u", HP_DTLS_MIN_MTU,
                    HP_DTLS_MAX_MTU, mtu);
        return false;
    }
    dtls->config.mtu = mtu;
    hp_dtls_context_set_mtu(dtls);
    return true;
}

hp_dtls_state hp_dtls_get_state(const hp_dtls *dtls)
{
    return dtls->state;
}

hp_dtls_role hp_dtls_get_role(const hp_dtls *dtls)
{
    return dtls->config.role;
}

const hp_dtls_keys *hp_dtls_get_keys(const hp_dtls *dtls)
{
    return dtls->has_keys ? &dtls->keys : NULL;
}

size_t hp_dtls_data_mtu(const hp_dtls *dtls)
{
    return dtls->state == HP_DTLS_CONNECTED ? DTLS_get_data_mtu(dtls->ssl) : 0;
}

/* ---- construction ---- */

static bool check_config(const hp_dtls_config *config, GError **error)
{
    const char *wrong = NULL;
    if (config->n_profiles > HP_DTLS_N_PROFILES) {
        wrong = "too many SRTP profiles";
    } else if (config->mtu < HP_DTLS_MIN_MTU || config->mtu > HP_DTLS_MAX_MTU) {
        wrong = "mtu out of bounds";
    } else if (config->retransmit_initial < HP_MS || config->retransmit_initial > config->retransmit_max ||
               config->retransmit_max > 3600 * HP_S) {
        wrong = "retransmission times out of bounds";
    }
    for (unsigned i = 0; !wrong && i < config->n_profiles; i++) {
        size_t key, salt;
        hp_dtls_profile_lengths(config->profiles[i], &key, &salt);
        wrong = key == 0 ? "unknown SRTP profile" : NULL;
        for (unsigned k = 0; !wrong && k < i; k++) {
            wrong = config->profiles[k] == config->profiles[i] ? "an SRTP profile twice" : NULL;
        }
    }
    if (wrong) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "dtls: %s", wrong);
    }
    return !wrong;
}

hp_dtls *hp_dtls_new(const hp_dtls_config *config, const hp_dtls_identity *identity, const hp_rng *rng,
                     const hp_dtls_ops *ops, void *user, GError **error)
{
    hp_dtls_config filled = *config;
    filled.mtu = filled.mtu > 0 ? filled.mtu : HP_DTLS_DEFAULT_MTU;
    filled.retransmit_max = filled.retransmit_max > 0 ? filled.retransmit_max : 60 * HP_S;
    filled.retransmit_initial = filled.retransmit_initial > 0 ? filled.retransmit_initial : HP_S;
    if (!check_config(&filled, error)) {
        return NULL;
    }
    g_autoptr(hp_dtls) dtls = g_new0(hp_dtls, 1);
    dtls->config = filled;
    dtls->ops = *ops;
    dtls->user = user;
    dtls->rng = *rng;
    dtls->deadline = HP_NEVER;
    dtls->arrived = g_byte_array_new();
    g_queue_init(&dtls->events);
    g_queue_init(&dtls->datagrams);
    hp_rng_bytes(&dtls->rng, dtls->cookie, sizeof dtls->cookie);
    begin(dtls, 0);
    dtls->ssl = hp_dtls_context_open(identity, dtls);
    end(dtls);
    if (!dtls->ssl) {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "dtls: this OpenSSL (%s) cannot do it",
                    OpenSSL_version(OPENSSL_VERSION));
        return NULL;
    }
    return g_steal_pointer(&dtls);
}

void hp_dtls_free(hp_dtls *dtls)
{
    if (!dtls) {
        return;
    }
    SSL_free(dtls->ssl);
    g_byte_array_unref(dtls->arrived);
    hp_dtls_clear_output(dtls);
    OPENSSL_cleanse(&dtls->keys, sizeof dtls->keys);
    g_free(dtls);
}
