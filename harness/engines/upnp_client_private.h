/* Private to the UPnP control point: its state, and what it reads and writes. */
#ifndef HP_ENGINES_UPNP_CLIENT_PRIVATE_H
#define HP_ENGINES_UPNP_CLIENT_PRIVATE_H

#include "engines/upnp_client.h"

#define HP_UPNP_CLIENT_MAX_ANSWER 65536 /* bytes; a longer one is none */

/* Of "http://192.168.0.1:5000/rootDesc.xml". */
typedef struct hp_upnp_url {
    hp_addr host; /* with its port */
    char *path; /* owned; begins with a slash */
} hp_upnp_url;

static inline void hp_upnp_url_clear(hp_upnp_url *url)
{
    g_clear_pointer(&url->path, g_free);
    *url = (hp_upnp_url){0};
}

/* Absolute, or a path beside `base` (may be NULL). Hosts are IPv4 addresses. Outputs only on success. */
bool hp_upnp_url_parse(const char *text, const hp_upnp_url *base, hp_upnp_url *ret);
/* A multicast search for a gateway. Caller frees. */
char *hp_upnp_write_search(unsigned mx_s);
/* Whether a datagram says that a gateway is there: an answer to the search (*ret_alive false), or an announcement; then
 * its description's place, which must be the sender itself. */
bool hp_upnp_read_presence(const uint8_t *data, size_t len, const hp_addr *from, bool *ret_alive, hp_upnp_url *ret);
/* The control URL and the type of the WANIPConnection in a description. Caller frees both. */
bool hp_upnp_read_description(const char *body, size_t len, char **ret_control, char **ret_service);
/* The text of the first element of that name, without prefix. Caller frees; NULL when there is none, or no XML. */
char *hp_upnp_read_element(const char *body, size_t len, const char *name);
/* Requests. Caller frees. */
char *hp_upnp_write_get(const hp_upnp_url *url);
char *hp_upnp_write_call(const hp_upnp_url *control, const char *service, const char *action, const char *arguments);

/* A whole answer in what has come: its status and where its body stands. `ended`: nothing more will come. */
typedef enum hp_upnp_answer_state {
    HP_UPNP_ANSWER_PARTIAL,
    HP_UPNP_ANSWER_WHOLE,
    HP_UPNP_ANSWER_BAD
} hp_upnp_answer_state;
hp_upnp_answer_state hp_upnp_read_answer(const GByteArray *in, bool ended, unsigned *ret_status, const char **ret_body,
                                         size_t *ret_length);

/* ---- state ---- */

typedef enum hp_upnp_phase { HP_UPNP_IDLE, HP_UPNP_SEARCHING, HP_UPNP_FOUND, HP_UPNP_READY } hp_upnp_phase;
typedef enum hp_upnp_mapping_state { HP_UPNP_NEW, HP_UPNP_LIVE, HP_UPNP_LEAVING } hp_upnp_mapping_state;
typedef enum hp_upnp_subject { HP_UPNP_OF_DESCRIPTION, HP_UPNP_OF_ADDRESS, HP_UPNP_OF_MAPPING } hp_upnp_subject;

typedef struct hp_upnp_mapping {
    uint64_t number;
    hp_upnp_wish wish;
    uint16_t external_port;
    uint32_t lease; /* asked for, in seconds; 0: without end */
    hp_upnp_mapping_state state;
    bool wanted; /* a request is to be sent */
    bool asked; /* one was: there may be something to delete */
    unsigned tries;
    hp_addr told; /* the external address of the last HP_UPNP_CLIENT_MAPPED */
    hp_time renew, expires;
} hp_upnp_mapping;

struct hp_upnp_client {
    hp_port_client_config config;
    hp_addr local;
    hp_upnp_client_ops ops;
    void *user;
    GPtrArray *mappings; /* in the order made */
    uint64_t next_number;
    hp_time now; /* of the last call: when what is new became due */
    bool news; /* something came that run() has not looked at */

    hp_upnp_phase phase;
    unsigned searches;
    hp_time search_at; /* the next one, or the end of the search */
    hp_upnp_url description, control;
    char *service; /* its type */
    bool address_wanted;
    hp_addr external; /* family none: not known */

    /* the request under way */
    bool busy, connected;
    hp_upnp_subject subject;
    uint64_t number; /* of the mapping */
    char *request; /* until it is sent */
    GByteArray *in;
    bool ended;
    hp_time timeout;
};

/* ---- upnp_client.c ---- */

hp_upnp_mapping *hp_upnp_client_find(const hp_upnp_client *client, uint64_t number);
void hp_upnp_client_tell(hp_upnp_client *client, hp_time now, hp_upnp_client_event_kind kind, const hp_upnp_mapping *m,
                         unsigned code);
/* Takes a mapping out and tells why. */
void hp_upnp_client_drop(hp_upnp_client *client, hp_time now, hp_upnp_mapping *m, hp_upnp_client_event_kind kind,
                         unsigned code);
/* Whether the request under way is about it. */
bool hp_upnp_client_is_about(const hp_upnp_client *client, const hp_upnp_mapping *m);
/* The next mapping that wants something, or NULL. */
hp_upnp_mapping *hp_upnp_client_next(const hp_upnp_client *client);

/* ---- upnp_client_exchange.c ---- */

/* Begins what is next; false when there is nothing to begin. */
bool hp_upnp_client_begin(hp_upnp_client *client, hp_time now);
/* Sends a search, or gives up searching. */
void hp_upnp_client_search(hp_upnp_client *client, hp_time now);
/* Looks at what came on the stream. */
void hp_upnp_client_look(hp_upnp_client *client, hp_time now);
/* Gives up the request under way, if there is one. */
void hp_upnp_client_end_exchange(hp_upnp_client *client, hp_time now);
/* It came to nothing. */
void hp_upnp_client_fail(hp_upnp_client *client, hp_time now, hp_upnp_client_event_kind kind, unsigned code);

#endif
