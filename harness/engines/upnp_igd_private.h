/* Private to the UPnP gateway: its state, streams, and a control request while it is served. */
#ifndef HP_ENGINES_UPNP_IGD_PRIVATE_H
#define HP_ENGINES_UPNP_IGD_PRIVATE_H

#include "engines/upnp_igd.h"

#define HP_UPNP_SERVER "Hairpin/" HAIRPIN_VERSION " UPnP/1.0 IGD"
#define HP_UPNP_DESCRIPTION "/rootDesc.xml"
#define HP_UPNP_SERVICE_DESCRIPTION "/WANIPCn.xml"
#define HP_UPNP_CONTROL "/ctl/IPConn"
#define HP_UPNP_EVENTS "/evt/IPConn"
#define HP_UPNP_URN "urn:schemas-upnp-org:"
#define HP_UPNP_UUID 37

/* The devices, each inside the one before. */
typedef enum hp_upnp_device { HP_UPNP_ROOT, HP_UPNP_WAN, HP_UPNP_WAN_CONNECTION, HP_UPNP_DEVICES } hp_upnp_device;

/* A device or service as SSDP names it. */
typedef enum hp_upnp_target_kind { HP_UPNP_ROOT_DEVICE, HP_UPNP_BY_UUID, HP_UPNP_BY_TYPE } hp_upnp_target_kind;
typedef struct hp_upnp_target {
    hp_upnp_target_kind kind;
    hp_upnp_device device;
    const char *type; /* "device:WANDevice", without version */
} hp_upnp_target;
#define HP_UPNP_TARGETS 8

struct hp_upnp_igd {
    hp_leases *leases;
    const hp_port_mapping_config *config;
    hp_addr inside;
    uint16_t port;
    unsigned version;
    hp_rng rng;
    hp_upnp_ops ops;
    void *user;
    char uuid[HP_UPNP_DEVICES][HP_UPNP_UUID];
    hp_deadlines deadlines;
    GPtrArray *replies; /* of struct reply; see upnp_igd_ssdp.c */
    GPtrArray *conns; /* of hp_upnp_conn */
};

struct hp_upnp_conn {
    hp_upnp_igd *igd;
    hp_addr client;
    void *stream;
    GByteArray *in;
    GString *out;
    bool closing; /* nothing more is read */
    bool busy; /* called from inside stream_send() */
};

/* ---- upnp_igd.c ---- */

void hp_upnp_tell(hp_upnp_igd *igd, hp_time now, const hp_upnp_event *event);

/* ---- upnp_igd_ssdp.c ---- */

extern const hp_upnp_target hp_upnp_targets[HP_UPNP_TARGETS];
void hp_ssdp_reply_free(void *reply);

/* ---- upnp_igd_head.c ---- */

/* The head of an HTTP message, start line and fields, taken apart. */
#define HP_HTTP_MAX_FIELDS 32
typedef struct hp_http_head {
    char *text; /* owned; the rest points into it */
    const char *method, *target, *version;
    struct {
        const char *name, *value;
    } fields[HP_HTTP_MAX_FIELDS];
    unsigned n_fields;
} hp_http_head;

/* Reads `len` bytes that end in an empty line. False on anything that is no request. */
bool hp_http_head_parse(const uint8_t *data, size_t len, hp_http_head *ret);
/* The same for an answer; method and target mean nothing then. */
bool hp_http_answer_parse(const uint8_t *data, size_t len, unsigned *ret_status, hp_http_head *ret);
/* The length of a head with its empty line; 0 while there is none. */
size_t hp_http_head_length(const uint8_t *data, size_t len);
void hp_http_head_clear(hp_http_head *head);
/* NULL without such a field; of several, the first. */
const char *hp_http_field(const hp_http_head *head, const char *name);
/* Decimal digits alone, at most `max`. */
bool hp_http_number(const char *text, uint64_t max, uint64_t *ret);

/* ---- upnp_igd_xml.c ---- */

void hp_upnp_describe_device(const hp_upnp_igd *igd, GString *out);
void hp_upnp_describe_service(const hp_upnp_igd *igd, GString *out);

/* ---- upnp_igd_soap.c ---- */

#define HP_SOAP_MAX_ARGUMENTS 16
typedef struct hp_soap_call {
    char *action; /* owned */
    unsigned version; /* of the service that it was addressed to */
    struct {
        char *name, *value; /* owned */
    } arguments[HP_SOAP_MAX_ARGUMENTS];
    unsigned n_arguments;
} hp_soap_call;

/* Reads a control request; false when it is none for WANIPConnection. */
bool hp_soap_parse(const char *soap_action, const uint8_t *body, size_t len, unsigned version, hp_soap_call *ret);
void hp_soap_clear(hp_soap_call *call);
/* NULL without such an argument. */
const char *hp_soap_argument(const hp_soap_call *call, const char *name);
/* A name of XML without its namespace's prefix; points into it. */
const char *hp_upnp_local_name(const char *name);
/* An answer: begin, arguments, end. */
void hp_soap_begin(GString *out, const hp_soap_call *call);
void hp_soap_add(GString *out, const char *name, const char *value);
void hp_soap_add_number(GString *out, const char *name, uint64_t value);
void hp_soap_end(GString *out, const hp_soap_call *call);
void hp_soap_fault(GString *out, unsigned error);

/* ---- upnp_igd_actions.c ---- */

/* Carries out a call; writes its answer and returns 0, or returns a UPnP error. */
unsigned hp_upnp_act(hp_upnp_igd *igd, hp_time now, const hp_addr *client, const hp_soap_call *call, GString *out,
                     hp_upnp_event *event);

#endif
