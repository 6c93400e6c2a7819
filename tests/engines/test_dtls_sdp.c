/* What SDP says of DTLS: a=setup and a=fingerprint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engines/dtls_fingerprint.h"
#include "engines/dtls_setup.h"

static void setup_is_read_and_written(void **state)
{
    static const char *const names[] = {"actpass", "active", "passive", "holdconn"};
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        hp_dtls_setup setup = (hp_dtls_setup)99;
        assert_true(hp_dtls_setup_parse(names[i], &setup));
        assert_int_equal(setup, i);
        assert_string_equal(hp_dtls_setup_name(setup), names[i]);
    }
    hp_dtls_setup setup = HP_DTLS_SETUP_PASSIVE;
    assert_true(hp_dtls_setup_parse("ActPass", &setup));
    assert_int_equal(setup, HP_DTLS_SETUP_ACTPASS);
    assert_false(hp_dtls_setup_parse("", &setup));
    assert_false(hp_dtls_setup_parse("active ", &setup));
    assert_false(hp_dtls_setup_parse("both", &setup));
    assert_int_equal(setup, HP_DTLS_SETUP_ACTPASS);
    assert_string_equal(hp_dtls_role_name(HP_DTLS_ACTIVE), "active");
    assert_string_equal(hp_dtls_role_name(HP_DTLS_PASSIVE), "passive");
}

static void every_offer_has_an_answer_that_fits(void **state)
{
    assert_int_equal(hp_dtls_setup_answer(HP_DTLS_SETUP_ACTPASS, HP_DTLS_ACTIVE), HP_DTLS_SETUP_ACTIVE);
    assert_int_equal(hp_dtls_setup_answer(HP_DTLS_SETUP_ACTPASS, HP_DTLS_PASSIVE), HP_DTLS_SETUP_PASSIVE);
    for (unsigned prefer = HP_DTLS_ACTIVE; prefer <= HP_DTLS_PASSIVE; prefer++) {
        hp_dtls_role role = (hp_dtls_role)prefer;
        assert_int_equal(hp_dtls_setup_answer(HP_DTLS_SETUP_ACTIVE, role), HP_DTLS_SETUP_PASSIVE);
        assert_int_equal(hp_dtls_setup_answer(HP_DTLS_SETUP_PASSIVE, role), HP_DTLS_SETUP_ACTIVE);
        assert_int_equal(hp_dtls_setup_answer(HP_DTLS_SETUP_HOLDCONN, role), HP_DTLS_SETUP_HOLDCONN);
    }
}

/* All sixteen pairs: the two sides come to opposite roles, or both to an error. */
static void roles_are_opposite_or_refused(void **state)
{
    enum { REFUSED = -1 };
    static const int expected[4][4] = {
        /* remote: actpass, active, passive, holdconn */
        [HP_DTLS_SETUP_ACTPASS] = {REFUSED, HP_DTLS_PASSIVE, HP_DTLS_ACTIVE, REFUSED},
        [HP_DTLS_SETUP_ACTIVE] = {HP_DTLS_ACTIVE, REFUSED, HP_DTLS_ACTIVE, REFUSED},
        [HP_DTLS_SETUP_PASSIVE] = {HP_DTLS_PASSIVE, HP_DTLS_PASSIVE, REFUSED, REFUSED},
        [HP_DTLS_SETUP_HOLDCONN] = {REFUSED, REFUSED, REFUSED, REFUSED},
    };
    for (unsigned local = 0; local < 4; local++) {
        for (unsigned remote = 0; remote < 4; remote++) {
            hp_dtls_role role = (hp_dtls_role)77, theirs;
            GError *error = NULL;
            bool meet = hp_dtls_setup_role((hp_dtls_setup)local, (hp_dtls_setup)remote, &role, &error);
            assert_int_equal(meet, expected[local][remote] != REFUSED);
            assert_int_equal(error == NULL, meet);
            assert_int_equal(hp_dtls_setup_role((hp_dtls_setup)remote, (hp_dtls_setup)local, &theirs, NULL), meet);
            if (meet) {
                assert_int_equal(role, expected[local][remote]);
                assert_int_not_equal(role, theirs);
            } else {
                assert_int_equal(role, 77);
            }
            g_clear_error(&error);
        }
    }
    GError *error = NULL;
    hp_dtls_role role;
    assert_false(hp_dtls_setup_role(HP_DTLS_SETUP_ACTIVE, HP_DTLS_SETUP_ACTIVE, &role, &error));
    assert_string_equal(error->message, "setup: both sides say active");
    g_clear_error(&error);
    assert_false(hp_dtls_setup_role(HP_DTLS_SETUP_ACTIVE, HP_DTLS_SETUP_HOLDCONN, &role, &error));
    assert_string_equal(error->message, "setup: remote holdconn puts the association off");
    g_clear_error(&error);
}

/* SHA-256 and SHA-1 of "abc" (FIPS 180-4's example). */
static void fingerprints_are_read_and_written(void **state)
{
    static const char sha256[] = "sha-256 BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:"
                                 "B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD";
    static const char sha1[] = "sha-1 A9:99:3E:36:47:06:81:6A:BA:3E:25:71:78:50:C2:6C:9C:D0:D8:9D";
    char text[HP_DTLS_FINGERPRINT_TEXT];
    hp_dtls_fingerprint of = hp_dtls_fingerprint_of(HP_DTLS_SHA256, (const uint8_t *)"abc", 3), read;
    assert_string_equal(hp_dtls_fingerprint_format(&of, text), sha256);
    assert_true(hp_dtls_fingerprint_parse(sha256, &read, NULL));
    assert_true(hp_dtls_fingerprint_equal(&of, &read));
    assert_true(hp_dtls_fingerprint_parse("SHA-256 ba:78:16:bf:8f:01:cf:ea:41:41:40:de:5d:ae:22:23:"
                                          "b0:03:61:a3:96:17:7a:9c:b4:10:ff:61:f2:00:15:ad",
                                          &read, NULL));
    assert_true(hp_dtls_fingerprint_equal(&of, &read));
    of = hp_dtls_fingerprint_of(HP_DTLS_SHA1, (const uint8_t *)"abc", 3);
    assert_string_equal(hp_dtls_fingerprint_format(&of, text), sha1);
    assert_false(hp_dtls_fingerprint_equal(&of, &read));
    for (unsigned hash = HP_DTLS_SHA1; hash <= HP_DTLS_SHA512; hash++) {
        of = hp_dtls_fingerprint_of((hp_dtls_hash)hash, (const uint8_t *)"", 0);
        assert_true(hp_dtls_fingerprint_parse(hp_dtls_fingerprint_format(&of, text), &read, NULL));
        assert_true(hp_dtls_fingerprint_equal(&of, &read));
        assert_int_equal(strlen(text), strlen(hp_dtls_hash_name(of.hash)) + 3 * hp_dtls_hash_length(of.hash));
    }
    assert_int_equal(strlen(text) + 1, HP_DTLS_FINGERPRINT_TEXT - 4);
}

static void bad_fingerprints_are_refused(void **state)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"", "fingerprint: no hash function \"\""},
        {"md5 00:11", "fingerprint: no hash function \"md5\""},
        {"sha-1", "fingerprint: byte 1 is not two hexadecimal digits"},
        {"sha-1 ", "fingerprint: byte 1 is not two hexadecimal digits"},
        {"sha-1 0", "fingerprint: byte 1 is not two hexadecimal digits"},
        {"sha-1 A9:99", "fingerprint: sha-1 needs 20 bytes with colons between them"},
        {"sha-1 A999", "fingerprint: sha-1 needs 20 bytes with colons between them"},
        {"sha-1 A9:9G", "fingerprint: byte 2 is not two hexadecimal digits"},
        {"sha-1 A9:99:3E:36:47:06:81:6A:BA:3E:25:71:78:50:C2:6C:9C:D0:D8:9D:00",
         "fingerprint: more than the 20 bytes of sha-1"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        hp_dtls_fingerprint read = {.hash = HP_DTLS_SHA512};
        GError *error = NULL;
        assert_false(hp_dtls_fingerprint_parse(rows[i].text, &read, &error));
        assert_string_equal(error->message, rows[i].message);
        assert_int_equal(read.hash, HP_DTLS_SHA512);
        g_clear_error(&error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setup_is_read_and_written),     cmocka_unit_test(every_offer_has_an_answer_that_fits),
        cmocka_unit_test(roles_are_opposite_or_refused), cmocka_unit_test(fingerprints_are_read_and_written),
        cmocka_unit_test(bad_fingerprints_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
