/* Private to scenario/: the schema table. Every key of the language is one hp_key, and everything that is said about
 * it is said there: the loader fills structs by it, and the JSON Schema, the reference page and `explain` are made
 * of it. */
#ifndef HP_SCENARIO_TABLE_H
#define HP_SCENARIO_TABLE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compare.h"
#include "scenario/tree.h"

typedef struct hp_key hp_key;
typedef struct hp_schema hp_schema;
typedef struct hp_loader hp_loader;

/* In brackets: the C type of the field. "array" means a pointer at `offset` and an unsigned count at `count`. */
typedef enum hp_value_type {
    HP_V_BOOL, /* bool */
    HP_V_NOT, /* bool: the opposite of what is written */
    HP_V_PRESENCE, /* true or false, as hp_presence; unset is "either" */
    HP_V_INT, /* an integer of `size` bytes, min..max */
    HP_V_TEXT, /* char * */
    HP_V_CHARS, /* char[size]: text of fewer bytes, without control characters */
    HP_V_NAME, /* char *, a word; one of `words` where there are any */
    HP_V_NAMES, /* char **, NULL-terminated: one name or a list */
    HP_V_DURATION, /* hp_time, min..max where they are stated; so are rates and sizes */
    HP_V_MILLISECONDS, /* int: a duration of whole milliseconds */
    HP_V_DELAYS, /* array of hp_time: durations, or the name of a file of them (link_file.h) */
    HP_V_OPPORTUNITIES, /* array of hp_time: the name of a file of opportunities to send (link_file.h) */
    HP_V_MILLI, /* an integer of `size` bytes: a decimal number in thousandths, min..max */
    HP_V_RATIO, /* uint32_t, parts per billion */
    HP_V_PERCENT, /* unsigned, whole per cent, min..max */
    HP_V_RATE, /* an integer of `size` bytes, bits a second */
    HP_V_BYTES, /* uint64_t */
    HP_V_ADDRESS, /* hp_addr without a port */
    HP_V_ADDRESSES, /* array of them */
    HP_V_ENDPOINT, /* hp_addr; a port is allowed */
    HP_V_PREFIX, /* hp_prefix; of family `min` when that is not 0 */
    HP_V_PREFIXES, /* array of them */
    HP_V_PORTS, /* two integers of size / 2 bytes: first, last */
    HP_V_PORTS_LIST, /* array of hp_port_range */
    HP_V_SEQUENCES, /* two integers of size / 2 bytes, 0..65535: first, last, where the range may go round */
    HP_V_PACKETS, /* hp_packet_range: 3, 1..3, 5.. */
    HP_V_PACKETS_LIST, /* array of them */
    HP_V_ENUM, /* an integer of `size` bytes: the value of one of `words` */
    HP_V_ENUMS, /* array of uint16_t: one or a list */
    HP_V_FLAGS, /* bool[]: those whose index is the value of one of `words`; one or a list, not empty */
    HP_V_SET, /* an integer of `size` bytes: the values, bits, of `words` that are named; one or a list, not empty */
    HP_V_OCTETS, /* uint8_t *, and a uint16_t at `count`: hexadecimal digits, `2112a442` */
    HP_V_OCTETS32, /* the same: a whole number as four bytes, most significant first */
    HP_V_FAMILIES, /* hp_sc_family */
    HP_V_COMPARE, /* hp_compare in `unit`; one of `words`, where there are any, is an empty range: min above max */
    HP_V_EDGE, /* hp_time at `offset`, or the name of a step at `count` */
    HP_V_PRESET, /* sets the NAT knobs at `count`; the name goes to `offset`, if that is not 0 */
    HP_V_FIREWALL_PRESET, /* hp_sc_firewall: its name, knobs and policies */
    HP_V_WHERE, /* char **keys, **values; unsigned n: any scalars by name */
    HP_V_PAIR_TYPES, /* char **peers, **types; unsigned n: candidate types by peer */
    HP_V_BEHIND, /* hp_behind_list: a zone by NAT */
    HP_V_TEMPLATE, /* char *: text with ${variables} of a raw peer; with `ref` an address or a name */
    HP_V_TEMPLATES, /* char **, NULL-terminated: one or a list */
    HP_V_TEXTS, /* char **, NULL-terminated: one or a list */
    HP_V_INTS, /* array of uint32_t, min..max: one or a list */
    HP_V_PAIRS, /* array of structs by `sub` that begin with char *name: a list of names and maps of one pair, or a map;
                   names may come again */
    HP_V_MAP, /* a struct in place, by `sub` */
    HP_V_BY_NAME, /* array of structs that begin with char *name */
    HP_V_LIST, /* array of structs by `sub` */
    HP_V_INCLUDE, /* no key: the keys of `sub` belong here, their offsets from `offset`; also from `count`, if not 0:
                     then the includer looks at the whole, and not the `finish` of `sub` */
    HP_V_MATRIX, /* read before the rest, by matrix.c */
    HP_V_MATRIX_EXCEPT,
    HP_V_WHEN,
    HP_V_N
} hp_value_type;

/* What a name refers to. */
typedef enum hp_ref {
    HP_REF_NONE,
    HP_REF_PEER,
    HP_REF_AGENT, /* a peer with an ICE agent: no raw one */
    HP_REF_ENDPOINT, /* a peer or a server */
    HP_REF_NAT,
    HP_REF_SERVER,
    HP_REF_STUN, /* a server of kind stun or turn */
    HP_REF_TURN, /* a server of kind turn */
    HP_REF_DNS, /* a server of kind dns */
    HP_REF_RENUMBERED, /* a NAT or a server */
    HP_REF_ZONE, /* internet, a LAN, a NAT */
    HP_REF_LINK, /* what has a link: a peer, a server, a NAT, a firewall, a LAN, internet */
    HP_REF_REBOOT, /* what a restart can strike: a NAT, a firewall */
    HP_REF_FIREWALLED, /* what may have a firewall, or is one: a firewall, a NAT, a peer, a server */
    HP_REF_RULE, /* a rule's label */
    HP_REF_STEP, /* a step's label, or its action */
    HP_REF_PLACE, /* a node, tap or link; the plan knows them */
    HP_REF_DOMAIN, /* a name in DNS: of nothing in the scenario */
    HP_REF_N
} hp_ref;

typedef struct hp_word {
    const char *name;
    int64_t value;
    const char *doc;
} hp_word;

/* The values of an enum: a list here, or what another folder's table gives. */
typedef struct hp_words {
    const char *what; /* "a hairpinning behaviour" */
    const hp_word *list;
    unsigned n;
    bool (*at)(unsigned i, hp_word *ret); /* instead of list; false past the last */
    bool fold; /* case does not matter */
} hp_words;

struct hp_key {
    const char *name;
    hp_value_type type;
    size_t offset, size, count;
    size_t flag; /* a bool that is set when the key is given; 0: none */
    const char *fallback; /* the default, as it would be written; NULL: zero */
    const char *shown; /* what the documents say of a default that is not in `fallback` */
    const char *doc;
    int64_t min, max; /* of a number, in base units (0, 0: any quantity); max of a list's length */
    const hp_words *words;
    const hp_schema *sub;
    hp_unit unit;
    hp_ref ref;
    const char *const *forgets; /* keys of the same schema whose former values this one, when given, replaces; NULL ends
                                   the list. They may be given beside it where they stand behind it in the table */
    bool required;
    bool overlay; /* of a map: its keys override fields that other keys have set */
    bool loose; /* of an include: keys that are required elsewhere are not required here */
    bool lone; /* of a list: a single item may stand without the list */
    int tag; /* of a variant: the value of the union's tag */
};

struct hp_schema {
    const char *name; /* for the documents, and in "unknown key `x` in a link" where there is no path */
    const char *doc;
    size_t size;
    const hp_key *keys;
    unsigned n_keys;
    const hp_key *variants; /* of a union: exactly one of them is given */
    unsigned n_variants;
    size_t tag; /* where the chosen variant's tag goes (an int) */
    size_t mark; /* an hp_mark; 0: none */
    const char *shorthand; /* a scalar or a list stands for a map with this key alone */
    const char *map_shorthand; /* so does a map that has not this key */
    bool free_names; /* as a map by name: names are any text, as a server's users have; else words of the scenario */
    bool inherits; /* `start` fills everything: no defaults */
    bool whole; /* one value of several numbers: giving it anew forgets the former */
    /* Fills the struct before any key is read; parent is the struct that holds the array or field. Not called for an
     * included schema, whose `finish` is. */
    void (*start)(hp_loader *l, void *base, const void *parent, const hp_tree *node);
    /* Looks at the whole after all keys were read. node is always a map. */
    void (*finish)(hp_loader *l, void *base, const hp_tree *node);
};

#define HP_FIELD(type, field) .offset = offsetof(type, field), .size = sizeof(((type *)0)->field)
#define HP_COUNT(type, field) .count = offsetof(type, field)
#define HP_FLAG(type, field) .flag = offsetof(type, field)
#define HP_KEYS(list) .keys = (list), .n_keys = G_N_ELEMENTS(list)
#define HP_WORDS(what_, list_)                                                                                         \
    {                                                                                                                  \
        .what = (what_), .list = (list_), .n = G_N_ELEMENTS(list_)                                                     \
    }

extern const hp_schema hp_schema_root, hp_schema_network, hp_schema_link, hp_schema_link_pair, hp_schema_lan,
    hp_schema_nat, hp_schema_knobs, hp_schema_server, hp_schema_peer, hp_schema_peer_common, hp_schema_defaults,
    hp_schema_signaling, hp_schema_step, hp_schema_expect, hp_schema_pattern, hp_schema_match, hp_schema_window,
    hp_schema_peer_media, hp_schema_channel, hp_schema_hold, hp_schema_set_media, hp_schema_inject,
    hp_schema_media_expect, hp_schema_dtls_expect, hp_schema_link_expect, hp_schema_match_stun, hp_schema_match_tcp,
    hp_schema_match_dtls, hp_schema_match_rtp, hp_schema_match_rtcp, hp_schema_firewall, hp_schema_firewall_zone,
    hp_schema_set_firewall, hp_schema_rule, hp_schema_rule_switch, hp_schema_rule_expect, hp_schema_server_transports,
    hp_schema_raw_peer, hp_schema_raw_action, hp_schema_raw_message, hp_schema_raw_secure, hp_schema_script_expect,
    hp_schema_port_mapping, hp_schema_port_client, hp_schema_map_port, hp_schema_unmap_port;
extern const hp_words hp_words_media_kind, hp_words_profile, hp_words_event, hp_words_ice_state,
    hp_words_candidate_type, hp_words_method, hp_words_preset, hp_words_attribute, hp_words_icmp,
    hp_words_firewall_preset, hp_words_refusal, hp_words_alg, hp_words_turn_transport;

/* The i-th word; false past the last. */
bool hp_words_at(const hp_words *words, unsigned i, hp_word *ret);
bool hp_words_find(const hp_words *words, const char *name, hp_word *ret);
/* The name of a value, or NULL. */
const char *hp_words_name(const hp_words *words, int64_t value);

/* A key of that name among the schema's own and included ones; *base_offset grows by the includes' offsets. */
const hp_key *hp_schema_find(const hp_schema *schema, const char *name, size_t *base_offset);
const hp_key *hp_schema_find_variant(const hp_schema *schema, const char *name);
/* Names of all keys (variants too), for suggestions: a new array, caller frees it (not the names). */
GPtrArray *hp_schema_key_names(const hp_schema *schema);

#endif
