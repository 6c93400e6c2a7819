/* Evidence made by hand, for the tests of ladders: packets through a trace, events as lines of text. */
#ifndef HP_TESTS_REPORT_LADDER_EVIDENCE_H
#define HP_TESTS_REPORT_LADDER_EVIDENCE_H

#include "report/fixture.h"

#include <glib/gstdio.h>
#include <stdio.h>

#include "base/error.h"
#include "report/ladder_text.h"
#include "trace/trace.h"
#include "wire/stun.h"

typedef struct evidence {
    hp_trace *trace;
    char *folder;
    uint32_t alice, bob, turn, home_in, home_out;
    GString *lines; /* of events.jsonl, besides the drops of the trace */
    GString *members; /* of result.json, after the first ones */
} evidence;

static inline void evidence_init(evidence *e)
{
    e->trace = hp_trace_new_sized(1 << 20, NULL);
    e->folder = g_dir_make_tmp("ladder-XXXXXX", NULL);
    assert_non_null(e->trace);
    assert_non_null(e->folder);
    e->home_in = hp_trace_tap(e->trace, "home/in");
    e->home_out = hp_trace_tap(e->trace, "home/out");
    e->alice = hp_trace_tap(e->trace, "alice");
    e->turn = hp_trace_tap(e->trace, "turn");
    e->bob = hp_trace_tap(e->trace, "bob");
    const hp_addr alice = fixture_addr("192.168.1.10"), bob = fixture_addr("198.51.100.10"),
                  turn = fixture_addr("203.0.113.10");
    hp_trace_name_address(e->trace, "alice", &alice);
    hp_trace_name_address(e->trace, "bob", &bob);
    hp_trace_name_address(e->trace, "turn", &turn);
    e->lines = g_string_new(NULL);
    e->members = g_string_new(NULL);
}

static inline char *path_in(const evidence *e, const char *name)
{
    return g_build_filename(e->folder, name, NULL);
}

static inline void put_file(const evidence *e, const char *name, const char *text, gssize n)
{
    g_autofree char *path = path_in(e, name);
    assert_true(g_file_set_contents(path, text, n, NULL));
}

static inline void evidence_write(evidence *e)
{
    g_autofree char *capture = path_in(e, "trace.pcapng"), *events = path_in(e, "events.jsonl");
    assert_true(hp_trace_write_pcapng(e->trace, capture, "", NULL));
    assert_true(hp_trace_write_events(e->trace, events, NULL));
    g_autofree char *drops = NULL;
    assert_true(g_file_get_contents(events, &drops, NULL, NULL));
    g_autofree char *all = g_strconcat(drops, e->lines->str, NULL);
    put_file(e, "events.jsonl", all, -1);
    g_autofree char *result = g_strdup_printf(
        "{\"format\":\"hairpin-result/1\",\"case\":\"nat/made\",\"about\":\"Made by hand.\",\"verdict\":\"pass\","
        "\"message\":null,\"ended_ns\":2000000000,\"expectations\":[],"
        "\"sessions\":[{\"peer\":\"alice\"},{\"peer\":\"bob\"}],\"nats\":[{\"nat\":\"home\"}],"
        "\"servers\":[{\"server\":\"turn\"}]%s}\n",
        e->members->str);
    put_file(e, "result.json", result, -1);
}

static inline void evidence_clear(evidence *e)
{
    static const char *const names[] = {"trace.pcapng", "events.jsonl", "result.json"};
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = path_in(e, names[i]);
        (void)g_unlink(path);
    }
    (void)g_rmdir(e->folder);
    g_free(e->folder);
    g_string_free(e->lines, TRUE);
    g_string_free(e->members, TRUE);
    hp_trace_free(e->trace);
}

/* ---- packets on their way ---- */

/* alice's addresses inside and outside, turn, its relay for alice, and bob. */
#define ALICE "192.168.1.10:5000"
#define HOME "192.0.2.10:5000"
#define TURN "203.0.113.10:3478"
#define RELAY "203.0.113.10:6000"
#define BOB "198.51.100.10:7000"

static inline hp_packet *packet(const char *src, const char *dst, const uint8_t *data, size_t len)
{
    const hp_addr from = fixture_addr(src), to = fixture_addr(dst);
    return hp_packet_new(HP_PROTO_UDP, &from, &to, data, len);
}

/* From alice out to the internet, as `home` passes it. The packet is on the far side afterwards. */
static inline hp_packet *out_of_home(evidence *e, hp_time at, const char *dst, const uint8_t *data, size_t len)
{
    hp_packet *p = packet(ALICE, dst, data, len);
    hp_trace_packet(e->trace, at, e->alice, HP_DIR_OUT, p);
    hp_trace_packet(e->trace, at + HP_MS, e->home_in, HP_DIR_IN, p);
    p->src = fixture_addr(HOME);
    hp_trace_packet(e->trace, at + HP_MS, e->home_out, HP_DIR_OUT, p);
    return p;
}

static inline void alice_sends(evidence *e, hp_time at, const char *dst, const uint8_t *data, size_t len)
{
    g_autoptr(hp_packet) p = out_of_home(e, at, dst, data, len);
    const bool to_bob = strcmp(dst, BOB) == 0;
    hp_trace_packet(e->trace, at + 10 * HP_MS, to_bob ? e->bob : e->turn, HP_DIR_IN, p);
}

static inline void alice_gets(evidence *e, hp_time at, const char *src, const uint8_t *data, size_t len)
{
    g_autoptr(hp_packet) p = packet(src, HOME, data, len);
    hp_trace_packet(e->trace, at, strcmp(src, BOB) == 0 ? e->bob : e->turn, HP_DIR_OUT, p);
    hp_trace_packet(e->trace, at + 9 * HP_MS, e->home_out, HP_DIR_IN, p);
    p->dst = fixture_addr(ALICE);
    hp_trace_packet(e->trace, at + 9 * HP_MS, e->home_in, HP_DIR_OUT, p);
    hp_trace_packet(e->trace, at + 10 * HP_MS, e->alice, HP_DIR_IN, p);
}

/* From bob until `home`, which filters it. */
static inline void bob_in_vain(evidence *e, hp_time at, const uint8_t *data, size_t len)
{
    g_autoptr(hp_packet) p = packet(BOB, HOME, data, len);
    hp_trace_packet(e->trace, at, e->bob, HP_DIR_OUT, p);
    hp_trace_packet(e->trace, at + 9 * HP_MS, e->home_out, HP_DIR_IN, p);
    hp_trace_drop(e->trace, at + 9 * HP_MS, "home", p, HP_DROP_NAT_FILTERED, NULL);
}

typedef struct bytes {
    uint8_t data[600];
    size_t len;
} bytes;

static inline bytes stun(hp_stun_class cls, uint16_t method, uint8_t id, unsigned code, const char *mapped,
                         bool nominates)
{
    bytes b = {0};
    uint8_t transaction[12] = {id};
    hp_stun_writer w;
    hp_stun_begin(&w, b.data, sizeof b.data, cls, method, transaction, NULL);
    if (code != 0) {
        hp_stun_add_error(&w, code, NULL);
    }
    if (mapped != NULL) {
        const hp_addr addr = fixture_addr(mapped);
        hp_stun_add_addr(&w, method == HP_STUN_ALLOCATE ? HP_STUN_XOR_RELAYED_ADDRESS : HP_STUN_XOR_MAPPED_ADDRESS,
                         &addr, true);
    }
    if (nominates) {
        hp_stun_add(&w, HP_STUN_USE_CANDIDATE, NULL, 0);
    }
    b.len = hp_stun_finish(&w);
    return b;
}

static inline bytes indication(uint16_t method, const char *peer, const bytes *inner)
{
    bytes b = {0};
    static const uint8_t transaction[12] = {0xee};
    const hp_addr addr = fixture_addr(peer);
    hp_stun_writer w;
    hp_stun_begin(&w, b.data, sizeof b.data, HP_STUN_INDICATION, method, transaction, NULL);
    hp_stun_add_addr(&w, HP_STUN_XOR_PEER_ADDRESS, &addr, true);
    hp_stun_add(&w, HP_STUN_DATA_ATTR, inner->data, inner->len);
    b.len = hp_stun_finish(&w);
    return b;
}

static inline bytes rtp(uint32_t ssrc, uint16_t sequence)
{
    bytes b = {.len = 20};
    b.data[0] = 0x80;
    b.data[1] = 111;
    b.data[2] = (uint8_t)(sequence >> 8);
    b.data[3] = (uint8_t)sequence;
    for (unsigned i = 0; i < 4; i++) {
        b.data[8 + i] = (uint8_t)(ssrc >> (24 - 8 * i));
    }
    return b;
}

/* Adds a DTLS record: a handshake message of that type, or with type 0xff what `content` says, encrypted.
 * sequence: of the record. */
static inline void add_record(bytes *b, uint8_t content, uint8_t type, uint8_t number, uint8_t sequence)
{
    const bool clear = type != 0xff;
    const size_t body = clear ? 12 + 4 : 8;
    uint8_t *r = b->data + b->len;
    r[0] = content;
    r[1] = 0xfe;
    r[2] = 0xfd;
    r[4] = clear || content == 20 ? 0 : 1;
    r[10] = sequence;
    r[12] = (uint8_t)body;
    if (clear) {
        r[13] = type;
        r[16] = 4;
        r[18] = number;
        r[24] = 4;
    }
    b->len += 13 + body;
}

/* ---- events ---- */

/* A line of events.jsonl; members: what follows the subject, or "". */
static inline void event(evidence *e, hp_time at, const char *name, const char *subject, const char *members)
{
    g_string_append_printf(e->lines, "{\"at\":%" G_GUINT64_FORMAT ",\"event\":\"%s\",\"subject\":\"%s\"%s%s}\n", at,
                           name, subject, members[0] != '\0' ? "," : "", members);
}

static inline void signalled(evidence *e, hp_time at, const char *from, const char *to, const char *type)
{
    g_autofree char *sent = g_strdup_printf("\"type\":\"%s\",\"json\":\"{\\\"sdp\\\":1}\"", type);
    g_autofree char *own = g_strdup_printf("\"from\":\"%s\",\"type\":\"%s\",\"own\":1", from, type);
    g_autofree char *copy = g_strdup_printf("\"from\":\"%s\",\"type\":\"%s\",\"own\":0", from, type);
    event(e, at, "signal-sent", from, sent);
    event(e, at + 50 * HP_MS, "signal-received", from, own);
    event(e, at + 50 * HP_MS, "signal-received", to, copy);
}

/* A relayed call: signalling, an allocation, checks that fail and one by the relay. */
static inline void make_call(evidence *e)
{
    const hp_time ms = HP_MS;
    event(e, 0, "server-started", "turn", "");
    event(e, 0, "step", "call", "\"target\":\"alice\",\"line\":3,\"label\":\"call\"");
    event(e, 0, "ice-state", "alice", "\"with\":\"bob\",\"stream\":1,\"component\":1,\"state\":\"gathering\"");
    signalled(e, 0, "alice", "bob", "offer");
    signalled(e, 0, "alice", "bob", "candidate");
    bytes b = stun(HP_STUN_REQUEST, HP_STUN_ALLOCATE, 1, 0, NULL, false);
    alice_sends(e, 5 * ms, TURN, b.data, b.len);
    b = stun(HP_STUN_ERROR, HP_STUN_ALLOCATE, 1, 401, NULL, false);
    alice_gets(e, 15 * ms, TURN, b.data, b.len);
    /* The second try of the same transaction is the one that arrives. */
    b = stun(HP_STUN_REQUEST, HP_STUN_ALLOCATE, 2, 0, NULL, false);
    {
        g_autoptr(hp_packet) p = out_of_home(e, 25 * ms, TURN, b.data, b.len);
        hp_trace_drop(e->trace, 30 * ms, "link internet", p, HP_DROP_LINK_LOSS, NULL);
    }
    alice_sends(e, 50 * ms, TURN, b.data, b.len);
    b = stun(HP_STUN_SUCCESS, HP_STUN_ALLOCATE, 2, 0, RELAY, false);
    alice_gets(e, 60 * ms, TURN, b.data, b.len);
    event(e, 70 * ms, "candidate", "alice", "\"type\":\"relay\",\"address\":\"" RELAY "\"");
    signalled(e, 70 * ms, "alice", "bob", "candidate");
    signalled(e, 130 * ms, "bob", "alice", "answer");
    for (uint8_t i = 0; i < 3; i++) {
        b = stun(HP_STUN_REQUEST, HP_STUN_BINDING, (uint8_t)(10 + i), 0, NULL, false);
        bob_in_vain(e, (140 + 20 * (hp_time)i) * ms, b.data, b.len);
    }
    /* alice > turn > bob, and the answer back. */
    bytes check = stun(HP_STUN_REQUEST, HP_STUN_BINDING, 20, 0, NULL, true);
    b = indication(HP_STUN_SEND, BOB, &check);
    alice_sends(e, 200 * ms, TURN, b.data, b.len);
    {
        g_autoptr(hp_packet) p = packet(RELAY, BOB, check.data, check.len);
        hp_trace_packet(e->trace, 210 * ms, e->turn, HP_DIR_OUT, p);
        hp_trace_packet(e->trace, 220 * ms, e->bob, HP_DIR_IN, p);
    }
    check = stun(HP_STUN_SUCCESS, HP_STUN_BINDING, 20, 0, RELAY, false);
    {
        g_autoptr(hp_packet) p = packet(BOB, RELAY, check.data, check.len);
        hp_trace_packet(e->trace, 220 * ms, e->bob, HP_DIR_OUT, p);
        hp_trace_packet(e->trace, 230 * ms, e->turn, HP_DIR_IN, p);
    }
    b = indication(HP_STUN_DATA, BOB, &check);
    alice_gets(e, 230 * ms, TURN, b.data, b.len);
    event(e, 240 * ms, "selected-pair", "alice",
          "\"with\":\"bob\",\"stream\":1,\"component\":1,\"local\":\"relay\",\"remote\":\"host\",\"local-address\":"
          "\"" RELAY "\",\"remote-address\":\"" BOB "\"");
    event(e, 240 * ms, "ice-state", "alice", "\"with\":\"bob\",\"stream\":1,\"component\":1,\"state\":\"connected\"");
    event(e, 2 * HP_S, "run-end", "made", "\"reason\":\"until\"");
}

static inline hp_ladder *read_all(const evidence *e)
{
    const hp_ladder_options options = {.to = HP_NEVER};
    GError *error = NULL;
    hp_ladder *ladder = hp_ladder_read(e->folder, &options, &error);
    assert_null(error);
    assert_non_null(ladder);
    return ladder;
}

#endif
