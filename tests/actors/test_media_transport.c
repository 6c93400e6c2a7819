/* What secures one component, by itself: two of them, and a test between that delivers when it likes. No agent, so the
 * clock that OpenSSL sees is the process's; nothing here depends on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "actors/media_transport.h"
#include "trace/trace.h"

typedef struct side {
    struct fixture *f;
    hp_media_transport *t;
    GPtrArray *sent; /* of GBytes: not delivered yet */
    bool refuse; /* the agent takes nothing */
    unsigned keyed, over, rtp, rtcp, data;
    uint32_t record;
    char reason[32];
} side;

typedef struct fixture {
    hp_trace *trace;
    hp_world *world;
    hp_media_hub *hub;
    hp_secure_config secure;
    hp_seam_env *env;
    char *with[2];
    side sides[2];
} fixture;

static const char *const names[] = {"alice", "bob"};

static bool on_send(void *user, unsigned stream, unsigned component, const uint8_t *data, size_t len)
{
    side *s = user;
    assert_int_equal(stream, 1);
    assert_int_equal(component, 1);
    if (s->refuse) {
        return false;
    }
    g_ptr_array_add(s->sent, g_bytes_new(data, len));
    return true;
}

static void on_rtp(void *user, hp_media_transport *t, hp_time now, const uint8_t *data, size_t len, uint32_t record)
{
    side *s = user;
    s->rtp++;
    s->record = record;
}

static void on_rtcp(void *user, hp_media_transport *t, hp_time now, const uint8_t *data, size_t len)
{
    ((side *)user)->rtcp++;
}

static void on_data(void *user, hp_media_transport *t, hp_time now, const uint8_t *data, size_t len, uint32_t record)
{
    side *s = user;
    s->data++;
    s->record = record;
}

static void on_keyed(void *user, hp_media_transport *t, hp_time now)
{
    ((side *)user)->keyed++;
}

static void on_over(void *user, hp_media_transport *t, hp_time now, const char *reason)
{
    side *s = user;
    s->over++;
    g_strlcpy(s->reason, reason, sizeof s->reason);
}

static const hp_media_transport_ops ops = {
    .send = on_send, .rtp = on_rtp, .rtcp = on_rtcp, .data = on_data, .keyed = on_keyed, .over = on_over};

static fixture *fixture_new(void)
{
    fixture *f = g_new0(fixture, 1);
    f->trace = hp_trace_new_sized(64 << 20, NULL);
    f->world = hp_world_new(1, f->trace);
    f->hub = hp_media_hub_new(f->world);
    for (unsigned i = 0; i < 2; i++) {
        side *s = &f->sides[i];
        f->with[i] = g_strdup(names[1 - i]);
        s->f = f;
        s->sent = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
        hp_media_transport_config config = {.world = f->world,
                                            .hub = f->hub,
                                            .secure = &f->secure,
                                            .env = &f->env,
                                            .with = &f->with[i],
                                            .peer = names[i],
                                            .session = 1,
                                            .stream = 1,
                                            .component = 1,
                                            .srtp = true};
        s->t = hp_media_transport_new(&config, &ops, s, NULL);
        assert_non_null(s->t);
    }
    return f;
}

static void fixture_free(fixture *f)
{
    for (unsigned i = 0; i < 2; i++) {
        hp_media_transport_free(f->sides[i].t);
        g_ptr_array_unref(f->sides[i].sent);
        g_free(f->with[i]);
    }
    hp_media_hub_free(f->hub);
    hp_world_free(f->world);
    hp_trace_free(f->trace);
    g_free(f);
}

/* Delivers what `from` has sent so far. Returns how many datagrams. */
static unsigned deliver(fixture *f, unsigned from)
{
    g_autoptr(GPtrArray) sent = f->sides[from].sent;
    f->sides[from].sent = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    for (unsigned i = 0; i < sent->len; i++) {
        gsize len;
        const uint8_t *data = g_bytes_get_data(sent->pdata[i], &len);
        hp_media_transport_input(f->sides[1 - from].t, 0, data, len, 100 + i);
    }
    return sent->len;
}

static void deliver_all(fixture *f)
{
    while (deliver(f, 0) + deliver(f, 1) > 0) {
    }
}

/* What the other's description says, and the role that follows. */
static void tell(fixture *f, unsigned who, hp_dtls_role role)
{
    const hp_dtls_identity *other = hp_media_hub_identity(f->hub, names[1 - who], NULL);
    hp_media_transport_expect(f->sides[who].t, 0, hp_dtls_identity_fingerprint(other), 1);
    hp_media_transport_set_role(f->sides[who].t, 0, role);
}

static unsigned count(const fixture *f, hp_event_kind kind, const char *subject, const char *key, const char *text)
{
    hp_trace_cursor cursor = {0};
    hp_record r;
    unsigned n = 0;
    while (hp_trace_next_of(f->trace, &cursor, 1U << HP_RECORD_EVENT, &r)) {
        n += r.event.kind == kind && strcmp(r.event.subject, subject) == 0 &&
             (!key || strcmp(hp_record_text(&r, key), text) == 0);
    }
    return n;
}

static void connect_both(fixture *f)
{
    tell(f, 0, HP_DTLS_PASSIVE);
    tell(f, 1, HP_DTLS_ACTIVE);
    hp_media_transport_set_writable(f->sides[0].t, 0);
    hp_media_transport_set_writable(f->sides[1].t, 0);
    deliver_all(f);
    assert_int_equal(f->sides[0].keyed, 1);
    assert_int_equal(f->sides[1].keyed, 1);
}

static const uint8_t rtp[] = {0x80, 111, 0, 7, 0, 0, 0, 0, 0, 0, 0, 9, 1, 2, 3, 4};
static const uint8_t rtcp[] = {0x80, 201, 0, 1, 0, 0, 0, 9};

/* ---- the order of things ---- */

/* Bob has a path and the answer is on its way: his ClientHello waits at alice's until she knows her role. */
static void test_client_hello_before_the_answer(void **state)
{
    fixture *f = fixture_new();
    tell(f, 1, HP_DTLS_ACTIVE);
    hp_media_transport_set_writable(f->sides[1].t, 0);
    assert_int_equal(deliver(f, 1), 1);
    assert_int_equal(count(f, HP_EV_DTLS_STATE, "alice", NULL, NULL), 0);
    hp_media_transport_set_writable(f->sides[0].t, 0);
    assert_int_equal(f->sides[0].sent->len, 0);
    tell(f, 0, HP_DTLS_PASSIVE);
    assert_true(f->sides[0].sent->len > 0); /* the answer to it, without a second one */
    deliver_all(f);
    assert_int_equal(f->sides[0].keyed, 1);
    assert_int_equal(f->sides[1].keyed, 1);
    assert_int_equal(count(f, HP_EV_DTLS_STATE, "alice", "state", "connected"), 1);
    assert_int_equal(count(f, HP_EV_DTLS_STATE, "alice", "state", "unverified"), 0);
    assert_int_equal(count(f, HP_EV_MEDIA_IGNORED, "alice", NULL, NULL), 0);
    fixture_free(f);
}

static void test_client_hello_before_the_path(void **state)
{
    fixture *f = fixture_new();
    tell(f, 0, HP_DTLS_PASSIVE);
    tell(f, 1, HP_DTLS_ACTIVE);
    hp_media_transport_set_writable(f->sides[1].t, 0);
    deliver(f, 1);
    assert_int_equal(f->sides[0].sent->len, 0);
    hp_media_transport_set_writable(f->sides[0].t, 0);
    assert_true(f->sides[0].sent->len > 0);
    deliver_all(f);
    assert_int_equal(f->sides[0].keyed, 1);
    fixture_free(f);
}

static void test_few_datagrams_wait(void **state)
{
    fixture *f = fixture_new();
    tell(f, 1, HP_DTLS_ACTIVE);
    hp_media_transport_set_writable(f->sides[1].t, 0);
    gsize len;
    const uint8_t *hello = g_bytes_get_data(f->sides[1].sent->pdata[0], &len);
    for (unsigned i = 0; i < 10; i++) {
        hp_media_transport_input(f->sides[0].t, 0, hello, len, i);
    }
    assert_int_equal(count(f, HP_EV_MEDIA_IGNORED, "alice", "reason", "too many wait"), 2);
    fixture_free(f); /* with eight of them waiting */
}

/* A role stays, whatever is said later. */
static void test_role_is_told_once(void **state)
{
    fixture *f = fixture_new();
    tell(f, 0, HP_DTLS_PASSIVE);
    tell(f, 0, HP_DTLS_ACTIVE);
    assert_int_equal(hp_dtls_get_role(hp_media_transport_dtls(f->sides[0].t)), HP_DTLS_PASSIVE);
    fixture_free(f);
}

/* ---- before keys ---- */

static void test_nothing_passes_without_keys(void **state)
{
    fixture *f = fixture_new();
    side *alice = &f->sides[0];
    assert_false(hp_media_transport_send_rtp(alice->t, rtp, sizeof rtp));
    assert_false(hp_media_transport_send_rtcp(alice->t, rtcp, sizeof rtcp));
    assert_false(hp_media_transport_send_data(alice->t, 0, rtp, sizeof rtp));
    hp_media_transport_input(alice->t, 0, rtp, sizeof rtp, 3);
    hp_media_transport_input(alice->t, 0, rtcp, sizeof rtcp, 4);
    assert_int_equal(count(f, HP_EV_SRTP_REFUSED, "alice", "reason", "no-keys"), 2);
    hp_trace_cursor cursor = {0};
    hp_record r;
    assert_true(hp_trace_next_of(f->trace, &cursor, 1U << HP_RECORD_EVENT, &r));
    assert_string_equal(hp_record_text(&r, "what"), "rtp");
    assert_int_equal(hp_record_u64(&r, "ssrc"), 9);
    assert_int_equal(hp_record_u64(&r, "sequence"), 7);
    assert_int_equal(hp_record_u64(&r, "packet"), 3);
    assert_true(hp_trace_next_of(f->trace, &cursor, 1U << HP_RECORD_EVENT, &r));
    assert_string_equal(hp_record_text(&r, "what"), "rtcp");
    assert_int_equal(hp_record_u64(&r, "ssrc"), 9);
    assert_int_equal(alice->rtp + alice->rtcp, 0);
    assert_false(hp_media_transport_is_keyed(alice->t));
    assert_int_equal(hp_media_transport_deadline(alice->t), HP_NEVER);
    fixture_free(f);
}

static void test_other_datagrams(void **state)
{
    fixture *f = fixture_new();
    static const uint8_t stun[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}, other[] = {0xff, 1, 2};
    hp_media_transport_input(f->sides[0].t, 0, stun, sizeof stun, 1);
    hp_media_transport_input(f->sides[0].t, 0, other, sizeof other, 2);
    hp_media_transport_input(f->sides[0].t, 0, other, 0, 3);
    assert_int_equal(count(f, HP_EV_MEDIA_IGNORED, "alice", "what", "stun"), 1);
    assert_int_equal(count(f, HP_EV_MEDIA_IGNORED, "alice", "what", "other"), 2);
    fixture_free(f);
}

/* ---- with keys ---- */

static void test_everything_passes_with_keys(void **state)
{
    fixture *f = fixture_new();
    connect_both(f);
    side *alice = &f->sides[0], *bob = &f->sides[1];
    assert_true(hp_media_transport_send_rtp(alice->t, rtp, sizeof rtp));
    assert_int_equal(g_bytes_get_size(alice->sent->pdata[0]), sizeof rtp + 10);
    assert_true(hp_media_transport_send_rtcp(alice->t, rtcp, sizeof rtcp));
    assert_int_equal(g_bytes_get_size(alice->sent->pdata[1]), sizeof rtcp + 14);
    assert_true(hp_media_transport_send_data(alice->t, 0, rtp, sizeof rtp));
    deliver(f, 0);
    assert_int_equal(bob->rtp, 1);
    assert_int_equal(bob->rtcp, 1);
    assert_int_equal(bob->data, 1);
    assert_int_equal(bob->record, 102);
    alice->refuse = true;
    assert_false(hp_media_transport_send_rtp(alice->t, rtp, sizeof rtp));
    /* A packet longer than any engine makes does not leave; one longer than any agent gives is refused. */
    static uint8_t large[65535];
    memcpy(large, rtp, sizeof rtp);
    alice->refuse = false;
    assert_false(hp_media_transport_send_rtp(alice->t, large, HP_MEDIA_PACKET_MAX + 1));
    hp_media_transport_input(bob->t, 0, large, sizeof large, 5);
    assert_int_equal(count(f, HP_EV_SRTP_REFUSED, "bob", NULL, NULL), 1);
    fixture_free(f);
}

/* The active side protects with the client's key (RFC 5764 section 4.2). */
static void test_whose_key_is_whose(void **state)
{
    fixture *f = fixture_new();
    connect_both(f);
    const hp_dtls_keys *keys = hp_dtls_get_keys(hp_media_transport_dtls(f->sides[1].t));
    g_autoptr(GString) client = g_string_new(NULL);
    for (unsigned i = 0; i < 16; i++) {
        g_string_append_printf(client, "%02x", keys->block[i]);
    }
    hp_trace_cursor cursor = {0};
    hp_record r;
    unsigned n = 0;
    while (hp_trace_next_of(f->trace, &cursor, 1U << HP_RECORD_EVENT, &r)) {
        if (r.event.kind == HP_EV_SRTP_KEY && strcmp(hp_record_text(&r, "key"), client->str) == 0) {
            bool bob = strcmp(r.event.subject, "bob") == 0; /* who is active */
            assert_string_equal(hp_record_text(&r, "direction"), bob ? "out" : "in");
            n++;
        }
    }
    assert_int_equal(n, 2);
    fixture_free(f);
}

static void test_close(void **state)
{
    fixture *f = fixture_new();
    connect_both(f);
    side *alice = &f->sides[0], *bob = &f->sides[1];
    assert_true(hp_media_transport_send_rtp(alice->t, rtp, sizeof rtp));
    g_autoptr(GBytes) overtaken = g_bytes_ref(alice->sent->pdata[0]);
    g_ptr_array_set_size(alice->sent, 0);
    hp_media_transport_close(alice->t, 0);
    assert_int_equal(alice->over, 1);
    assert_string_equal(alice->reason, "local");
    assert_int_equal(alice->sent->len, 1); /* close_notify */
    deliver(f, 0);
    assert_int_equal(bob->over, 1);
    assert_string_equal(bob->reason, "peer");
    assert_false(hp_media_transport_is_keyed(bob->t));
    assert_false(hp_media_transport_send_rtp(bob->t, rtp, sizeof rtp));
    /* What was overtaken by the close is still heard. */
    gsize len;
    const uint8_t *late = g_bytes_get_data(overtaken, &len);
    hp_media_transport_input(bob->t, 0, late, len, 1);
    assert_int_equal(bob->rtp, 1);
    hp_media_transport_close(alice->t, 0);
    hp_media_transport_close(bob->t, 0);
    assert_int_equal(alice->over, 1);
    assert_int_equal(bob->over, 1);
    fixture_free(f);
}

static void test_close_before_anything(void **state)
{
    fixture *f = fixture_new();
    tell(f, 0, HP_DTLS_PASSIVE);
    hp_media_transport_close(f->sides[0].t, 0);
    hp_media_transport_set_writable(f->sides[0].t, 0);
    assert_int_equal(f->sides[0].sent->len, 0);
    assert_int_equal(count(f, HP_EV_DTLS_STATE, "alice", NULL, NULL), 0);
    hp_media_transport_close(f->sides[1].t, 0);
    tell(f, 1, HP_DTLS_ACTIVE);
    assert_null(hp_media_transport_dtls(f->sides[1].t));
    fixture_free(f);
}

/* ---- keys from the descriptions ---- */

static void test_told_keys(void **state)
{
    fixture *f = fixture_new();
    hp_rng rng;
    hp_rng_init(&rng, 1, "keys");
    hp_srtp_keys there, back;
    hp_srtp_keys_draw(HP_SRTP_AEAD_AES_128_GCM, &rng, &there);
    hp_srtp_keys_draw(HP_SRTP_AEAD_AES_128_GCM, &rng, &back);
    side *alice = &f->sides[0], *bob = &f->sides[1];
    hp_media_transport_set_keys(alice->t, 0, &there, &back);
    assert_int_equal(alice->keyed, 0); /* there is no path yet */
    hp_media_transport_set_writable(alice->t, 0);
    assert_int_equal(alice->keyed, 1);
    hp_media_transport_set_writable(bob->t, 0);
    hp_media_transport_set_keys(bob->t, 0, &back, &there);
    hp_media_transport_set_keys(bob->t, 0, &there, &back); /* too late to be others */
    assert_int_equal(bob->keyed, 1);
    assert_true(hp_media_transport_send_rtp(alice->t, rtp, sizeof rtp));
    deliver(f, 0);
    assert_int_equal(bob->rtp, 1);
    tell(f, 0, HP_DTLS_ACTIVE);
    assert_null(hp_media_transport_dtls(alice->t));
    static const uint8_t hello[] = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0};
    hp_media_transport_input(bob->t, 0, hello, sizeof hello, 1);
    assert_int_equal(count(f, HP_EV_MEDIA_IGNORED, "bob", "what", "dtls"), 1);
    fixture_free(f);
}

/* ---- the hub ---- */

static void test_hub_finds_the_latest_track(void **state)
{
    fixture *f = fixture_new();
    assert_int_equal(hp_media_hub_find_track(f->hub, "alice", "bob", 1, 1), 0);
    assert_int_equal(hp_media_hub_add_track(f->hub, "alice", "bob", 1, 1, 2), 1);
    assert_int_equal(hp_media_hub_add_track(f->hub, "bob", "alice", 1, 1, 0), 2);
    assert_int_equal(hp_media_hub_add_track(f->hub, "alice", "carol", 1, 1, 0), 3);
    assert_int_equal(hp_media_hub_n_tracks(f->hub), 3);
    assert_int_equal(hp_media_hub_find_track(f->hub, "alice", "bob", 1, 1), 1);
    assert_int_equal(hp_media_hub_find_track(f->hub, "alice", "bob", 1, 2), 1);
    assert_int_equal(hp_media_hub_find_track(f->hub, "alice", "bob", 2, 1), 0); /* another RTP session */
    assert_int_equal(hp_media_hub_find_track(f->hub, "bob", "alice", 1, 1), 2);
    assert_int_equal(hp_media_hub_find_track(f->hub, "bob", "alice", 1, 0),
                     0); /* no retransmissions are not number 0 */
    assert_int_equal(hp_media_hub_find_track(f->hub, "alice", "carol", 1, 2), 0);
    assert_int_equal(hp_media_hub_add_track(f->hub, "alice", "bob", 1, 1, 5), 4);
    assert_int_equal(hp_media_hub_find_track(f->hub, "alice", "bob", 1, 1), 4);
    assert_int_equal(hp_media_hub_find_track(f->hub, "alice", "bob", 1, 2), 1);
    fixture_free(f);
}

static void test_hub_keeps_identities(void **state)
{
    fixture *f = fixture_new(), *g = fixture_new();
    const hp_dtls_identity *alice = hp_media_hub_identity(f->hub, "alice", NULL);
    assert_ptr_equal(alice, hp_media_hub_identity(f->hub, "alice", NULL));
    assert_false(hp_dtls_fingerprint_equal(hp_dtls_identity_fingerprint(alice),
                                           hp_dtls_identity_fingerprint(hp_media_hub_identity(f->hub, "bob", NULL))));
    /* The same in another run of that seed, whoever is asked first. */
    hp_media_hub_identity(g->hub, "bob", NULL);
    assert_true(hp_dtls_fingerprint_equal(hp_dtls_identity_fingerprint(alice),
                                          hp_dtls_identity_fingerprint(hp_media_hub_identity(g->hub, "alice", NULL))));
    /* Names too long for a certificate, and cut inside a character. */
    g_autofree char *name = g_strnfill(80, 'n');
    name[63] = '\xc3';
    name[64] = '\xa4';
    assert_non_null(hp_media_hub_identity(f->hub, name, NULL));
    assert_non_null(hp_media_hub_identity(f->hub, "", NULL));
    fixture_free(f);
    fixture_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_hello_before_the_answer),
        cmocka_unit_test(test_client_hello_before_the_path),
        cmocka_unit_test(test_few_datagrams_wait),
        cmocka_unit_test(test_role_is_told_once),
        cmocka_unit_test(test_nothing_passes_without_keys),
        cmocka_unit_test(test_other_datagrams),
        cmocka_unit_test(test_everything_passes_with_keys),
        cmocka_unit_test(test_whose_key_is_whose),
        cmocka_unit_test(test_close),
        cmocka_unit_test(test_close_before_anything),
        cmocka_unit_test(test_told_keys),
        cmocka_unit_test(test_hub_finds_the_latest_track),
        cmocka_unit_test(test_hub_keeps_identities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
