/* The list of fields, and the packet as a whole: addresses first, then what the protocol above IP says. */
#include "report/fields.h"

#include "wire/demux.h"
#include "wire/stun_value.h"

/* ---- the list ---- */

hp_fields *hp_fields_new(void)
{
    hp_fields *f = g_new0(hp_fields, 1);
    f->texts = g_ptr_array_new_with_free_func(g_free);
    return f;
}

void hp_fields_free(hp_fields *f)
{
    if (f != NULL) {
        g_ptr_array_unref(f->texts);
        g_free(f);
    }
}

unsigned hp_fields_n(const hp_fields *f)
{
    return f->texts->len / 2;
}

const char *hp_fields_name(const hp_fields *f, unsigned i)
{
    return g_ptr_array_index(f->texts, 2 * i);
}

const char *hp_fields_value(const hp_fields *f, unsigned i)
{
    return g_ptr_array_index(f->texts, 2 * i + 1);
}

const char *hp_fields_find(const hp_fields *f, const char *name)
{
    for (unsigned i = 0; i < hp_fields_n(f); i++) {
        if (strcmp(hp_fields_name(f, i), name) == 0) {
            return hp_fields_value(f, i);
        }
    }
    return NULL;
}

/* Takes both. */
static void take(hp_fields *f, char *name, char *value)
{
    const unsigned n = hp_fields_n(f);
    if (n >= HP_FIELDS_MAX) {
        g_free(name);
        g_free(value);
        return;
    }
    if (n == HP_FIELDS_MAX - 1) {
        g_free(name);
        g_free(value);
        name = g_strdup("...");
        value = g_strdup("more fields are not shown");
    }
    g_ptr_array_add(f->texts, name);
    g_ptr_array_add(f->texts, value);
}

static char *marked(const hp_fields *f, const char *name)
{
    GString *s = g_string_new(NULL);
    for (unsigned i = 0; i < f->depth; i++) {
        g_string_append(s, "> ");
    }
    g_string_append(s, name);
    return g_string_free(s, FALSE);
}

void hp_fields_add(hp_fields *f, const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *value = g_strdup_vprintf(format, args);
    va_end(args);
    hp_fields_add_bytes(f, name, value, strlen(value));
}

void hp_fields_add_bytes(hp_fields *f, const char *name, const void *text, size_t length)
{
    const bool cut = length > HP_FIELDS_MAX_TEXT;
    g_autofree char *valid = g_utf8_make_valid(text, (gssize)MIN(length, HP_FIELDS_MAX_TEXT));
    take(f, marked(f, name), cut ? g_strdup_printf("%s...", valid) : g_steal_pointer(&valid));
}

void hp_fields_add_hex(hp_fields *f, const char *name, const uint8_t *data, size_t length)
{
    enum { SHOWN = 64 };
    g_autofree char *hex = hp_hex_format(data, MIN(length, SHOWN));
    hp_fields_add(f, name, "%s%s", hex, length > SHOWN ? "..." : "");
}

/* ---- packets ---- */

void hp_fields_datagram(hp_fields *f, const uint8_t *data, size_t length)
{
    if (f->depth > HP_FIELDS_MAX_DEPTH) {
        return;
    }
    switch (hp_wire_classify(data, length)) {
    case HP_WIRE_STUN:
        hp_fields_stun(f, data, length);
        break;
    case HP_WIRE_CHANNEL_DATA:
        hp_fields_channel_data(f, data, length);
        break;
    case HP_WIRE_DTLS:
        hp_fields_dtls(f, data, length);
        break;
    case HP_WIRE_RTP:
        hp_fields_rtp(f, data, length);
        break;
    case HP_WIRE_RTCP:
        hp_fields_rtcp(f, data, length);
        break;
    case HP_WIRE_OTHER:
        hp_fields_add(f, "data", "%zu bytes", length);
        break;
    }
}

static void add_udp(hp_fields *f, const hp_packet *p)
{
    if (!hp_fields_dns(f, p)) {
        hp_fields_datagram(f, p->payload, p->length);
    }
}

void hp_fields_packet(hp_fields *f, const hp_packet *p)
{
    char src[HP_ADDR_TEXT], dst[HP_ADDR_TEXT];
    const char *proto = hp_packet_is_icmp(p) ? "ICMP" : p->proto == HP_PROTO_TCP ? "TCP" : "UDP";
    const bool named = hp_packet_is_icmp(p) || p->proto == HP_PROTO_TCP || p->proto == HP_PROTO_UDP;
    g_autofree char *number = g_strdup_printf("protocol %u", p->proto);
    hp_fields_add(f, "packet", "%s %s > %s, %zu bytes, TTL %u", named ? proto : number, hp_addr_format(&p->src, src),
                  hp_addr_format(&p->dst, dst), hp_packet_wire_length(p), p->ttl);
    if (p->tos != 0) {
        hp_fields_add(f, "DSCP, ECN", "%u, %u", p->tos >> 2, p->tos & 3);
    }
    if (p->frag_total > 0) {
        hp_fields_add(f, "fragment", "from byte %u%s", p->frag_offset, p->frag_more ? ", more follow" : ", the last");
    }
    if (p->frag_total > 0 && p->frag_offset > 0) {
        hp_fields_add(f, "data", "%u bytes of an earlier packet's", p->length);
    } else if (hp_packet_is_icmp(p)) {
        hp_fields_icmp(f, p);
    } else if (p->proto == HP_PROTO_TCP) {
        hp_fields_tcp(f, p);
    } else if (p->proto == HP_PROTO_UDP) {
        add_udp(f, p);
    } else {
        hp_fields_add(f, "data", "%u bytes", p->length);
    }
}
