/* STUN messages attribute by attribute (RFC 8489 section 14, RFC 8656 section 18, RFC 8445 section 16), and ChannelData.
 *
 * Values are those of wire/stun_value.h, with more said where a number has parts: a PRIORITY's type, local and component
 * preference (RFC 8445 section 5.1.2.1), LIFETIME in seconds. What is inside DATA is told after it. */
#include "report/fields.h"

#include "wire/stun.h"
#include "wire/stun_value.h"

static void add_priority(hp_fields *f, const char *name, uint32_t priority)
{
    hp_fields_add(f, name, "%u (type preference %u, local preference %u, component %u)", priority, priority >> 24,
                  priority >> 8 & 0xffff, 256 - (priority & 0xff));
}

static void add_inside(hp_fields *f, const uint8_t *data, size_t length)
{
    f->depth++;
    hp_fields_datagram(f, data, length);
    f->depth--;
}

/* Of what is computed over the message only the length means anything to people. */
static bool add_known(hp_fields *f, const hp_stun_msg *m, const char *name, const hp_stun_attr *a)
{
    uint32_t number;
    uint64_t tie;
    switch (a->type) {
    case HP_STUN_MESSAGE_INTEGRITY:
    case HP_STUN_MESSAGE_INTEGRITY_SHA256:
        hp_fields_add(f, name, "present, %u bytes", a->length);
        return true;
    case HP_STUN_FINGERPRINT:
        hp_fields_add(f, name, "%s", hp_stun_check_fingerprint(m) == HP_STUN_GOOD ? "right" : "wrong");
        return true;
    case HP_STUN_USE_CANDIDATE:
    case HP_STUN_DONT_FRAGMENT:
        hp_fields_add(f, name, "set");
        return true;
    case HP_STUN_DATA_ATTR:
        hp_fields_add(f, name, "%u bytes", a->length);
        add_inside(f, a->value, a->length);
        return true;
    case HP_STUN_PRIORITY:
        if (!hp_stun_attr_u32(a, &number)) {
            return false;
        }
        add_priority(f, name, number);
        return true;
    case HP_STUN_LIFETIME:
        if (!hp_stun_attr_u32(a, &number)) {
            return false;
        }
        hp_fields_add(f, name, "%u s%s", number, number == 0 ? " (give it up)" : "");
        return true;
    case HP_STUN_CHANNEL_NUMBER:
        if (!hp_stun_attr_u32(a, &number)) {
            return false;
        }
        hp_fields_add(f, name, "0x%04x", number >> 16);
        return true;
    case HP_STUN_ICE_CONTROLLING:
    case HP_STUN_ICE_CONTROLLED:
        if (!hp_stun_attr_u64(a, &tie)) {
            return false;
        }
        hp_fields_add(f, name, "tie-breaker %016" G_GINT64_MODIFIER "x", tie);
        return true;
    default: /* attributes are many; all others are told as they are written */
        return false;
    }
}

static void add_attribute(hp_fields *f, const hp_stun_msg *m, const hp_stun_attr *a)
{
    char number[8];
    const char *known = hp_stun_attr_name(a->type);
    g_snprintf(number, sizeof number, "0x%04x", a->type);
    const char *name = known != NULL ? known : number;
    if (!add_known(f, m, name, a)) {
        g_autofree char *value = hp_stun_value_format(m, a);
        hp_fields_add(f, name, "%s", value);
    }
}

void hp_fields_stun(hp_fields *f, const uint8_t *data, size_t length)
{
    hp_stun_msg m;
    hp_stun_attr a;
    size_t cursor = 0;
    if (!hp_stun_parse(data, length, &m)) {
        hp_fields_add(f, "STUN", "malformed, %zu bytes", length);
        return;
    }
    const char *method = hp_stun_method_name(m.method);
    g_autofree char *number = g_strdup_printf("method 0x%03x", m.method);
    hp_fields_add(f, "STUN", "%s %s", method != NULL ? method : number, hp_stun_class_name(m.cls));
    hp_fields_add_hex(f, "transaction id", m.id, 12);
    if (!m.has_cookie) {
        hp_fields_add(f, "magic cookie", "none: RFC 3489");
    }
    while (hp_stun_next(&m, &cursor, &a)) {
        add_attribute(f, &m, &a);
    }
}

void hp_fields_channel_data(hp_fields *f, const uint8_t *data, size_t length)
{
    uint16_t channel;
    const uint8_t *inside;
    size_t n;
    if (!hp_channel_data_parse(data, length, &channel, &inside, &n)) {
        hp_fields_add(f, "ChannelData", "malformed, %zu bytes", length);
        return;
    }
    hp_fields_add(f, "ChannelData", "channel 0x%04x, %zu bytes", channel, n);
    add_inside(f, inside, n);
}
