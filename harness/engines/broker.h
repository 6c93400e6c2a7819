/* The signalling broker, sans-IO: JSON messages in, copies to every client out, later, and perhaps not all of them.
 *
 * A message: {"id": ..., "type": "offer"|"answer"|"candidate", ...}; the broker reads no more than `type` and `to`. It
 * sends a copy to every joined client, the sender included (unless echo is off). Each copy draws its own delay, loss,
 * duplication and hold-back from the broker's stream. Copies due at one instant leave in the order they were made. */
#ifndef HP_ENGINES_BROKER_H
#define HP_ENGINES_BROKER_H

#include <glib.h>

#include "base/rng.h"
#include "base/time.h"
#include "config/signaling.h"

typedef struct hp_broker hp_broker;

typedef struct hp_broker_ops {
    /* A copy reaches client `to`. json ends in NUL. */
    void (*deliver)(void *user, hp_time now, unsigned to, unsigned from, uint64_t message, const char *type,
                    const char *json);
    /* A copy is lost; told at the time when it would have arrived. */
    void (*lost)(void *user, hp_time now, unsigned to, unsigned from, uint64_t message, const char *type);
} hp_broker_ops;

hp_broker *hp_broker_new(const hp_signaling_config *config, const hp_rng *rng, const hp_broker_ops *ops, void *user);
void hp_broker_free(hp_broker *broker);
/* Returns the client's number: 0, 1, 2... name is what `to` says to address it; copied. */
unsigned hp_broker_join(hp_broker *broker, const char *name);
void hp_broker_leave(hp_broker *broker, unsigned client);
/* Takes a message from a client; returns its number (1, 2, ...), or 0 and HP_ERROR_INVALID when it is no JSON object
 * with a known `type`. *ret_type: the type's name. */
uint64_t hp_broker_post(hp_broker *broker, hp_time now, unsigned from, const char *json, const char **ret_type,
                        GError **error);
/* Numbers are counted up in *last from now on, by an atomic addition, as others do. It outlives the broker. NULL: the
 * broker's own count. */
void hp_broker_share_numbers(hp_broker *broker, uint64_t *last);
/* The same as hp_broker_post() of a message that has got its number already, from the counter that is shared; not 0. */
bool hp_broker_post_numbered(hp_broker *broker, hp_time now, unsigned from, uint64_t number, const char *json,
                             GError **error);
/* The name of the type of a message that hp_broker_post() takes; NULL and HP_ERROR_INVALID of others. */
const char *hp_broker_type_of(const char *json, GError **error);
hp_time hp_broker_deadline(const hp_broker *broker);
/* Delivers what is due. */
void hp_broker_run(hp_broker *broker, hp_time now);
void hp_broker_configure(hp_broker *broker, const hp_signaling_config *config);

#endif
