/* Data channels (RFC 8831, RFC 8832) over the path of sctp_pipe.h: two ends with channels, or one with and one that
 * says raw SCTP messages. alice is the DTLS client, bob the server. */
#include "sctp_pipe.h"

#include "base/error.h"
#include "engines/data_channel.h"
#include "engines/data_channel_message.h"

enum { ALICE, BOB };

typedef struct heard {
    hp_time at;
    hp_channel_event_kind kind;
    hp_channel_state state;
    uint16_t stream;
    bool failed, text, ours;
    char *label, *protocol, *detail;
    GBytes *data;
    hp_channel_config config; /* without its strings */
} heard;

typedef struct side {
    struct rig *rig;
    unsigned index;
    hp_data_channels *channels; /* NULL: raw */
    hp_sctp *raw;
    GPtrArray *heard; /* of heard* */
    GPtrArray *messages; /* raw: of GBytes* */
    GArray *resets; /* raw: of uint16_t, incoming */
    const char *answers_with; /* says that on every channel that opens */
} side;

typedef struct flying {
    hp_time due;
    unsigned to;
    GBytes *bytes;
} flying;

typedef struct rig {
    hp_time now, delay;
    hp_rng luck;
    uint32_t loss_ppb;
    side side[2];
    GPtrArray *flying; /* of flying*, in order of sending */
} rig;

static void free_heard(gpointer p)
{
    heard *h = p;
    g_free(h->label);
    g_free(h->protocol);
    g_free(h->detail);
    g_bytes_unref(h->data);
    g_free(h);
}

static void free_flying(gpointer p)
{
    flying *f = p;
    g_bytes_unref(f->bytes);
    g_free(f);
}

static void on_send(void *user, hp_time now, const uint8_t *data, size_t len)
{
    side *s = user;
    if (!hp_rng_chance(&s->rig->luck, s->rig->loss_ppb)) {
        flying *f = g_new(flying, 1);
        *f = (flying){.due = now + s->rig->delay, .to = 1 - s->index, .bytes = g_bytes_new(data, len)};
        g_ptr_array_add(s->rig->flying, f);
    }
}

static void on_event(void *user, hp_time now, const hp_channel_event *event)
{
    side *s = user;
    heard *h = g_new0(heard, 1);
    *h = (heard){.at = now,
                 .kind = event->kind,
                 .stream = event->stream,
                 .failed = event->failed,
                 .text = event->text,
                 .detail = g_strdup(event->detail),
                 .data = g_bytes_new(event->data, event->length)};
    if (event->channel) {
        h->state = event->channel->state;
        h->ours = event->channel->ours;
        h->config = event->channel->config;
        h->label = g_strdup(event->channel->config.label);
        h->protocol = g_strdup(event->channel->config.protocol);
    }
    g_ptr_array_add(s->heard, h);
    if (s->answers_with && event->channel && event->kind == HP_CHANNEL_EV_STATE &&
        event->channel->state == HP_CHANNEL_OPEN) {
        assert_int_equal(
            hp_data_channels_send(s->channels, now, event->channel, true, s->answers_with, strlen(s->answers_with)),
            HP_SCTP_OK);
    }
}

static void on_raw_event(void *user, hp_time now, const hp_sctp_event *event)
{
    side *s = user;
    if (event->kind == HP_SCTP_EV_MESSAGE) {
        g_ptr_array_add(s->messages, g_bytes_new(event->data, event->length));
    } else if (event->kind == HP_SCTP_EV_STREAM_RESET && event->incoming) {
        g_array_append_val(s->resets, event->stream);
    }
}

static hp_time deadline(const side *s)
{
    return s->channels ? hp_data_channels_deadline(s->channels) : hp_sctp_deadline(s->raw);
}

static void run(rig *r, hp_time until)
{
    for (;;) {
        unsigned first = 0;
        hp_time at = HP_NEVER;
        for (unsigned i = 0; i < r->flying->len; i++) {
            const flying *f = r->flying->pdata[i];
            if (f->due < at) {
                at = f->due;
                first = i;
            }
        }
        side *due = NULL;
        for (unsigned i = 0; i < 2; i++) {
            hp_time wants = MAX(deadline(&r->side[i]), r->now);
            if (deadline(&r->side[i]) != HP_NEVER && wants < at) {
                at = wants;
                due = &r->side[i];
            }
        }
        if (at > until) {
            break;
        }
        r->now = pipe_clock.now = at;
        if (due && due->channels) {
            hp_data_channels_run(due->channels, at);
        } else if (due) {
            hp_sctp_run(due->raw, at);
        } else {
            flying *f = g_ptr_array_steal_index(r->flying, first);
            side *to = &r->side[f->to];
            gsize len;
            const uint8_t *data = g_bytes_get_data(f->bytes, &len);
            if (to->channels) {
                hp_data_channels_input(to->channels, at, data, len);
            } else {
                hp_sctp_input(to->raw, at, data, len);
            }
            free_flying(f);
        }
    }
    r->now = pipe_clock.now = until;
}

static rig *rig_new(bool raw_bob, const hp_sctp_config *sctp)
{
    static const hp_sctp_config usual = {.mtu = 1150};
    static const hp_data_channels_ops ops = {
        .send = on_send, .event = on_event, .enter = pipe_enter, .leave = pipe_leave};
    static const hp_sctp_ops raw_ops = {
        .send = on_send, .event = on_raw_event, .enter = pipe_enter, .leave = pipe_leave};
    rig *r = g_new0(rig, 1);
    r->delay = 10 * HP_MS;
    r->flying = g_ptr_array_new_with_free_func(free_flying);
    hp_rng_init(&r->luck, 1, "path");
    for (unsigned i = 0; i < 2; i++) {
        side *s = &r->side[i];
        hp_rng rng;
        hp_rng_init(&rng, 1, i == ALICE ? "alice" : "bob");
        *s = (side){.rig = r,
                    .index = i,
                    .heard = g_ptr_array_new_with_free_func(free_heard),
                    .messages = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref),
                    .resets = g_array_new(FALSE, FALSE, sizeof(uint16_t))};
        const hp_data_channels_config config = {
            .sctp = sctp ? *sctp : usual, .dtls_client = i == ALICE, .max_message = 65536};
        if (i == BOB && raw_bob) {
            s->raw = hp_sctp_new(&config.sctp, &rng, &raw_ops, s, NULL);
        } else {
            s->channels = hp_data_channels_new(&config, &rng, &ops, s, NULL);
        }
    }
    return r;
}

static void rig_start(rig *r)
{
    hp_data_channels_start(r->side[ALICE].channels, r->now);
    if (r->side[BOB].channels) {
        hp_data_channels_start(r->side[BOB].channels, r->now);
    } else {
        hp_sctp_start(r->side[BOB].raw, r->now);
    }
    run(r, r->now + HP_S);
}

static void rig_free(rig *r)
{
    for (unsigned i = 0; i < 2; i++) {
        hp_data_channels_free(r->side[i].channels);
        hp_sctp_free(r->side[i].raw);
        g_ptr_array_unref(r->side[i].heard);
        g_ptr_array_unref(r->side[i].messages);
        g_array_unref(r->side[i].resets);
    }
    g_ptr_array_unref(r->flying);
    g_free(r);
    assert_int_equal(pipe_clock.entered, 0);
    assert_int_equal(pipe_clock.looked_outside, 0);
    pipe_clock.now = 0;
}

static const heard *find(const rig *r, unsigned who, hp_channel_event_kind kind, unsigned n)
{
    for (unsigned i = 0; i < r->side[who].heard->len; i++) {
        const heard *h = r->side[who].heard->pdata[i];
        if (h->kind == kind && n-- == 0) {
            return h;
        }
    }
    return NULL;
}

static const heard *find_state(const rig *r, unsigned who, hp_channel_state state, unsigned n)
{
    for (unsigned i = 0; i < r->side[who].heard->len; i++) {
        const heard *h = r->side[who].heard->pdata[i];
        if (h->kind == HP_CHANNEL_EV_STATE && h->state == state && n-- == 0) {
            return h;
        }
    }
    return NULL;
}

static const hp_data_channel *open_channel(rig *r, unsigned who, const hp_channel_config *config)
{
    g_autoptr(GError) error = NULL;
    const hp_data_channel *c = hp_data_channels_open(r->side[who].channels, r->now, config, &error);
    assert_null(error);
    return c;
}

static hp_sctp_result say(rig *r, unsigned who, const char *label, const char *text)
{
    const hp_data_channel *c = hp_data_channels_find(r->side[who].channels, label);
    assert_non_null(c);
    return hp_data_channels_send(r->side[who].channels, r->now, c, true, text, strlen(text));
}

static void raw_say(rig *r, uint16_t stream, uint32_t ppid, const void *data, size_t len)
{
    assert_int_equal(hp_sctp_send(r->side[BOB].raw, r->now,
                                  &(hp_sctp_message){.stream = stream, .ppid = ppid, .data = data, .length = len}),
                     HP_SCTP_OK);
    run(r, r->now + HP_S);
}

static const hp_channel_config chat = {.label = (char *)"chat", .protocol = (char *)"v1"};

/* ---- opening ---- */

/* Asked for before the association: the OPEN leaves when that is there, at 30 ms; the ACK is back 20 ms later. */
static void test_open_from_the_start(void **state)
{
    rig *r = rig_new(false, NULL);
    const hp_data_channel *c = open_channel(r, ALICE, &chat);
    assert_int_equal(c->stream, HP_CHANNEL_NO_STREAM);
    assert_int_equal(r->side[ALICE].heard->len, 0);
    rig_start(r);
    assert_int_equal(find(r, ALICE, HP_CHANNEL_EV_CONNECTED, 0)->at, 30 * HP_MS);
    assert_int_equal(find_state(r, ALICE, HP_CHANNEL_OPENING, 0)->at, 30 * HP_MS);
    const heard *theirs = find_state(r, BOB, HP_CHANNEL_OPEN, 0);
    assert_int_equal(theirs->at, 40 * HP_MS);
    assert_int_equal(theirs->stream, 0);
    assert_false(theirs->ours);
    assert_string_equal(theirs->label, "chat");
    assert_string_equal(theirs->protocol, "v1");
    const heard *ours = find_state(r, ALICE, HP_CHANNEL_OPEN, 0);
    assert_int_equal(ours->at, 50 * HP_MS);
    assert_true(ours->ours);
    assert_ptr_equal(hp_data_channels_find(r->side[ALICE].channels, "chat"), c);
    assert_int_equal(c->state, HP_CHANNEL_OPEN);
    rig_free(r);
}

static void test_numbers_by_role(void **state)
{
    rig *r = rig_new(false, NULL);
    rig_start(r);
    for (unsigned i = 0; i < 3; i++) {
        g_autofree char *label = g_strdup_printf("channel %u", i);
        assert_int_equal(open_channel(r, ALICE, &(hp_channel_config){.label = label})->stream, 2 * i);
        assert_int_equal(open_channel(r, BOB, &(hp_channel_config){.label = label})->stream, 2 * i + 1);
    }
    run(r, 3 * HP_S);
    assert_non_null(find_state(r, ALICE, HP_CHANNEL_OPEN, 5));
    assert_non_null(find_state(r, BOB, HP_CHANNEL_OPEN, 5));
    rig_free(r);
}

static void test_the_agreed_kind_of_delivery(void **state)
{
    const hp_channel_config kinds[] = {
        {.label = (char *)"a", .unordered = true},
        {.label = (char *)"b", .limit_retransmits = true, .max_retransmits = 3},
        {.label = (char *)"c", .unordered = true, .limit_lifetime = true, .max_lifetime = 250 * HP_MS},
    };
    rig *r = rig_new(false, NULL);
    rig_start(r);
    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
        open_channel(r, ALICE, &kinds[i]);
        run(r, r->now + HP_S);
        const hp_channel_config *theirs = &find_state(r, BOB, HP_CHANNEL_OPEN, i)->config;
        assert_int_equal(theirs->unordered, kinds[i].unordered);
        assert_int_equal(theirs->limit_retransmits, kinds[i].limit_retransmits);
        assert_int_equal(theirs->max_retransmits, kinds[i].max_retransmits);
        assert_int_equal(theirs->limit_lifetime, kinds[i].limit_lifetime);
        assert_int_equal(theirs->max_lifetime, kinds[i].max_lifetime);
    }
    rig_free(r);
}

/* What is said the moment a channel opens comes behind the ACK. */
static void test_an_answer_at_once(void **state)
{
    rig *r = rig_new(false, NULL);
    r->side[BOB].answers_with = "welcome";
    rig_start(r);
    open_channel(r, ALICE, &chat);
    run(r, 3 * HP_S);
    const heard *message = find(r, ALICE, HP_CHANNEL_EV_MESSAGE, 0);
    assert_int_equal(message->at, HP_S + 20 * HP_MS);
    assert_int_equal(find_state(r, ALICE, HP_CHANNEL_OPEN, 0)->at, HP_S + 20 * HP_MS);
    assert_null(find(r, ALICE, HP_CHANNEL_EV_DROPPED, 0));
    rig_free(r);
}

static void test_no_stream_is_left(void **state)
{
    const hp_sctp_config few = {.mtu = 1150, .streams = 4};
    rig *r = rig_new(false, &few);
    rig_start(r);
    open_channel(r, ALICE, &chat);
    open_channel(r, ALICE, &chat);
    g_autoptr(GError) error = NULL;
    assert_null(hp_data_channels_open(r->side[ALICE].channels, r->now, &chat, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_LIMIT));
    rig_free(r);

    r = rig_new(false, &few);
    for (unsigned i = 0; i < 3; i++) {
        open_channel(r, ALICE, &chat);
    }
    rig_start(r);
    const heard *failed = find_state(r, ALICE, HP_CHANNEL_FAILED, 0);
    assert_string_equal(failed->detail, "no-stream");
    assert_int_equal(failed->stream, HP_CHANNEL_NO_STREAM);
    assert_non_null(find_state(r, ALICE, HP_CHANNEL_OPEN, 1));
    rig_free(r);
}

static void test_such_a_channel_cannot_be(void **state)
{
    rig *r = rig_new(false, NULL);
    g_autoptr(GError) error = NULL;
    const hp_channel_config both = {.label = (char *)"x", .limit_lifetime = true, .limit_retransmits = true};
    assert_null(hp_data_channels_open(r->side[ALICE].channels, 0, &both, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
    rig_free(r);
}

/* ---- messages ---- */

static void test_text_octets_and_nothing(void **state)
{
    static const struct {
        bool text;
        const char *data;
        size_t len;
    } messages[] = {{true, "hello", 5}, {false, "\0\1\2", 3}, {true, "", 0}, {false, "", 0}};
    rig *r = rig_new(false, NULL);
    rig_start(r);
    const hp_data_channel *c = open_channel(r, ALICE, &chat);
    assert_int_equal(say(r, ALICE, "chat", "too early"), HP_SCTP_REFUSED);
    run(r, 2 * HP_S);
    for (unsigned i = 0; i < G_N_ELEMENTS(messages); i++) {
        assert_int_equal(hp_data_channels_send(r->side[ALICE].channels, r->now, c, messages[i].text, messages[i].data,
                                               messages[i].len),
                         HP_SCTP_OK);
    }
    run(r, 3 * HP_S);
    for (unsigned i = 0; i < G_N_ELEMENTS(messages); i++) {
        const heard *h = find(r, BOB, HP_CHANNEL_EV_MESSAGE, i);
        assert_int_equal(h->at, 2 * HP_S + 10 * HP_MS);
        assert_int_equal(h->text, messages[i].text);
        assert_string_equal(h->label, "chat");
        assert_int_equal(g_bytes_get_size(h->data), messages[i].len);
        assert_memory_equal(messages[i].len > 0 ? g_bytes_get_data(h->data, NULL) : "", messages[i].data,
                            messages[i].len);
    }
    rig_free(r);
}

static void test_the_peers_largest_message(void **state)
{
    rig *r = rig_new(false, NULL);
    rig_start(r);
    const hp_data_channel *c = open_channel(r, ALICE, &chat);
    run(r, 2 * HP_S);
    uint8_t *data = g_malloc0(65537);
    assert_int_equal(hp_data_channels_send(r->side[ALICE].channels, r->now, c, false, data, 65536), HP_SCTP_OK);
    assert_int_equal(hp_data_channels_send(r->side[ALICE].channels, r->now, c, false, data, 65537), HP_SCTP_REFUSED);
    run(r, 4 * HP_S);
    assert_int_equal(g_bytes_get_size(find(r, BOB, HP_CHANNEL_EV_MESSAGE, 0)->data), 65536);
    g_free(data);
    rig_free(r);
}

/* SCTP has no room for a large OPEN: it waits, and no message passes it, not even one that there is room for. */
static void test_an_open_that_has_to_wait(void **state)
{
    const hp_sctp_config small = {.mtu = 1150, .send_buffer = 40000};
    g_autofree char *label = g_strnfill(5000, 'x');
    rig *r = rig_new(false, &small);
    rig_start(r);
    const hp_data_channel *c = open_channel(r, ALICE, &chat);
    run(r, 2 * HP_S);
    uint8_t data[1000] = {0};
    for (unsigned i = 0; i < 36; i++) {
        assert_int_equal(hp_data_channels_send(r->side[ALICE].channels, r->now, c, false, data, sizeof data),
                         HP_SCTP_OK);
    }
    assert_int_equal(hp_data_channels_send(r->side[ALICE].channels, r->now, c, false, data, 1), HP_SCTP_OK);
    open_channel(r, ALICE, &(hp_channel_config){.label = label});
    assert_int_equal(hp_data_channels_send(r->side[ALICE].channels, r->now, c, false, data, 1), HP_SCTP_WOULD_BLOCK);
    run(r, 4 * HP_S);
    assert_non_null(find(r, ALICE, HP_CHANNEL_EV_WRITABLE, 0));
    assert_string_equal(find_state(r, BOB, HP_CHANNEL_OPEN, 1)->label, label);
    assert_int_equal(hp_data_channels_send(r->side[ALICE].channels, r->now, c, false, data, 1), HP_SCTP_OK);
    rig_free(r);
}

/* ---- closing ---- */

static void test_close(void **state)
{
    rig *r = rig_new(false, NULL);
    rig_start(r);
    const hp_data_channel *c = open_channel(r, ALICE, &chat);
    run(r, 2 * HP_S);
    assert_int_equal(say(r, ALICE, "chat", "farewell"), HP_SCTP_OK);
    hp_data_channels_close(r->side[ALICE].channels, r->now, c);
    assert_null(hp_data_channels_find(r->side[ALICE].channels, "chat"));
    run(r, 4 * HP_S);
    assert_non_null(find(r, BOB, HP_CHANNEL_EV_MESSAGE, 0));
    assert_string_equal(find_state(r, BOB, HP_CHANNEL_CLOSED, 0)->detail, "closed-by-peer");
    assert_string_equal(find_state(r, ALICE, HP_CHANNEL_CLOSED, 0)->detail, "closed");
    assert_int_equal(hp_data_channels_state(r->side[ALICE].channels), HP_SCTP_CONNECTED);
    /* the number is free again, on both sides */
    assert_int_equal(open_channel(r, ALICE, &chat)->stream, 0);
    run(r, 6 * HP_S);
    assert_int_equal(find_state(r, BOB, HP_CHANNEL_OPEN, 1)->stream, 0);
    assert_int_equal(say(r, BOB, "chat", "again"), HP_SCTP_OK);
    run(r, 7 * HP_S);
    assert_non_null(find(r, ALICE, HP_CHANNEL_EV_MESSAGE, 0));
    rig_free(r);
}

static void test_both_close_at_once(void **state)
{
    rig *r = rig_new(false, NULL);
    rig_start(r);
    open_channel(r, ALICE, &chat);
    run(r, 2 * HP_S);
    for (unsigned i = 0; i < 2; i++) {
        hp_data_channels_close(r->side[i].channels, r->now, hp_data_channels_find(r->side[i].channels, "chat"));
    }
    run(r, 6 * HP_S);
    for (unsigned i = 0; i < 2; i++) {
        assert_string_equal(find_state(r, i, HP_CHANNEL_CLOSED, 0)->detail, "closed");
    }
    rig_free(r);
}

/* Opened and closed over and over on a bad path: whatever order resets and OPENs arrive in, every channel opens. */
static void test_numbers_are_used_again_on_a_bad_path(void **state)
{
    rig *r = rig_new(false, NULL);
    rig_start(r);
    r->loss_ppb = HP_PPB / 5;
    for (unsigned i = 0; i < 30; i++) {
        const hp_data_channel *c = open_channel(r, ALICE, &chat);
        while (c->state != HP_CHANNEL_OPEN && r->now < 4000 * HP_S) {
            run(r, r->now + 10 * HP_MS);
        }
        assert_int_equal(c->state, HP_CHANNEL_OPEN);
        hp_data_channels_close(r->side[ALICE].channels, r->now, c);
        while (!find_state(r, ALICE, HP_CHANNEL_CLOSED, i) && r->now < 4000 * HP_S) {
            run(r, r->now + 10 * HP_MS);
        }
        assert_int_equal(find_state(r, ALICE, HP_CHANNEL_CLOSED, i)->stream, 0);
    }
    assert_null(find_state(r, BOB, HP_CHANNEL_FAILED, 0));
    assert_non_null(find_state(r, BOB, HP_CHANNEL_OPEN, 29));
    rig_free(r);
}

static void test_the_association_ends(void **state)
{
    rig *r = rig_new(false, NULL);
    rig_start(r);
    open_channel(r, ALICE, &chat);
    run(r, 2 * HP_S);
    hp_data_channels_end(r->side[ALICE].channels, r->now, false);
    run(r, 3 * HP_S);
    assert_string_equal(find_state(r, ALICE, HP_CHANNEL_CLOSED, 0)->detail, "aborted");
    assert_string_equal(find_state(r, BOB, HP_CHANNEL_CLOSED, 0)->detail, "aborted-by-peer");
    assert_string_equal(find(r, BOB, HP_CHANNEL_EV_ENDED, 0)->detail, "aborted-by-peer");
    assert_false(find(r, BOB, HP_CHANNEL_EV_ENDED, 0)->failed);
    g_autoptr(GError) error = NULL;
    assert_null(hp_data_channels_open(r->side[ALICE].channels, r->now, &chat, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
    rig_free(r);
}

/* ---- a peer that says what it likes ---- */

static void test_malformed_messages_cost_their_channel(void **state)
{
    static const struct {
        uint16_t stream;
        uint8_t data[16];
        size_t len;
        const char *fault;
    } bad[] = {
        {1, {9}, 1, "malformed-type"},
        {3, {3, 0}, 2, "malformed-length"},
        {5, {3, 7, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 12, "malformed-channel-type"},
        {7, {3, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0xff}, 13, "malformed-text"},
        {8, {3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 12, "stream-of-ours"},
    };
    rig *r = rig_new(true, NULL);
    rig_start(r);
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        raw_say(r, bad[i].stream, HP_PPID_DCEP, bad[i].data, bad[i].len);
        const heard *failed = find_state(r, ALICE, HP_CHANNEL_FAILED, i);
        assert_string_equal(failed->detail, bad[i].fault);
        assert_int_equal(failed->stream, bad[i].stream);
        assert_int_equal(r->side[BOB].resets->len, i + 1);
        assert_int_equal(g_array_index(r->side[BOB].resets, uint16_t, i), bad[i].stream);
    }
    static const uint8_t good[] = {3, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 'g'};
    raw_say(r, 9, HP_PPID_DCEP, good, sizeof good);
    assert_string_equal(find_state(r, ALICE, HP_CHANNEL_OPEN, 0)->label, "g");
    assert_memory_equal(g_bytes_get_data(r->side[BOB].messages->pdata[0], NULL), "\2", 1);
    raw_say(r, 9, HP_PPID_DCEP, good, sizeof good);
    assert_string_equal(find_state(r, ALICE, HP_CHANNEL_FAILED, G_N_ELEMENTS(bad))->detail, "stream-in-use");
    rig_free(r);
}

static void test_what_is_dropped(void **state)
{
    static const uint8_t open[] = {3, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 'g'};
    rig *r = rig_new(true, NULL);
    rig_start(r);
    raw_say(r, 1, HP_PPID_STRING, "who?", 4);
    raw_say(r, 1, HP_PPID_DCEP, "\2", 1);
    raw_say(r, 1, HP_PPID_DCEP, open, sizeof open);
    raw_say(r, 1, 52, "deprecated", 10);
    raw_say(r, 1, 0, "unknown", 7);
    raw_say(r, 1, HP_PPID_DCEP, "\2", 1);
    static const char *const why[] = {"no open channel", "an ACK of nothing", "an unknown payload protocol",
                                      "an unknown payload protocol", "an ACK of nothing"};
    for (unsigned i = 0; i < G_N_ELEMENTS(why); i++) {
        assert_string_equal(find(r, ALICE, HP_CHANNEL_EV_DROPPED, i)->detail, why[i]);
    }
    assert_null(find(r, ALICE, HP_CHANNEL_EV_MESSAGE, 0));
    raw_say(r, 1, HP_PPID_BINARY_EMPTY, "x", 1);
    assert_int_equal(g_bytes_get_size(find(r, ALICE, HP_CHANNEL_EV_MESSAGE, 0)->data), 0);
    rig_free(r);
}

static void test_noise_in_messages(void **state)
{
    rig *r = rig_new(true, NULL);
    rig_start(r);
    hp_rng rng;
    hp_rng_init(&rng, 1, "noise");
    for (unsigned i = 0; i < 500; i++) {
        uint8_t data[40];
        size_t len = 1 + hp_rng_below(&rng, sizeof data - 1);
        hp_rng_bytes(&rng, data, len);
        data[0] = (uint8_t)(2 + hp_rng_below(&rng, 2));
        data[1] &= 0x83;
        hp_sctp_send(r->side[BOB].raw, r->now,
                     &(hp_sctp_message){.stream = (uint16_t)hp_rng_below(&rng, 20),
                                        .ppid = 50 + (uint32_t)hp_rng_below(&rng, 4),
                                        .data = data,
                                        .length = len});
        run(r, r->now + 100 * HP_MS);
        if (i % 50 == 0) {
            hp_sctp_reset_stream(r->side[BOB].raw, r->now, (uint16_t)hp_rng_below(&rng, 20));
        }
    }
    assert_int_equal(hp_data_channels_state(r->side[ALICE].channels), HP_SCTP_CONNECTED);
    assert_int_equal(open_channel(r, ALICE, &chat)->stream % 2, 0);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_from_the_start),
        cmocka_unit_test(test_numbers_by_role),
        cmocka_unit_test(test_the_agreed_kind_of_delivery),
        cmocka_unit_test(test_an_answer_at_once),
        cmocka_unit_test(test_no_stream_is_left),
        cmocka_unit_test(test_such_a_channel_cannot_be),
        cmocka_unit_test(test_text_octets_and_nothing),
        cmocka_unit_test(test_the_peers_largest_message),
        cmocka_unit_test(test_an_open_that_has_to_wait),
        cmocka_unit_test(test_close),
        cmocka_unit_test(test_both_close_at_once),
        cmocka_unit_test(test_numbers_are_used_again_on_a_bad_path),
        cmocka_unit_test(test_the_association_ends),
        cmocka_unit_test(test_malformed_messages_cost_their_channel),
        cmocka_unit_test(test_what_is_dropped),
        cmocka_unit_test(test_noise_in_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
