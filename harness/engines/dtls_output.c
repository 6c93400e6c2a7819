/* What an endpoint gives out: events and datagrams wait here until OpenSSL has been left.
 *
 * Handing over from inside OpenSSL's callbacks would let a driver that delivers at once come back into a half-done SSL
 * object. So everything queues, and the outermost call hands it over at its end: all events first, so that the driver
 * knows of new keys before the peer can make use of them, then datagrams one by one, with whatever events a nested call
 * adds in front of the next datagram. */
#include <string.h>

#include "engines/dtls_private.h"

typedef struct hp_dtls_pending {
    hp_time at;
    hp_dtls_event event;
    hp_dtls_fingerprint fingerprint;
    hp_dtls_keys keys;
    size_t length;
    uint8_t bytes[]; /* a datagram; of an event: its data, then its detail with NUL */
} hp_dtls_pending;

void hp_dtls_tell(hp_dtls *dtls, const hp_dtls_event *event)
{
    if (!dtls->ops.event) {
        return;
    }
    const char *detail = event->detail ? event->detail : "";
    size_t detail_size = strlen(detail) + 1;
    hp_dtls_pending *p = g_malloc(sizeof *p + event->length + detail_size);
    *p = (hp_dtls_pending){.at = dtls->now, .event = *event, .length = event->length};
    if (event->length > 0) {
        memcpy(p->bytes, event->data, event->length);
        p->event.data = p->bytes;
    }
    p->event.detail = memcpy(p->bytes + event->length, detail, detail_size);
    if (event->fingerprint) {
        p->fingerprint = *event->fingerprint;
        p->event.fingerprint = &p->fingerprint;
    }
    if (event->keys) {
        p->keys = *event->keys;
        p->event.keys = &p->keys;
    }
    g_queue_push_tail(&dtls->events, p);
}

void hp_dtls_queue_datagram(hp_dtls *dtls, const uint8_t *data, size_t len)
{
    hp_dtls_pending *p = g_malloc(sizeof *p + len);
    *p = (hp_dtls_pending){.at = dtls->now, .length = len};
    memcpy(p->bytes, data, len);
    g_queue_push_tail(&dtls->datagrams, p);
}

void hp_dtls_flush(hp_dtls *dtls)
{
    if (dtls->flushing) {
        return;
    }
    dtls->flushing = true;
    for (;;) {
        g_autofree hp_dtls_pending *event = g_queue_pop_head(&dtls->events);
        if (event) {
            dtls->ops.event(dtls->user, event->at, &event->event);
            continue;
        }
        g_autofree hp_dtls_pending *datagram = g_queue_pop_head(&dtls->datagrams);
        if (!datagram) {
            break;
        }
        dtls->ops.send(dtls->user, datagram->at, datagram->bytes, datagram->length);
    }
    dtls->flushing = false;
}

void hp_dtls_clear_output(hp_dtls *dtls)
{
    g_queue_clear_full(&dtls->events, g_free);
    g_queue_clear_full(&dtls->datagrams, g_free);
}
