/* Which ICE role an agent plays, from what it sends: a connectivity check carries ICE-CONTROLLING or ICE-CONTROLLED
 * (RFC 8445 section 7.1.2). A check through a TURN server is seen inside its Send indication or ChannelData; the
 * server's channel numbers are not checked, the attribute inside is plain enough. On an ICE-TCP connection every
 * message has its length before it (RFC 4571), and libnice writes both at once. */
#include "actors/peer_private.h"
#include "wire/bytes.h"
#include "wire/stun.h"

enum { FRAME = 2 };

static bool role_of_message(const hp_stun_msg *m, bool *ret_controlling)
{
    hp_stun_attr attr;
    if (m->method != HP_STUN_BINDING || m->cls != HP_STUN_REQUEST) {
        return false;
    }
    bool controlling = hp_stun_find(m, HP_STUN_ICE_CONTROLLING, &attr);
    if (!controlling && !hp_stun_find(m, HP_STUN_ICE_CONTROLLED, &attr)) {
        return false;
    }
    *ret_controlling = controlling;
    return true;
}

bool hp_role_of_check(const uint8_t *data, size_t length, bool *ret_controlling)
{
    uint16_t channel;
    const uint8_t *inner;
    size_t inner_length;
    hp_stun_msg m;
    if (hp_channel_data_parse(data, length, &channel, &inner, &inner_length)) {
        return hp_stun_parse(inner, inner_length, &m) && role_of_message(&m, ret_controlling);
    }
    if (length > FRAME && hp_get16(data) == length - FRAME && hp_stun_parse(data + FRAME, length - FRAME, &m)) {
        return role_of_message(&m, ret_controlling);
    }
    if (!hp_stun_parse(data, length, &m)) {
        return false;
    }
    hp_stun_attr attr;
    if (m.method == HP_STUN_SEND && m.cls == HP_STUN_INDICATION && hp_stun_find(&m, HP_STUN_DATA_ATTR, &attr)) {
        return hp_stun_parse(attr.value, attr.length, &m) && role_of_message(&m, ret_controlling);
    }
    return role_of_message(&m, ret_controlling);
}
