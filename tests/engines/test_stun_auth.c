/* Long-term credentials (RFC 8489 section 9.2.4), on Binding with binding_auth and on Allocate. */
#include "engines/rig.h"

#include "engines/stun_auth.h"

static const uint8_t both_algorithms[8] = {0, 2, 0, 0, 0, 1, 0, 0};

static int setup(void **state)
{
    rig *r = g_new(rig, 1);
    rig_init(r);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    rig *r = *state;
    rig_end(r);
    g_free(r);
    return 0;
}

static rig_client alice(void)
{
    return rig_client_new("192.0.2.10:5000", "alice", "secret");
}

static void assert_text(const rig_sent *s, uint16_t type, const char *text)
{
    hp_stun_attr a = rig_attr(s, type);
    assert_int_equal(a.length, strlen(text));
    assert_memory_equal(a.value, text, a.length);
}

/* No integrity: 401 with REALM and NONCE, without USERNAME or integrity. */
static void challenge(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client c = alice();
    rig_begin_allocate(r);
    assert_int_equal(rig_ask(r, &c), 401);
    const rig_sent *s = rig_last(r);
    assert_text(s, HP_STUN_REALM, "hairpin");
    hp_stun_attr nonce = rig_attr(s, HP_STUN_NONCE);
    assert_int_equal(nonce.length, HP_STUN_NONCE_LENGTH);
    assert_memory_equal(nonce.value, "obMatJos2AAAA", 13); /* section 9.2: no features */
    assert_false(rig_has(s, HP_STUN_USERNAME));
    assert_false(rig_has(s, HP_STUN_MESSAGE_INTEGRITY));
    assert_false(rig_has(s, HP_STUN_MESSAGE_INTEGRITY_SHA256));
    assert_false(rig_has(s, HP_STUN_PASSWORD_ALGORITHMS));
    assert_int_equal(rig_last_event(r, HP_SERVER_EV_REQUEST)->code, 401);
    assert_int_equal(rig_last_event(r, HP_SERVER_EV_REQUEST)->answer, HP_ANSWER_ERROR);
}

/* Section 9.2 and 18.1: the feature bits in the nonce cookie, and PASSWORD-ALGORITHMS in order of preference. */
static void features(void **state)
{
    rig *r = *state;
    static const char *const cookies[] = {"obMatJos2AAAA", "obMatJos2gAAA", "obMatJos2QAAA", "obMatJos2wAAA"};
    for (unsigned i = 0; i < 4; i++) {
        r->config.sha256 = (i & 1) != 0;
        r->config.userhash = (i & 2) != 0;
        r->config.realm = (char *)"example.org";
        rig_start(r);
        rig_client c = alice();
        rig_begin_allocate(r);
        assert_int_equal(rig_ask(r, &c), 401);
        assert_memory_equal(rig_attr(rig_last(r), HP_STUN_NONCE).value, cookies[i], 13);
        assert_text(rig_last(r), HP_STUN_REALM, "example.org");
        assert_int_equal(rig_has(rig_last(r), HP_STUN_PASSWORD_ALGORITHMS), r->config.sha256);
        if (r->config.sha256) {
            hp_stun_attr list = rig_attr(rig_last(r), HP_STUN_PASSWORD_ALGORITHMS);
            assert_int_equal(list.length, 8);
            assert_memory_equal(list.value, both_algorithms, 8);
        }
        rig_begin(r, HP_STUN_ALLOCATE);
        assert_int_equal(rig_login(r, &c), 400); /* logged in, but no REQUESTED-TRANSPORT */
        if (i < 3) {
            hp_turn_server_free(r->server);
        }
    }
}

/* Two sources never get the same nonce, nor does one at two times. */
static void nonces_differ(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice(), b = alice(), later = alice();
    b.addr.port++;
    rig_challenge(r, &a);
    rig_challenge(r, &b);
    r->now++;
    rig_challenge(r, &later);
    assert_memory_not_equal(a.nonce, b.nonce, HP_STUN_NONCE_LENGTH);
    assert_memory_not_equal(a.nonce, later.nonce, HP_STUN_NONCE_LENGTH);
}

/* A nonce replayed from another tuple, or at another of the server's addresses, is stale. */
static void nonce_of_another_tuple(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    rig_challenge(r, &a);
    a.addr.port++;
    rig_begin_allocate(r);
    assert_int_equal(rig_login(r, &a), 438);
    a.addr.port--;
    r->server_addr.port++;
    rig_begin_allocate(r);
    assert_int_equal(rig_login(r, &a), 438);
    r->server_addr.port--;
    rig_begin_allocate(r);
    assert_int_equal(rig_login(r, &a), 0);
}

/* Integrity, but USERNAME, REALM or NONCE missing: 400 without any of them. */
static void missing_parts(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    rig_challenge(r, &a);
    hp_stun_key key = rig_key(r, &a, false);
    for (unsigned missing = 0; missing < 3; missing++) {
        rig_begin_allocate(r);
        if (missing != 0) {
            hp_stun_add_text(&r->w, HP_STUN_USERNAME, "alice");
        }
        if (missing != 1) {
            hp_stun_add_text(&r->w, HP_STUN_REALM, "hairpin");
        }
        if (missing != 2) {
            hp_stun_add(&r->w, HP_STUN_NONCE, a.nonce, a.nonce_length);
        }
        hp_stun_add_integrity(&r->w, &key, missing == 1);
        assert_int_equal(rig_ask(r, &a), 400);
        const rig_sent *s = rig_last(r);
        assert_false(rig_has(s, HP_STUN_USERNAME) || rig_has(s, HP_STUN_REALM) || rig_has(s, HP_STUN_NONCE));
        assert_false(rig_has(s, HP_STUN_MESSAGE_INTEGRITY));
    }
}

/* What stands behind the integrity is not there. */
static void parts_behind_the_integrity(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    rig_challenge(r, &a);
    hp_stun_key key = rig_key(r, &a, false);
    rig_begin_allocate(r);
    hp_stun_add_text(&r->w, HP_STUN_USERNAME, "alice");
    hp_stun_add_text(&r->w, HP_STUN_REALM, "hairpin");
    hp_stun_add_integrity(&r->w, &key, false);
    hp_stun_add(&r->w, HP_STUN_NONCE, a.nonce, a.nonce_length);
    assert_int_equal(rig_ask(r, &a), 400);
}

/* Wrong user or password: 401 with REALM and NONCE, unsigned. */
static void wrong_credentials(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client cases[] = {
        rig_client_new("192.0.2.10:5000", "alice", "wrong"),    rig_client_new("192.0.2.10:5000", "bob", "secret"),
        rig_client_new("192.0.2.10:5000", "mallory", "secret"), rig_client_new("192.0.2.10:5000", "", ""),
        rig_client_new("192.0.2.10:5000", "%s%n%s", "secret"),
    };
    static const char *const named[] = {"alice", "bob", "", "", ""};
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        rig_begin_allocate(r);
        assert_int_equal(rig_login(r, &cases[i]), 401);
        const rig_sent *s = rig_last(r);
        assert_true(rig_has(s, HP_STUN_REALM) && rig_has(s, HP_STUN_NONCE));
        assert_false(rig_has(s, HP_STUN_USERNAME) || rig_has(s, HP_STUN_MESSAGE_INTEGRITY));
        assert_string_equal(rig_last_event(r, HP_SERVER_EV_REQUEST)->user, named[i]);
    }
    assert_int_equal(r->open->len, 0);
}

/* Section 14.3: user names of 763 bytes are read, longer ones belong to nobody. */
static void long_user_names(void **state)
{
    rig *r = *state;
    char name[801];
    memset(name, 'n', 800);
    name[763] = '\0';
    r->users[2] = (hp_turn_user){.name = g_strdup(name), .password = (char *)"p"};
    r->config.n_users = 3;
    rig_start(r);
    rig_client c = rig_client_new("192.0.2.10:5000", r->users[2].name, "p");
    rig_begin_allocate(r);
    assert_int_equal(rig_login(r, &c), 0);
    name[763] = 'n';
    name[800] = '\0';
    rig_client longer = rig_client_new("192.0.2.11:5000", name, "p");
    rig_begin_allocate(r);
    assert_int_equal(rig_login(r, &longer), 401);
    g_free(r->users[2].name);
}

/* Section 9.2.2: quotes and trailing NULs around the user name do not count. */
static void quoted_user_name(void **state)
{
    rig *r = *state;
    rig_start(r);
    static const struct {
        const char *bytes;
        size_t length;
        unsigned code;
    } cases[] = {{"\"alice\"", 7, 0}, {"alice\0\0", 7, 437}, {"al\0ice", 6, 401}, {"\"alice", 6, 401}};
    rig_client a = alice();
    rig_challenge(r, &a);
    hp_stun_key key = rig_key(r, &a, false);
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        rig_begin_allocate(r);
        hp_stun_add(&r->w, HP_STUN_USERNAME, cases[i].bytes, cases[i].length);
        hp_stun_add_text(&r->w, HP_STUN_REALM, "hairpin");
        hp_stun_add(&r->w, HP_STUN_NONCE, a.nonce, a.nonce_length);
        hp_stun_add_integrity(&r->w, &key, false);
        assert_int_equal(rig_ask(r, &a), cases[i].code);
    }
}

/* An old nonce is 438 with a new one that works; a made-up one too. */
static void stale_nonce(void **state)
{
    rig *r = *state;
    r->config.nonce_lifetime = 10 * HP_S;
    rig_start(r);
    rig_client a = alice();
    rig_allocate(r, &a);
    r->now = 11 * HP_S - 1;
    assert_int_equal(rig_refresh(r, &a, -1), 0);
    r->now = 11 * HP_S;
    assert_int_equal(rig_refresh(r, &a, -1), 438);
    assert_true(rig_has(rig_last(r), HP_STUN_REALM));
    rig_learn_nonce(r, &a);
    assert_int_equal(rig_refresh(r, &a, -1), 0);
    static const char *const forged[] = {"x", "obMatJos2AAAA",
                                         "obMatJos2AAAA000000003b9aca0000000000000000000000000000000000",
                                         "obMatJos2AAAAzzzzzzzzzzzzzzzz00000000000000000000000000000000"};
    for (unsigned i = 0; i < G_N_ELEMENTS(forged); i++) {
        rig_client f = alice();
        f.nonce_length = strlen(forged[i]);
        memcpy(f.nonce, forged[i], f.nonce_length);
        assert_int_equal(rig_refresh(r, &f, -1), 438);
    }
    /* A nonce altered in any one place is not ours any more. */
    for (size_t i = 9; i < a.nonce_length; i++) {
        rig_client f = a;
        f.nonce[i] ^= 1;
        assert_int_equal(rig_refresh(r, &f, -1), 438);
    }
}

/* By default a nonce lives for an hour (RFC 8656 section 5). */
static void nonce_lives_an_hour(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    rig_challenge(r, &a);
    r->now += 3600 * HP_S - 1;
    assert_int_equal(rig_refresh(r, &a, -1), 437);
    r->now++;
    assert_int_equal(rig_refresh(r, &a, -1), 438);
}

/* A wrong password is reported before a stale nonce. */
static void order_of_checks(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = rig_client_new("192.0.2.10:5000", "alice", "wrong");
    rig_challenge(r, &a);
    r->now += 7200 * HP_S;
    assert_int_equal(rig_refresh(r, &a, -1), 401);
}

static void expired_user(void **state)
{
    rig *r = *state;
    r->users[0].expires = 5 * HP_S;
    rig_start(r);
    rig_client a = alice();
    rig_allocate(r, &a);
    r->now = 5 * HP_S - 1;
    assert_int_equal(rig_refresh(r, &a, -1), 0);
    r->now++;
    assert_int_equal(rig_refresh(r, &a, -1), 401);
    assert_int_equal(r->open->len, 1); /* what was granted lives out its time */
}

/* ---- password algorithms ---- */

typedef struct algorithms {
    bool list, chosen;
    uint8_t choice;
    bool short_list;
    bool sha256_key, sha256_integrity;
    unsigned code;
    bool sha256_answer;
} algorithms;

static void choose(rig *r, rig_client *c, const algorithms *how)
{
    hp_stun_key key = rig_key(r, c, how->sha256_key);
    rig_begin(r, HP_STUN_REFRESH);
    hp_stun_add_text(&r->w, HP_STUN_USERNAME, c->user);
    hp_stun_add_text(&r->w, HP_STUN_REALM, "hairpin");
    hp_stun_add(&r->w, HP_STUN_NONCE, c->nonce, c->nonce_length);
    if (how->list) {
        hp_stun_add(&r->w, HP_STUN_PASSWORD_ALGORITHMS, both_algorithms, how->short_list ? 4 : 8);
    }
    if (how->chosen) {
        const uint8_t chosen[4] = {0, how->choice, 0, 0};
        hp_stun_add(&r->w, HP_STUN_PASSWORD_ALGORITHM, chosen, 4);
    }
    hp_stun_add_integrity(&r->w, &key, how->sha256_integrity);
    assert_int_equal(rig_ask(r, c), how->code);
    if (how->code == 437) {
        assert_int_equal(hp_stun_check_integrity(&rig_last(r)->msg, &key, how->sha256_answer), HP_STUN_GOOD);
        assert_false(
            rig_has(rig_last(r), how->sha256_answer ? HP_STUN_MESSAGE_INTEGRITY : HP_STUN_MESSAGE_INTEGRITY_SHA256));
    } else {
        assert_false(rig_has(rig_last(r), HP_STUN_MESSAGE_INTEGRITY));
    }
}

static void password_algorithms(void **state)
{
    rig *r = *state;
    r->config.sha256 = true;
    rig_start(r);
    rig_client a = alice();
    rig_challenge(r, &a);
    static const algorithms cases[] = {
        {.code = 437}, /* neither: as though MD5, answered with MESSAGE-INTEGRITY */
        {.sha256_integrity = true, .code = 437},
        {.list = true,
         .chosen = true,
         .choice = 2,
         .sha256_key = true,
         .sha256_integrity = true,
         .code = 437,
         .sha256_answer = true},
        {.list = true, .chosen = true, .choice = 2, .sha256_key = true, .code = 437, .sha256_answer = true},
        {.list = true, .chosen = true, .choice = 1, .sha256_integrity = true, .code = 437, .sha256_answer = true},
        {.list = true, .code = 400},
        {.chosen = true, .choice = 2, .sha256_key = true, .code = 400},
        {.list = true, .short_list = true, .chosen = true, .choice = 2, .sha256_key = true, .code = 400},
        {.list = true, .chosen = true, .choice = 3, .code = 400},
        {.list = true, .chosen = true, .choice = 2, .code = 401}, /* the MD5 key, against what it says */
        {.sha256_key = true, .code = 401},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        choose(r, &a, &cases[i]);
    }
}

/* Section 9.2.1: a nonce whose feature bits were taken away is not ours. */
static void bid_down(void **state)
{
    rig *r = *state;
    r->config.sha256 = true;
    rig_start(r);
    rig_client a = alice();
    rig_challenge(r, &a);
    assert_memory_equal(a.nonce + 9, "gAAA", 4);
    memcpy(a.nonce + 9, "AAAA", 4);
    assert_int_equal(rig_refresh(r, &a, -1), 438);
    /* And bits that we never set do not make us do what we do not offer. */
    hp_turn_server_free(r->server);
    r->config.sha256 = false;
    rig_start(r);
    rig_client b = alice();
    rig_challenge(r, &b);
    memcpy(b.nonce + 9, "gAAA", 4);
    choose(r, &b,
           &(algorithms){
               .list = true, .chosen = true, .choice = 2, .sha256_key = true, .sha256_integrity = true, .code = 400});
}

/* Section 9.2.4: USERHASH stands for USERNAME where the server says so. */
static void userhash(void **state)
{
    rig *r = *state;
    for (unsigned offered = 0; offered < 2; offered++) {
        r->config.userhash = offered == 1;
        rig_start(r);
        rig_client a = alice();
        rig_challenge(r, &a);
        uint8_t hash[32];
        hp_stun_userhash("alice", "hairpin", hash);
        hp_stun_key key = rig_key(r, &a, false);
        for (unsigned bad = 0; bad < 2; bad++) {
            hash[0] ^= (uint8_t)bad;
            rig_begin(r, HP_STUN_REFRESH);
            hp_stun_add(&r->w, HP_STUN_USERHASH, hash, sizeof hash);
            hp_stun_add_text(&r->w, HP_STUN_REALM, "hairpin");
            hp_stun_add(&r->w, HP_STUN_NONCE, a.nonce, a.nonce_length);
            hp_stun_add_integrity(&r->w, &key, false);
            assert_int_equal(rig_ask(r, &a), offered == 1 && bad == 0 ? 437 : 401);
        }
        if (offered == 0) {
            hp_turn_server_free(r->server);
        }
    }
    assert_string_equal(rig_last_event(r, HP_SERVER_EV_REQUEST)->user, "");
}

/* Binding asks for credentials only when told to. */
static void binding_auth(void **state)
{
    rig *r = *state;
    r->config.kind = HP_SERVER_STUN;
    r->config.binding_auth = true;
    rig_start(r);
    rig_client a = alice();
    rig_begin(r, HP_STUN_BINDING);
    assert_int_equal(rig_ask(r, &a), 401);
    rig_learn_nonce(r, &a);
    rig_begin(r, HP_STUN_BINDING);
    assert_int_equal(rig_login(r, &a), 0);
    assert_true(rig_has(rig_last(r), HP_STUN_XOR_MAPPED_ADDRESS));
    assert_string_equal(rig_last_event(r, HP_SERVER_EV_REQUEST)->user, "alice");
    /* Credentials come before unknown attributes (section 6.3). */
    rig_begin(r, HP_STUN_BINDING);
    hp_stun_add(&r->w, 0x7fff, "", 0);
    assert_int_equal(rig_ask(r, &a), 401);
    rig_begin(r, HP_STUN_BINDING);
    hp_stun_add(&r->w, 0x7fff, "", 0);
    assert_int_equal(rig_login(r, &a), 420);
}

/* An attribute put in after signing breaks the integrity, however right the FINGERPRINT is. */
static void tampering(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    rig_allocate(r, &a);
    rig_begin(r, HP_STUN_REFRESH);
    hp_stun_add_u32(&r->w, HP_STUN_LIFETIME, 600);
    rig_sign(r, &a);
    r->buffer[27] = 0;
    r->buffer[26] = 0; /* LIFETIME 0 */
    hp_stun_add_fingerprint(&r->w);
    assert_int_equal(rig_ask(r, &a), 401);
    assert_int_equal(hp_stun_check_fingerprint(&rig_last(r)->msg), HP_STUN_GOOD);
    assert_int_equal(r->open->len, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(challenge),
        T(features),
        T(nonces_differ),
        T(nonce_of_another_tuple),
        T(missing_parts),
        T(parts_behind_the_integrity),
        T(wrong_credentials),
        T(long_user_names),
        T(quoted_user_name),
        T(stale_nonce),
        T(nonce_lives_an_hour),
        T(order_of_checks),
        T(expired_user),
        T(password_algorithms),
        T(bid_down),
        T(userhash),
        T(binding_auth),
        T(tampering),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
