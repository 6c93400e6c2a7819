/* Private to report/: what a message holds, field by field, for people: names as the RFCs write them, values as text.
 *
 *   fields.c          the list; an IP packet and what is in it
 *   fields_stun.c     STUN and TURN, ChannelData
 *   fields_dtls.c     DTLS records and handshake messages
 *   fields_rtp.c      RTP and RTCP
 *   fields_dns.c      DNS
 *   fields_tcp.c      TCP segments; fields_icmp.c ICMP
 *   fields_event.c    an event's members; a signalling message's
 *
 * What is no whole message of its kind gives as much as can be read, and says that it is cut or malformed. */
#ifndef HP_REPORT_FIELDS_H
#define HP_REPORT_FIELDS_H

#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/packet.h"

enum {
    HP_FIELDS_MAX = 200, /* later ones are left out; the last one says so */
    HP_FIELDS_MAX_TEXT = 2000, /* bytes of a value; a longer one is cut */
    HP_FIELDS_MAX_DEPTH = 4, /* of what is inside something else */
};

typedef struct hp_fields {
    GPtrArray *texts; /* char*, owned: a name, its value, the next name... */
    unsigned depth; /* of what is told now: names of what is inside begin with "> " */
} hp_fields;

hp_fields *hp_fields_new(void);
void hp_fields_free(hp_fields *fields);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_fields, hp_fields_free)
unsigned hp_fields_n(const hp_fields *fields);
const char *hp_fields_name(const hp_fields *fields, unsigned i);
const char *hp_fields_value(const hp_fields *fields, unsigned i);
/* The value of the first field of that name (marks of depth included), or NULL. */
const char *hp_fields_find(const hp_fields *fields, const char *name);

void hp_fields_add(hp_fields *fields, const char *name, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* A value of bytes that need not be text. */
void hp_fields_add_bytes(hp_fields *fields, const char *name, const void *text, size_t length);
void hp_fields_add_hex(hp_fields *fields, const char *name, const uint8_t *data, size_t length);

void hp_fields_packet(hp_fields *fields, const hp_packet *packet);
/* A datagram, by its first bytes. */
void hp_fields_datagram(hp_fields *fields, const uint8_t *data, size_t length);
void hp_fields_stun(hp_fields *fields, const uint8_t *data, size_t length);
void hp_fields_channel_data(hp_fields *fields, const uint8_t *data, size_t length);
void hp_fields_dtls(hp_fields *fields, const uint8_t *data, size_t length);
void hp_fields_rtp(hp_fields *fields, const uint8_t *data, size_t length);
void hp_fields_rtcp(hp_fields *fields, const uint8_t *data, size_t length);
/* False when the packet holds no whole DNS message. */
bool hp_fields_dns(hp_fields *fields, const hp_packet *packet);
void hp_fields_tcp(hp_fields *fields, const hp_packet *packet);
void hp_fields_icmp(hp_fields *fields, const hp_packet *packet);
/* Members of an event but for those that go without saying: its time, kind and subject, a step's number and label...; of
 * a member "json" what is in it. */
void hp_fields_event(hp_fields *fields, JsonObject *event);

#endif
