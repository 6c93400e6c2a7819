/* Values for people: what a type is called, an example of it, and a field written as text. */
#include "scenario/doc.h"
#include "scenario/loader.h"

typedef struct type_text {
    const char *what, *example;
} type_text;

static const type_text *text_of(hp_value_type type)
{
    static const type_text texts[HP_V_N] = {
        [HP_V_BOOL] = {"true or false", NULL},
        [HP_V_NOT] = {"true or false", NULL},
        [HP_V_PRESENCE] = {"true or false", NULL},
        [HP_V_INT] = {"a whole number", NULL},
        [HP_V_TEXT] = {"text", NULL},
        [HP_V_CHARS] = {"text", NULL},
        [HP_V_NAME] = {"a name", NULL},
        [HP_V_NAMES] = {"a name or a list of names", NULL},
        [HP_V_DURATION] = {"a duration", "20ms, 1.5s or 10m"},
        [HP_V_MILLISECONDS] = {"a duration of whole milliseconds", "20ms or 1.5s"},
        [HP_V_DELAYS] = {"durations in a list, or the name of a file", "[20ms, 35ms] or delays.txt"},
        [HP_V_OPPORTUNITIES] = {"the name of a file", "cellular.trace"},
        [HP_V_MILLI] = {"a number with at most three decimals", "2.5"},
        [HP_V_RATIO] = {"a ratio", "0.1% or 0.001"},
        [HP_V_PERCENT] = {"a whole percentage", "10%"},
        [HP_V_RATE] = {"a rate", "10Mbit/s"},
        [HP_V_BYTES] = {"a size", "200, 20kB or 1MiB"},
        [HP_V_ADDRESS] = {"an IP address without a port", "192.0.2.1 or 2001:db8::1"},
        [HP_V_ADDRESSES] = {"an IP address without a port, or a list", "192.0.2.1 or 2001:db8::1"},
        [HP_V_ENDPOINT] = {"an IP address with or without a port", "192.0.2.1:3478 or [2001:db8::1]:3478"},
        [HP_V_PREFIX] = {"a network", "10.0.0.0/8 or 2001:db8::/32"},
        [HP_V_PREFIXES] = {"a network, or a list", "10.0.0.0/8 or 2001:db8::/32"},
        [HP_V_PORTS] = {"a port or a range of ports", "3478 or 1024..65535"},
        [HP_V_PORTS_LIST] = {"a port, a range of ports, or a list", "3478 or 1024..65535"},
        [HP_V_SEQUENCES] = {"a sequence number or a range of them", "65530 or 65530..9"},
        [HP_V_PACKETS] = {"a number or a range counted from 1", "3, 1..3 or 5.."},
        [HP_V_PACKETS_LIST] = {"a number, a range counted from 1, or a list", "3, 1..3 or 5.."},
        [HP_V_ENUM] = {"a word", NULL},
        [HP_V_ENUMS] = {"a word or a list of words", NULL},
        [HP_V_FLAGS] = {"a word or a list of words", NULL},
        [HP_V_SET] = {"a word or a list of words", NULL},
        [HP_V_OCTETS] = {"bytes in hexadecimal", "2112a442"},
        [HP_V_OCTETS32] = {"a whole number of at most 32 bits", "600"},
        [HP_V_FAMILIES] = {"ipv4, ipv6 or both in a list", NULL},
        [HP_V_COMPARE] = {"a comparison", NULL},
        [HP_V_EDGE] = {"a run time or a step's label", "5s or reboot"},
        [HP_V_PRESET] = {"the name of a preset", NULL},
        [HP_V_FIREWALL_PRESET] = {"the name of a preset", NULL},
        [HP_V_WHERE] = {"a map from names to values", NULL},
        [HP_V_PAIR_TYPES] = {"a map from peers to candidate types", NULL},
        [HP_V_BEHIND] = {"a map from NATs to networks", NULL},
        [HP_V_TEMPLATE] = {"text, perhaps with ${variables}", NULL},
        [HP_V_TEMPLATES] = {"text, perhaps with ${variables}, or a list", NULL},
        [HP_V_TEXTS] = {"text, or a list of texts", NULL},
        [HP_V_INTS] = {"a whole number or a list", NULL},
        [HP_V_PAIRS] = {"a list of names and values", NULL},
        [HP_V_MAP] = {"a map", NULL},
        [HP_V_BY_NAME] = {"a map from names", NULL},
        [HP_V_LIST] = {"a list", NULL},
        [HP_V_MATRIX] = {"a map from paths to lists of values", NULL},
        [HP_V_MATRIX_EXCEPT] = {"a list of maps from paths to values", NULL},
        [HP_V_WHEN] = {"a map from paths of the matrix to values", NULL},
    };
    return &texts[type];
}

static const char *compare_example(hp_unit unit)
{
    switch (unit) {
    case HP_UNIT_COUNT:
        return "3, \"< 5\" or 1..3";
    case HP_UNIT_TIME:
        return "\"< 90ms\" or 10ms..20ms";
    case HP_UNIT_RATIO:
        return "\"< 1%\" or 0%..5%";
    case HP_UNIT_BYTES:
        return "\"<= 20kB\" or 100..200";
    case HP_UNIT_RATE:
        return "\"> 1Mbit/s\"";
    case HP_UNIT_MILLI:
        return "\"> 4.05\" or 3.9..4.5";
    }
    return NULL;
}

const char *hp_value_what(hp_value_type type)
{
    return text_of(type)->what;
}

const char *hp_value_example(const hp_key *key)
{
    return key->type == HP_V_COMPARE ? compare_example(key->unit) : text_of(key->type)->example;
}

static uint64_t get_int(const void *field, size_t size)
{
    return size == 1   ? *(const uint8_t *)field
           : size == 2 ? *(const uint16_t *)field
           : size == 4 ? *(const uint32_t *)field
                       : *(const uint64_t *)field;
}

char *hp_value_format(const hp_key *key, const void *base)
{
    const char *field = (const char *)base + key->offset;

    switch ((int)key->type) {
    case HP_V_BOOL:
        return g_strdup(*(const bool *)field ? "true" : "false");
    case HP_V_INT:
        return get_int(field, key->size) == 0 && key->shown != NULL
                   ? NULL
                   : g_strdup_printf("%" G_GUINT64_FORMAT, get_int(field, key->size));
    case HP_V_DURATION:
        return *(const hp_time *)field == 0 && key->shown != NULL
                   ? NULL
                   : hp_unit_format(HP_UNIT_TIME, (int64_t) * (const hp_time *)field);
    case HP_V_ENUM:
        return g_strdup(hp_words_name(key->words, (int64_t)get_int(field, key->size)));
    default:
        return NULL;
    }
}
