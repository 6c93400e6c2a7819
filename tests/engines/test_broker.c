/* The signalling broker: who hears what, when, and in which order. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/error.h"
#include "engines/broker.h"

#define OFFER "{\"id\":\"a\",\"type\":\"offer\",\"sdp\":\"x\"}"
#define ANSWER "{\"id\":\"b\",\"type\":\"answer\",\"sdp\":\"y\"}"

typedef struct heard {
    hp_time at;
    unsigned to, from;
    uint64_t message;
    bool lost;
    char *type;
} heard;

static void note(void *user, hp_time now, unsigned to, unsigned from, uint64_t message, const char *type, bool lost)
{
    heard h = {now, to, from, message, lost, g_strdup(type)};
    g_array_append_val((GArray *)user, h);
}

static void deliver(void *user, hp_time now, unsigned to, unsigned from, uint64_t message, const char *type,
                    const char *json)
{
    assert_non_null(strstr(json, type));
    note(user, now, to, from, message, type, false);
}

static void lost(void *user, hp_time now, unsigned to, unsigned from, uint64_t message, const char *type)
{
    note(user, now, to, from, message, type, true);
}

static const hp_broker_ops ops = {deliver, lost};

typedef struct fixture {
    hp_broker *broker;
    GArray *log;
} fixture;

static void heard_clear(gpointer data)
{
    g_free(((heard *)data)->type);
}

static fixture make(const hp_signaling_config *config, unsigned n_clients)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    fixture f;
    hp_rng rng;
    hp_rng_init(&rng, 7, "signaling");
    f.log = g_array_new(FALSE, FALSE, sizeof(heard));
    g_array_set_clear_func(f.log, heard_clear);
    f.broker = hp_broker_new(config, &rng, &ops, f.log);
    for (unsigned i = 0; i < n_clients; i++)
        assert_int_equal(hp_broker_join(f.broker, names[i]), i);
    return f;
}

static void clear(fixture *f)
{
    hp_broker_free(f->broker);
    g_array_unref(f->log);
}

static uint64_t post(fixture *f, hp_time now, unsigned from, const char *json)
{
    const char *type;
    return hp_broker_post(f->broker, now, from, json, &type, NULL);
}

static void run_all(fixture *f)
{
    for (hp_time at = hp_broker_deadline(f->broker); at != HP_NEVER; at = hp_broker_deadline(f->broker))
        hp_broker_run(f->broker, at);
}

static const heard *at(const fixture *f, unsigned i)
{
    assert_true(i < f->log->len);
    return &g_array_index(f->log, heard, i);
}

static void everyone_hears_it_the_sender_too(void **state)
{
    fixture f = make(&(hp_signaling_config){.delay = 50 * HP_MS, .echo = true}, 3);
    assert_int_equal(post(&f, 10 * HP_MS, 1, OFFER), 1);
    assert_int_equal(hp_broker_deadline(f.broker), 60 * HP_MS);
    hp_broker_run(f.broker, 60 * HP_MS - 1);
    assert_int_equal(f.log->len, 0);
    hp_broker_run(f.broker, 60 * HP_MS);
    assert_int_equal(f.log->len, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(at(&f, i)->to, i);
        assert_int_equal(at(&f, i)->from, 1);
        assert_string_equal(at(&f, i)->type, "offer");
    }
    assert_int_equal(hp_broker_deadline(f.broker), HP_NEVER);
    clear(&f);
}

static void without_echo_the_sender_hears_nothing(void **state)
{
    fixture f = make(&(hp_signaling_config){.delay = HP_MS}, 2);
    post(&f, 0, 0, OFFER);
    run_all(&f);
    assert_int_equal(f.log->len, 1);
    assert_int_equal(at(&f, 0)->to, 1);
    clear(&f);
}

static void addressed_reaches_the_addressee_alone(void **state)
{
    fixture f = make(&(hp_signaling_config){.addressed = true}, 4);
    post(&f, 0, 0, "{\"id\":\"a\",\"type\":\"offer\",\"to\":\"c\"}");
    run_all(&f);
    assert_int_equal(f.log->len, 1);
    assert_int_equal(at(&f, 0)->to, 2);
    post(&f, 0, 0, OFFER); /* names nobody: everyone */
    run_all(&f);
    assert_int_equal(f.log->len, 4);
    clear(&f);
}

static void a_type_can_be_slower_than_others(void **state)
{
    hp_signaling_config config = {.delay = 10 * HP_MS, .type_delay = {[HP_SIGNAL_ANSWER] = 2 * HP_S}};
    fixture f = make(&config, 2);
    post(&f, 0, 1, ANSWER);
    post(&f, 0, 0, OFFER);
    run_all(&f);
    assert_int_equal(f.log->len, 2);
    assert_string_equal(at(&f, 0)->type, "offer");
    assert_int_equal(at(&f, 0)->at, 10 * HP_MS);
    assert_string_equal(at(&f, 1)->type, "answer");
    assert_int_equal(at(&f, 1)->at, 2 * HP_S + 10 * HP_MS);
    clear(&f);
}

static void what_is_held_back_is_overtaken(void **state)
{
    fixture f = make(&(hp_signaling_config){.delay = HP_MS, .reorder_ppb = HP_PPB, .reorder_by = HP_S}, 2);
    post(&f, 0, 0, OFFER);
    hp_broker_configure(f.broker, &(hp_signaling_config){.delay = HP_MS});
    post(&f, 0, 0, "{\"type\":\"candidate\"}");
    run_all(&f);
    assert_string_equal(at(&f, 0)->type, "candidate");
    assert_string_equal(at(&f, 1)->type, "offer");
    assert_int_equal(at(&f, 1)->at, HP_S + HP_MS);
    clear(&f);
}

static void losses_and_duplicates_are_told(void **state)
{
    fixture f = make(&(hp_signaling_config){.delay = HP_MS, .loss_ppb = HP_PPB}, 2);
    post(&f, 0, 0, OFFER);
    run_all(&f);
    assert_int_equal(f.log->len, 1);
    assert_true(at(&f, 0)->lost);
    assert_int_equal(at(&f, 0)->at, HP_MS);
    hp_broker_configure(f.broker, &(hp_signaling_config){.duplicate_ppb = HP_PPB});
    post(&f, HP_S, 0, OFFER);
    run_all(&f);
    assert_int_equal(f.log->len, 3);
    assert_int_equal(at(&f, 1)->message, 2);
    assert_int_equal(at(&f, 2)->message, 2);
    assert_false(at(&f, 2)->lost);
    clear(&f);
}

static void order_at_one_instant_is_that_of_posting(void **state)
{
    fixture f = make(&(hp_signaling_config){.delay = HP_MS}, 2);
    for (unsigned i = 0; i < 100; i++)
        post(&f, 0, 0, OFFER);
    run_all(&f);
    assert_int_equal(f.log->len, 100);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(at(&f, i)->message, i + 1);
    clear(&f);
}

static void who_left_hears_nothing_more(void **state)
{
    fixture f = make(&(hp_signaling_config){.delay = HP_MS}, 3);
    post(&f, 0, 0, OFFER);
    hp_broker_leave(f.broker, 1);
    run_all(&f);
    assert_int_equal(f.log->len, 1);
    assert_int_equal(at(&f, 0)->to, 2);
    clear(&f);
}

static void what_is_no_message_is_refused(void **state)
{
    static const char *const bad[] = {
        "", "{", "[]", "1", "{}", "{\"type\":\"bye\"}", "{\"type\":7}", "{\"type\":null}"};
    fixture f = make(&(hp_signaling_config){.echo = true}, 2);
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        const char *type = "untouched";
        assert_int_equal(hp_broker_post(f.broker, 0, 0, bad[i], &type, &error), 0);
        assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
        assert_string_equal(type, "untouched");
    }
    g_autofree char *huge = g_strnfill(300000, ' ');
    assert_int_equal(post(&f, 0, 0, huge), 0);
    run_all(&f);
    assert_int_equal(f.log->len, 0);
    clear(&f);
}

static void a_free_broker_takes_its_copies_along(void **state)
{
    fixture f = make(&(hp_signaling_config){.delay = HP_S, .echo = true}, 3);
    post(&f, 0, 0, OFFER);
    clear(&f); /* under the sanitizers: nothing leaks */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(everyone_hears_it_the_sender_too),
                                       cmocka_unit_test(without_echo_the_sender_hears_nothing),
                                       cmocka_unit_test(addressed_reaches_the_addressee_alone),
                                       cmocka_unit_test(a_type_can_be_slower_than_others),
                                       cmocka_unit_test(what_is_held_back_is_overtaken),
                                       cmocka_unit_test(losses_and_duplicates_are_told),
                                       cmocka_unit_test(order_at_one_instant_is_that_of_posting),
                                       cmocka_unit_test(who_left_hears_nothing_more),
                                       cmocka_unit_test(what_is_no_message_is_refused),
                                       cmocka_unit_test(a_free_broker_takes_its_copies_along)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
