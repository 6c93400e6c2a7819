/* Private to engines/: data channels, shared by data_channel.c (what is asked of them) and data_channel_input.c (what
 * the association says). */
#ifndef HP_ENGINES_DATA_CHANNEL_PRIVATE_H
#define HP_ENGINES_DATA_CHANNEL_PRIVATE_H

#include "engines/data_channel.h"
#include "engines/data_channel_message.h"

typedef struct hp_dc_entry {
    hp_data_channel public; /* first */
    bool incoming_reset, outgoing_reset; /* done */
    GBytes *early; /* the peer's next OPEN on the stream, which this side still resets; or NULL */
} hp_dc_entry;

struct hp_data_channels {
    hp_data_channels_config config;
    hp_data_channels_ops ops;
    void *user;
    hp_sctp *sctp;
    GPtrArray *list; /* of hp_dc_entry*, in order of creation; also those that are over but hold their streams */
    GPtrArray *by_stream; /* of hp_dc_entry*, or NULL */
    GQueue waiting; /* messages of the establishment protocol that SCTP had no room for */
    unsigned depth; /* of calls from outside */
};

/* ---- data_channel.c ---- */

/* Around everything that comes from outside: channels that are over and whose streams are free again go when nobody can
 * hold on to them any more. */
void hp_dc_begin(hp_data_channels *channels);
void hp_dc_end(hp_data_channels *channels);

static inline bool hp_dc_is_over(const hp_dc_entry *c)
{
    return c->public.state == HP_CHANNEL_CLOSED || c->public.state == HP_CHANNEL_FAILED;
}

hp_dc_entry *hp_dc_entry_new(hp_data_channels *channels, bool ours, const hp_channel_config *config);
hp_dc_entry *hp_dc_on_stream(const hp_data_channels *channels, uint16_t stream);
uint16_t hp_dc_free_stream(const hp_data_channels *channels);
void hp_dc_take_stream(hp_data_channels *channels, hp_dc_entry *c, uint16_t stream);
void hp_dc_begin_to_open(hp_data_channels *channels, hp_time now, hp_dc_entry *c, uint16_t stream);
void hp_dc_reset(hp_data_channels *channels, hp_time now, hp_dc_entry *c);
void hp_dc_fail(hp_data_channels *channels, hp_time now, hp_dc_entry *c, const char *why);
void hp_dc_set_state(hp_data_channels *channels, hp_time now, hp_dc_entry *c, hp_channel_state state, const char *why);
void hp_dc_tell(hp_data_channels *channels, hp_time now, hp_channel_event event);
/* Takes the message. */
void hp_dc_say_control(hp_data_channels *channels, hp_time now, uint16_t stream, GBytes *message);
void hp_dc_flush_controls(hp_data_channels *channels, hp_time now);

/* ---- data_channel_input.c ---- */

/* An hp_sctp_ops.event whose user is the hp_data_channels. */
void hp_dc_on_event(void *user, hp_time now, const hp_sctp_event *event);

#endif
