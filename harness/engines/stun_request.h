/* One request on its way through a server, and how a method other than Binding is plugged in. Private to the folder. */
#ifndef HP_ENGINES_STUN_REQUEST_H
#define HP_ENGINES_STUN_REQUEST_H

#include "engines/fault.h"
#include "engines/stun_auth.h"
#include "engines/stun_deadline.h"
#include "engines/stun_server.h"
#include "wire/stun.h"

/* The largest UDP payload, and room for the header of a Data indication that could not be sent anyway. */
#define HP_STUN_OUT_MAX (65535 + 128)

/* What a handler returns that has kept the request by hp_stun_request_keep(), and answers it some other time. */
#define HP_STUN_LATER 1000U

typedef struct hp_stun_request {
    hp_time now;
    const hp_stun_msg *msg;
    hp_stun_path path; /* as it arrived */
    hp_stun_path reply_path; /* RFC 5780 may move either end */
    hp_stun_credentials credentials;
    hp_fault_effect fault;
    bool fingerprint; /* the request had one, so the answer has one */
    hp_addr mapped; /* what is to be reported as the client's address */
    hp_stun_writer *w; /* the success answer, begun; a handler adds its attributes */
    hp_addr alternate; /* for 300 */
} hp_stun_request;

/* What serves the methods that the front does not know. */
typedef struct hp_stun_extension {
    void *owner;
    bool (*supports)(void *owner, uint16_t method, hp_stun_class cls);
    /* Whether it understands a comprehension-required attribute. */
    bool (*knows)(void *owner, uint16_t attribute);
    /* Handles an authenticated request without unknown attributes. Returns 0, the code of the error to answer, or
     * HP_STUN_LATER. */
    unsigned (*request)(void *owner, hp_stun_request *r);
    void (*indication)(void *owner, hp_time now, const hp_stun_msg *m, const hp_stun_path *path,
                       const hp_stun_meta *meta);
    void (*channel_data)(void *owner, hp_time now, const hp_stun_path *path, const uint8_t *data, size_t len,
                         const hp_stun_meta *meta);
    /* Loses what it holds for that 5-tuple. */
    void (*forget)(void *owner, hp_time now, const hp_stun_path *path);
} hp_stun_extension;

struct hp_stun_server {
    hp_server_config config;
    hp_server_ops ops;
    void *user;
    hp_rng rng;
    hp_stun_auth *auth;
    hp_addr addresses[HP_STUN_MAX_ADDRESSES]; /* port 0 */
    unsigned n_addresses;
    uint16_t port, alternate_port;
    hp_stun_extension extension; /* all NULL without one */
    /* Sends on a stream, for whoever keeps streams. may_drop: rather not at all than later. False: not sent. */
    bool (*stream_send)(void *owner, hp_time now, const hp_stun_path *path, const uint8_t *data, size_t len,
                        bool may_drop);
    void *stream_owner;
    hp_fault_counts counts;
    hp_deadlines deadlines; /* the extension's too */
    struct hp_stun_delayed *delayed; /* answers that wait, in no order */
    uint8_t out[HP_STUN_OUT_MAX]; /* what is being sent; free again once the op was called */
};

void hp_stun_server_event(hp_stun_server *server, hp_time now, const hp_server_event *event);
/* To path->client, over whatever path->transport is. meta NULL: the system's defaults. may_drop: see stream_send. */
bool hp_stun_server_send(hp_stun_server *server, hp_time now, const hp_stun_path *path, const uint8_t *data, size_t len,
                         const hp_stun_meta *meta, bool may_drop);

/* ---- stun_server_answer.c ---- */

/* Begins the success answer: attributes may be added to r->w. */
void hp_stun_answer_begin(hp_stun_server *server, hp_stun_request *r, hp_time now);
/* Tells of the request and sends the answer: the success as it was begun, or with a code that error. */
void hp_stun_answer_finish(hp_stun_server *server, hp_stun_request *r, unsigned code);
/* A copy with all that an answer needs; of the message only its header. Freed by hp_stun_answer() or g_free(). */
hp_stun_request *hp_stun_request_keep(const hp_stun_request *r);
/* hp_stun_answer_finish() for a kept request; frees it. */
void hp_stun_answer(hp_stun_server *server, hp_stun_request *r, hp_time now, unsigned code);
/* Nobody is there to be answered: the event alone. Frees r. */
void hp_stun_answer_never(hp_stun_server *server, hp_stun_request *r, hp_time now);
void hp_stun_server_free_delayed(hp_stun_server *server);

/* Walks the attributes that count: those before the message's integrity. Start with a zeroed cursor. */
bool hp_stun_next_covered(const hp_stun_msg *m, size_t *cursor, hp_stun_attr *ret);
/* Whether a comprehension-required attribute of a request or indication on that path is beyond the server. */
bool hp_stun_server_is_unknown(const hp_stun_server *server, const hp_stun_path *path, uint16_t attribute);
bool hp_stun_server_has_unknown(const hp_stun_server *server, const hp_stun_path *path, const hp_stun_msg *m);

/* ---- stun_binding.c ---- */

/* The address with the other IP and the other port (RFC 5780 section 6.1: Ca, Cp). False when there is none. */
bool hp_stun_other_address(const hp_stun_server *server, const hp_addr *here, hp_addr *ret);
unsigned hp_stun_binding(hp_stun_server *server, hp_stun_request *r);

#endif
