/* Data channels between two libnice peers on a LAN, over DTLS: the association's life, channels, and flows over
 * them. */
#include "media_lan.h"

#include "actors/flow.h"

static const hp_call_config data_only = {.data = true, .bundle = true, .rtcp_mux = true};
static const hp_call_config media_both_and_data = {
    .media = {true, true}, .data = true, .bundle = true, .rtcp_mux = true};

typedef struct fixture {
    lan *l;
    hp_flows *flows;
} fixture;

static fixture new_fixture(uint64_t seed)
{
    fixture f = {.l = media_lan(seed)};
    f.flows = hp_flows_new(f.l->world);
    hp_flows_watch(f.flows, f.l->peers[0]);
    hp_flows_watch(f.flows, f.l->peers[1]);
    return f;
}

static void clear(fixture *f)
{
    hp_flows_free(f->flows);
    lan_free(f->l);
}

static unsigned start(fixture *f, unsigned from, const hp_channel_config *channel, uint32_t size, hp_time interval,
                      uint64_t count)
{
    const hp_flow_config config = {.from = f->l->peers[from],
                                   .to = from == 0 ? "bob" : "alice",
                                   .stream = 1,
                                   .component = 1,
                                   .size = size,
                                   .interval = interval,
                                   .count = count,
                                   .channel = channel};
    return hp_flows_start(f->flows, &config);
}

static unsigned received(const fixture *f, unsigned flow)
{
    hp_trace_cursor cursor = {0};
    hp_record r;
    unsigned n = 0;
    while (hp_trace_next(f->l->trace, &cursor, &r)) {
        n += r.type == HP_RECORD_EVENT && r.event.kind == HP_EV_DATA_RECEIVED && hp_record_u64(&r, "flow") == flow;
    }
    return n;
}

static void test_a_flow_waits_for_its_channel(void **state)
{
    const hp_channel_config chat = {.label = (char *)"chat"};
    fixture f = new_fixture(1);
    media_call(f.l, 0, "bob", &data_only);
    start(&f, 0, &chat, 100, 20 * HP_MS, 50);
    lan_run(f.l, 5 * HP_S);
    hp_record opened, begun, sent, arrived;
    assert_true(lan_find(f.l, HP_EV_CHANNEL_STATE, "alice", "state", "open", 0, &opened));
    assert_string_equal(hp_record_text(&opened, "label"), "chat");
    assert_true(lan_find(f.l, HP_EV_FLOW, "alice", "channel", "chat", 0, &begun));
    assert_int_equal(begun.at, opened.at);
    assert_true(lan_find(f.l, HP_EV_DATA_SENT, "alice", NULL, NULL, 0, &sent));
    assert_int_equal(sent.at, opened.at);
    assert_true(lan_find(f.l, HP_EV_DATA_RECEIVED, "bob", NULL, NULL, 0, &arrived));
    assert_int_equal(hp_record_u64(&arrived, "latency"), HP_MS);
    hp_record p;
    assert_true(hp_trace_find_packet(f.l->trace, (uint32_t)hp_record_u64(&arrived, "packet"), &p));
    assert_int_equal(p.at, arrived.at);
    assert_int_equal(received(&f, 1), 50);
    assert_int_equal(lan_count(f.l, HP_EV_DATA_REFUSED, NULL, NULL, NULL), 0);
    assert_int_equal(lan_count(f.l, HP_EV_SCTP_STATE, NULL, "state", "connected"), 2);
    assert_true(hp_flows_all_done(f.flows));
    clear(&f);
}

/* bob has not heard of the call when his flow is started: it waits for the association, then opens its channel. */
static void test_a_flow_waits_for_its_session(void **state)
{
    const hp_channel_config chat = {.label = (char *)"chat"};
    fixture f = new_fixture(1);
    start(&f, 1, &chat, 100, 20 * HP_MS, 50);
    lan_run(f.l, HP_S);
    assert_int_equal(lan_count(f.l, HP_EV_FLOW, NULL, NULL, NULL), 0);
    media_call(f.l, 0, "bob", &data_only);
    lan_run(f.l, 5 * HP_S);
    hp_record connected = media_event(f.l, HP_EV_SCTP_STATE, "bob", "state", "connected", 0);
    hp_record opening = media_event(f.l, HP_EV_CHANNEL_STATE, "bob", "state", "opening", 0);
    assert_int_equal(opening.at, connected.at);
    hp_record opened = media_event(f.l, HP_EV_CHANNEL_STATE, "bob", "state", "open", 0);
    hp_record begun = media_event(f.l, HP_EV_FLOW, "bob", "channel", "chat", 0);
    assert_int_equal(begun.at, opened.at);
    assert_int_equal(received(&f, 1), 50);
    assert_int_equal(lan_count(f.l, HP_EV_DATA_REFUSED, NULL, NULL, NULL), 0);
    clear(&f);
}

static unsigned count(const fixture *f, hp_event_kind kind, const char *subject, const char *key, const char *text)
{
    return lan_count(f->l, kind, subject, key, text);
}

/* The one with the DTLS client's role has the even numbers; audio, video and data share a transport or not. */
static void test_both_sides_open(void **state)
{
    static const hp_call_config calls[] = {
        {.data = true, .bundle = true, .rtcp_mux = true},
        {.media = {true, true}, .data = true, .bundle = true, .rtcp_mux = true},
        {.media = {true, true}, .data = true},
    };
    const hp_channel_config hers = {.label = (char *)"hers"}, his = {.label = (char *)"his"};
    for (unsigned i = 0; i < G_N_ELEMENTS(calls); i++) {
        fixture f = new_fixture(1);
        media_call(f.l, 0, "bob", &calls[i]);
        lan_run(f.l, 5 * HP_S);
        start(&f, 0, &hers, 100, 10 * HP_MS, 20);
        start(&f, 1, &his, 100, 10 * HP_MS, 20);
        lan_run(f.l, 7 * HP_S);
        assert_int_equal(received(&f, 1), 20);
        assert_int_equal(received(&f, 2), 20);
        /* the answerer is the DTLS client */
        hp_record r = media_event(f.l, HP_EV_CHANNEL_STATE, "alice", "label", "hers", 0);
        assert_string_equal(hp_record_text(&r, "state"), "opening");
        assert_int_equal(hp_record_u64(&r, "channel"), 1);
        assert_int_equal(hp_record_u64(&r, "session"), 1);
        r = media_event(f.l, HP_EV_CHANNEL_STATE, "alice", "label", "his", 0);
        assert_string_equal(hp_record_text(&r, "state"), "open");
        assert_int_equal(hp_record_u64(&r, "channel"), 0);
        assert_int_equal(count(&f, HP_EV_SCTP_STATE, "alice", "state", "connecting"), 1);
        assert_int_equal(count(&f, HP_EV_SCTP_STATE, "bob", "state", "connected"), 1);
        assert_int_equal(count(&f, HP_EV_MEDIA_IGNORED, NULL, "what", "data-channel"), 0);
        clear(&f);
    }
}

static void test_one_channel_for_two_flows(void **state)
{
    const hp_channel_config chat = {.label = (char *)"chat"};
    fixture f = new_fixture(1);
    media_call(f.l, 0, "bob", &data_only);
    start(&f, 0, &chat, 100, 10 * HP_MS, 20);
    start(&f, 0, &chat, 65000, 500 * HP_MS, 3);
    lan_run(f.l, 5 * HP_S);
    start(&f, 1, &chat, 200, 10 * HP_MS, 20); /* the channel is open: it begins at once */
    hp_record r = media_event(f.l, HP_EV_FLOW, "bob", "channel", "chat", 0);
    assert_int_equal(r.at, 5 * HP_S);
    lan_run(f.l, 8 * HP_S);
    assert_int_equal(received(&f, 1), 20);
    assert_int_equal(received(&f, 2), 3);
    assert_int_equal(received(&f, 3), 20);
    assert_int_equal(count(&f, HP_EV_CHANNEL_STATE, "alice", "state", "open"), 1);
    clear(&f);
}

/* A tenth of all packets is lost: a reliable channel loses none of its messages, one without retransmissions about that
 * many. */
static void test_delivery_on_a_bad_link(void **state)
{
    const hp_channel_config sure = {.label = (char *)"sure"},
                            quick = {.label = (char *)"quick", .unordered = true, .limit_retransmits = true};
    const hp_link_config bad = {.delay_ns = HP_MS / 2, .loss_ppb = HP_PPB / 10};
    fixture f = new_fixture(1);
    media_call(f.l, 0, "bob", &data_only);
    lan_run(f.l, 5 * HP_S);
    media_set_link(f.l->up[0], &bad);
    start(&f, 0, &sure, 500, 20 * HP_MS, 400);
    start(&f, 0, &quick, 500, 20 * HP_MS, 400);
    lan_run(f.l, 60 * HP_S);
    assert_int_equal(received(&f, 1), 400);
    assert_in_range(received(&f, 2), 320, 390);
    clear(&f);
}

static void test_the_end_of_the_call(void **state)
{
    const hp_channel_config chat = {.label = (char *)"chat"};
    fixture f = new_fixture(1);
    media_call(f.l, 0, "bob", &data_only);
    start(&f, 0, &chat, 100, 100 * HP_MS, 100);
    lan_run(f.l, 5 * HP_S);
    hp_peer_close(f.l->peers[0], NULL);
    lan_run(f.l, 20 * HP_S);
    hp_record r = media_event(f.l, HP_EV_SCTP_STATE, "alice", "state", "closed", 0);
    assert_int_equal(r.at, 5 * HP_S);
    assert_string_equal(hp_record_text(&r, "reason"), "aborted");
    r = media_event(f.l, HP_EV_SCTP_STATE, "bob", "state", "closed", 0);
    assert_int_equal(r.at, 5 * HP_S + HP_MS);
    assert_string_equal(hp_record_text(&r, "reason"), "aborted-by-peer");
    assert_int_equal(count(&f, HP_EV_CHANNEL_STATE, NULL, "state", "closed"), 2);
    /* what comes after is refused, and the flow goes on to its end */
    assert_int_equal(count(&f, HP_EV_DATA_SENT, "alice", NULL, NULL), 100);
    assert_int_equal(received(&f, 1) + count(&f, HP_EV_DATA_REFUSED, "alice", NULL, NULL), 100);
    assert_in_range(received(&f, 1), 20, 60);
    clear(&f);
}

static void test_no_session_with_channels(void **state)
{
    const hp_channel_config chat = {.label = (char *)"chat"};
    fixture f = new_fixture(1);
    g_autoptr(GError) error = NULL;
    assert_false(hp_peer_open_channel(f.l->peers[0], "bob", &chat, &error));
    assert_non_null(error);
    media_call(f.l, 0, "bob", &media_audio);
    start(&f, 0, &chat, 100, 10 * HP_MS, 5);
    lan_run(f.l, 5 * HP_S);
    assert_int_equal(count(&f, HP_EV_FLOW, "alice", "channel", "chat"), 1);
    assert_int_equal(count(&f, HP_EV_DATA_REFUSED, "alice", NULL, NULL), 5);
    assert_true(hp_flows_all_done(f.flows));
    clear(&f);
}

/* DTLS fails: there is nothing to wait for any more. */
static void test_no_association_without_dtls(void **state)
{
    const hp_channel_config chat = {.label = (char *)"chat"};
    fixture f = {.l = lan_new(1)};
    hp_peer_media_config wrong = f.l->media;
    wrong.secure.fingerprint = HP_FINGERPRINT_WRONG;
    f.flows = hp_flows_new(f.l->world);
    hp_flows_watch(f.flows, lan_add_peer(f.l, "alice"));
    hp_flows_watch(f.flows, lan_add_peer_media(f.l, "bob", &wrong));
    media_call(f.l, 0, "bob", &data_only);
    start(&f, 0, &chat, 100, 10 * HP_MS, 5);
    lan_run(f.l, 5 * HP_S);
    hp_record failed = media_event(f.l, HP_EV_DTLS_STATE, "alice", "state", "failed", 0);
    hp_record r = media_event(f.l, HP_EV_CHANNEL_STATE, "alice", "label", "chat", 0);
    assert_string_equal(hp_record_text(&r, "state"), "closed");
    assert_string_equal(hp_record_text(&r, "reason"), "fingerprint");
    assert_int_equal(hp_record_u64(&r, "channel"), 65535);
    assert_int_equal(r.at, failed.at);
    assert_int_equal(count(&f, HP_EV_SCTP_STATE, NULL, "state", "connecting"), 0);
    assert_int_equal(count(&f, HP_EV_DATA_REFUSED, "alice", NULL, NULL), 5);
    clear(&f);
}

/* usrsctp has a smallest packet; DTLS on such a path leaves less. */
static void test_too_small_an_mtu(void **state)
{
    const hp_channel_config chat = {.label = (char *)"chat"};
    fixture f = {.l = lan_new(1)};
    f.l->media.secure.mtu = 400;
    f.flows = hp_flows_new(f.l->world);
    hp_flows_watch(f.flows, lan_add_peer(f.l, "alice"));
    hp_flows_watch(f.flows, lan_add_peer(f.l, "bob"));
    media_call(f.l, 0, "bob", &data_only);
    start(&f, 0, &chat, 100, 10 * HP_MS, 5);
    lan_run(f.l, 5 * HP_S);
    hp_record r = media_event(f.l, HP_EV_SCTP_STATE, "alice", "state", "failed", 0);
    assert_string_equal(hp_record_text(&r, "reason"), "sctp: mtu out of bounds");
    r = media_event(f.l, HP_EV_CHANNEL_STATE, "alice", "label", "chat", 0);
    assert_string_equal(hp_record_text(&r, "state"), "failed");
    assert_int_equal(count(&f, HP_EV_DATA_REFUSED, "alice", NULL, NULL), 5);
    clear(&f);
}

/* Both call at once; the one that gives way has a flow that waits for its channel: it waits in the other's session. */
static void test_a_flow_outlives_a_glare(void **state)
{
    const hp_channel_config chat = {.label = (char *)"chat"};
    fixture f = new_fixture(1);
    media_call(f.l, 0, "bob", &data_only);
    media_call(f.l, 1, "alice", &data_only);
    start(&f, 0, &chat, 100, 10 * HP_MS, 20);
    start(&f, 1, &chat, 100, 10 * HP_MS, 20);
    lan_run(f.l, 10 * HP_S);
    assert_int_equal(received(&f, 1), 20);
    assert_int_equal(received(&f, 2), 20);
    assert_int_equal(count(&f, HP_EV_DATA_REFUSED, NULL, NULL, NULL), 0);
    clear(&f);
}

static void append_record(GString *text, const hp_record *r)
{
    if (r->type == HP_RECORD_PACKET && r->packet.payload) {
        g_string_append_len(text, (const char *)r->packet.payload, (gssize)r->packet.payload_length);
    }
    g_string_append_len(text, (const char *)&r->at, sizeof r->at);
}

static char *digest_of_a_run(uint64_t seed)
{
    const hp_channel_config chat = {.label = (char *)"chat", .limit_lifetime = true, .max_lifetime = 300 * HP_MS};
    const hp_link_config bad = {.delay_ns = HP_MS, .loss_ppb = HP_PPB / 20, .jitter_ns = HP_MS};
    fixture f = new_fixture(seed);
    media_set_link(f.l->up[0], &bad);
    media_call(f.l, 0, "bob", &media_both_and_data);
    start(&f, 0, &chat, 3000, 20 * HP_MS, 100);
    start(&f, 1, &chat, 300, 20 * HP_MS, 100);
    lan_run(f.l, 20 * HP_S);
    assert_in_range(received(&f, 1), 30, 100);
    assert_in_range(received(&f, 2), 30, 100);
    hp_trace_cursor cursor = {0};
    hp_record r;
    g_autoptr(GString) text = g_string_new(NULL);
    while (hp_trace_next(f.l->trace, &cursor, &r)) {
        append_record(text, &r);
    }
    char *digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)text->str, text->len);
    clear(&f);
    return digest;
}

static void test_same_seed_same_bytes(void **state)
{
    g_autofree char *first = digest_of_a_run(1), *again = digest_of_a_run(1), *other = digest_of_a_run(2);
    assert_string_equal(first, again);
    assert_string_not_equal(first, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_flow_waits_for_its_channel),
        cmocka_unit_test(test_a_flow_waits_for_its_session),
        cmocka_unit_test(test_both_sides_open),
        cmocka_unit_test(test_one_channel_for_two_flows),
        cmocka_unit_test(test_delivery_on_a_bad_link),
        cmocka_unit_test(test_the_end_of_the_call),
        cmocka_unit_test(test_no_session_with_channels),
        cmocka_unit_test(test_no_association_without_dtls),
        cmocka_unit_test(test_too_small_an_mtu),
        cmocka_unit_test(test_a_flow_outlives_a_glare),
        cmocka_unit_test(test_same_seed_same_bytes),
    };
    return cmocka_run_group_tests(tests, media_start, NULL);
}
