/* Edits of a STUN message's attributes (RFC 8489 sections 5 and 14).
 *
 * The message is taken apart into its attributes, these are edited as a list, and it is written anew: header fields,
 * transaction id and the values of all that is not edited stay byte for byte, only padding becomes zeros.
 *
 * What protects the message (MESSAGE-INTEGRITY, MESSAGE-INTEGRITY-SHA256, FINGERPRINT) keeps its place and its old
 * value, which is wrong from now on, unless the rewrite asks for a new one: a gateway has no key, and those that are
 * seen in the wild do not care for the fingerprint either. An attribute that is added goes before the first of them,
 * since behind MESSAGE-INTEGRITY a receiver would not look at it.
 *
 * A message without a change is not written at all, so that its protection holds. */
#include <string.h>

#include "world/rules_private.h"

static bool protects(uint16_t type)
{
    return type == HP_STUN_MESSAGE_INTEGRITY || type == HP_STUN_MESSAGE_INTEGRITY_SHA256 || type == HP_STUN_FINGERPRINT;
}

/* ---- the list ---- */

/* An attribute as the list has it: bytes from the message or the rule, or an address yet to be written. */
typedef struct piece {
    hp_stun_attr attr;
    const hp_addr *address; /* NULL: attr.value */
} piece;

static unsigned find(const GArray *pieces, uint16_t type)
{
    unsigned i = 0;
    while (i < pieces->len && g_array_index(pieces, piece, i).attr.type != type) {
        i++;
    }
    return i;
}

static unsigned before_protection(const GArray *pieces)
{
    unsigned i = 0;
    while (i < pieces->len && !protects(g_array_index(pieces, piece, i).attr.type)) {
        i++;
    }
    return i;
}

static piece piece_for(const hp_rule_attribute *edit)
{
    bool address = edit->address.family != HP_AF_NONE;
    return (piece){
        .attr = {.type = edit->type, .length = address ? 0 : edit->length, .value = address ? NULL : edit->value},
        .address = address ? &edit->address : NULL,
    };
}

static bool remove_all(GArray *pieces, uint16_t type)
{
    bool any = false;
    for (unsigned i; (i = find(pieces, type)) < pieces->len; any = true) {
        g_array_remove_index(pieces, i);
    }
    return any;
}

static bool apply(GArray *pieces, const hp_rule_attribute *edit)
{
    piece fresh = piece_for(edit);
    unsigned at = find(pieces, edit->type);

    switch (edit->what) {
    case HP_RULE_ATTRIBUTE_REMOVE:
        return remove_all(pieces, edit->type);
    case HP_RULE_ATTRIBUTE_SET:
    case HP_RULE_ATTRIBUTE_REPLACE:
        if (at < pieces->len) {
            g_array_index(pieces, piece, at) = fresh;
            return true;
        }
        if (edit->what == HP_RULE_ATTRIBUTE_REPLACE) {
            return false;
        }
        break;
    case HP_RULE_ATTRIBUTE_ADD:
        break;
    }
    g_array_insert_val(pieces, before_protection(pieces), fresh);
    return true;
}

/* ---- writing ---- */

static hp_stun_key key_for(const hp_rule_rewrite *r, bool sha256)
{
    return r->user != NULL ? hp_stun_key_long(r->user, r->realm, r->password, sha256)
                           : hp_stun_key_short(r->password, strlen(r->password));
}

static void write_piece(hp_stun_writer *w, const hp_rule_rewrite *r, const piece *from)
{
    const hp_stun_attr *a = &from->attr;
    bool xored = false;

    if (from->address != NULL) {
        hp_match_is_address_attribute(a->type, &xored);
        hp_stun_add_addr(w, a->type, from->address, xored);
    } else if (r->fingerprint && a->type == HP_STUN_FINGERPRINT) {
        hp_stun_add_fingerprint(w);
    } else if (r->password != NULL &&
               (a->type == HP_STUN_MESSAGE_INTEGRITY || a->type == HP_STUN_MESSAGE_INTEGRITY_SHA256)) {
        bool sha256 = a->type == HP_STUN_MESSAGE_INTEGRITY_SHA256;
        /* The long-term key is a digest by PASSWORD-ALGORITHM, which is MD5 unless SHA-256 was agreed upon; that goes
         * with MESSAGE-INTEGRITY-SHA256 in all that is deployed. */
        hp_stun_key key = key_for(r, sha256);
        hp_stun_add_integrity(w, &key, sha256);
    } else {
        hp_stun_add(w, a->type, a->value, a->length);
    }
}

/* Room for any message that these pieces make. */
static size_t room_for(const GArray *pieces)
{
    size_t room = HP_STUN_HEADER;
    for (unsigned i = 0; i < pieces->len; i++) {
        room += 4 + MAX((size_t)g_array_index(pieces, piece, i).attr.length, 32) + 3;
    }
    return room;
}

static size_t write_message(const hp_stun_msg *m, const hp_rule_rewrite *r, const GArray *pieces, uint8_t *out,
                            size_t room)
{
    hp_stun_writer w;
    hp_stun_begin(&w, out, room, m->cls, m->method, m->id, m->data + 4);
    for (unsigned i = 0; i < pieces->len; i++) {
        write_piece(&w, r, &g_array_index(pieces, piece, i));
    }
    return hp_stun_finish(&w);
}

hp_packet *hp_rule_edit_stun(const hp_rule_rewrite *rewrite, hp_packet *p, bool stale, bool *ret_changed)
{
    enum { MAX_UDP_PAYLOAD = 65507 };
    hp_stun_msg m;
    hp_stun_attr attr;
    size_t cursor = 0;

    if (p->proto != HP_PROTO_UDP || p->frag_total > 0 || hp_wire_classify(p->payload, p->length) != HP_WIRE_STUN ||
        !hp_stun_parse(p->payload, p->length, &m)) {
        return p;
    }
    bool changed = stale && (rewrite->fingerprint || rewrite->password != NULL);
    g_autoptr(GArray) pieces = g_array_new(FALSE, FALSE, sizeof(piece));
    while (hp_stun_next(&m, &cursor, &attr)) {
        piece present = {.attr = attr};
        g_array_append_val(pieces, present);
    }
    for (unsigned i = 0; i < rewrite->n_attributes; i++) {
        changed = apply(pieces, &rewrite->attributes[i]) || changed;
    }
    if (!changed) {
        return p;
    }
    size_t room = room_for(pieces);
    g_autofree uint8_t *out = g_malloc(room);
    size_t length = write_message(&m, rewrite, pieces, out, room);
    if (length == 0 || length > MAX_UDP_PAYLOAD) {
        return p;
    }
    *ret_changed = true;
    return hp_rule_with_payload(p, out, length);
}
