/* events.jsonl: a JSON object a line, in the order of the log.
 *
 *   {"at":0,"event":"ice-state","subject":"alice","session":1,"state":"connected",...}    an event and its fields
 *   {"at":0,"event":"drop","place":"home","reason":"filtered","packet":12,"uid":7,...}     a packet's end
 *   {"at":0,"event":"note","packet":12,"text":"..."}                                       a remark on a packet
 *   {"at":0,"event":"overflow","lost":3}                                                   last: the log was full
 *
 * Times are whole nanoseconds, addresses text, a drop's detail is left out when there is none. Packets are in
 * trace.pcapng under the numbers used here. */
#include "trace/output.h"
#include "trace/trace.h"

#include "wire/packet.h"

static void write_field(hp_output *o, const hp_field *field)
{
    hp_output_literal(o, ",\"");
    hp_output_text(o, field->key); /* a word of the event table: nothing to escape */
    hp_output_literal(o, "\":");
    switch (field->type) {
    case 's':
        hp_output_json(o, field->s);
        break;
    case 'a':
        hp_output_char(o, '"');
        hp_output_addr(o, &field->a);
        hp_output_char(o, '"');
        break;
    case 'i':
        hp_output_i64(o, field->i);
        break;
    default: /* a letter, not an enum: 'u' and 't' */
        hp_output_u64(o, field->u);
        break;
    }
}

static void write_event(hp_output *o, const hp_record *r)
{
    hp_output_literal(o, ",\"event\":\"");
    hp_output_text(o, hp_event_name(r->event.kind));
    hp_output_literal(o, "\",\"subject\":");
    hp_output_json(o, r->event.subject);
    hp_record_iter iter;
    hp_record_iter_init(&iter, r);
    hp_field field;
    while (hp_record_iter_next(&iter, &field)) {
        write_field(o, &field);
    }
}

static void write_proto(hp_output *o, uint8_t proto)
{
    hp_output_literal(o, ",\"proto\":");
    switch (proto) {
    case HP_PROTO_UDP:
        hp_output_literal(o, "\"udp\"");
        break;
    case HP_PROTO_TCP:
        hp_output_literal(o, "\"tcp\"");
        break;
    case HP_PROTO_ICMP:
        hp_output_literal(o, "\"icmp\"");
        break;
    case HP_PROTO_ICMPV6:
        hp_output_literal(o, "\"icmpv6\"");
        break;
    default: /* any other IP protocol number */
        hp_output_char(o, '"');
        hp_output_u64(o, proto);
        hp_output_char(o, '"');
        break;
    }
}

static void write_drop(hp_output *o, const hp_record *r)
{
    hp_output_literal(o, ",\"event\":\"drop\",\"place\":");
    hp_output_json(o, r->drop.place);
    hp_output_literal(o, ",\"reason\":\"");
    hp_output_text(o, hp_drop_name(r->drop.reason));
    hp_output_literal(o, "\",\"packet\":");
    hp_output_u64(o, r->drop.packet);
    hp_output_literal(o, ",\"uid\":");
    hp_output_u64(o, r->drop.uid);
    write_proto(o, r->drop.proto);
    hp_output_literal(o, ",\"src\":\"");
    hp_output_addr(o, &r->drop.src);
    hp_output_literal(o, "\",\"dst\":\"");
    hp_output_addr(o, &r->drop.dst);
    hp_output_char(o, '"');
    if (r->drop.detail[0] != '\0') {
        hp_output_literal(o, ",\"detail\":");
        hp_output_json(o, r->drop.detail);
    }
}

static void write_line(hp_output *o, const hp_record *r)
{
    if (r->type == HP_RECORD_PACKET) {
        return;
    }
    hp_output_literal(o, "{\"at\":");
    hp_output_u64(o, r->at);
    switch (r->type) {
    case HP_RECORD_EVENT:
        write_event(o, r);
        break;
    case HP_RECORD_DROP:
        write_drop(o, r);
        break;
    case HP_RECORD_NOTE:
        hp_output_literal(o, ",\"event\":\"note\",\"packet\":");
        hp_output_u64(o, r->note.packet);
        hp_output_literal(o, ",\"text\":");
        hp_output_json(o, r->note.text);
        break;
    case HP_RECORD_PACKET:
    case HP_RECORD_MEDIA:
        break;
    }
    hp_output_literal(o, "}\n");
}

bool hp_trace_write_events(const hp_trace *trace, const char *path, GError **error)
{
    hp_output *o = hp_output_open(path, error);
    if (o == NULL) {
        return false;
    }
    hp_trace_cursor cursor = {0};
    hp_record r;
    while (hp_trace_next_of(trace, &cursor, ~(1u << HP_RECORD_PACKET | 1u << HP_RECORD_MEDIA), &r)) {
        write_line(o, &r);
    }
    if (hp_trace_overflowed(trace)) {
        hp_output_literal(o, "{\"at\":");
        hp_output_u64(o, hp_trace_end(trace));
        hp_output_literal(o, ",\"event\":\"overflow\",\"lost\":");
        hp_output_u64(o, hp_trace_n_lost(trace));
        hp_output_literal(o, "}\n");
    }
    return hp_output_close(o, error);
}
