/* The same seed gives the same packets: after all has been torn down, in another process with its memory elsewhere, and
 * beside another association; another seed gives others. */
#include "sctp_pipe.h"

#include <stdio.h>
#include <string.h>

/* Everything that a pair of ends sends and is told, with its times. */
static void digest_pair(GChecksum *sum, const pipe_t *p, unsigned pair)
{
    for (unsigned i = 0; i < p->packets->len; i++) {
        const pipe_packet *packet = p->packets->pdata[i];
        gsize len;
        const uint8_t *data = g_bytes_get_data(packet->bytes, &len);
        if (packet->from / 2 == pair) {
            g_checksum_update(sum, (const guchar *)&packet->at, sizeof packet->at);
            g_checksum_update(sum, data, (gssize)len);
        }
    }
    for (unsigned end = 2 * pair; end < 2 * pair + 2; end++) {
        for (unsigned i = 0; i < p->end[end].told->len; i++) {
            const pipe_told *told = p->end[end].told->pdata[i];
            gsize len;
            const uint8_t *data = g_bytes_get_data(told->data, &len);
            g_checksum_update(sum, (const guchar *)&told->at, sizeof told->at);
            g_checksum_update(sum, (const guchar *)&told->event.kind, sizeof told->event.kind);
            g_checksum_update(sum, data, (gssize)len);
        }
    }
}

static void say_things(pipe_t *p, unsigned pair)
{
    static const uint8_t data[30000];
    for (unsigned i = 0; i < 40; i++) {
        const unsigned end = 2 * pair + i % 2;
        hp_sctp_send(p->end[end].sctp, p->now,
                     &(hp_sctp_message){.stream = (uint16_t)(i % 5),
                                        .ppid = 51,
                                        .unordered = i % 3 == 0,
                                        .reliability = (hp_sctp_reliability)(i % 3),
                                        .limit = i,
                                        .data = data,
                                        .length = 1 + i * 700});
    }
    hp_sctp_reset_stream(p->end[2 * pair].sctp, p->now, 3);
}

/* One pair of ends, or two. */
static char *run(uint64_t seed, unsigned pairs, unsigned digested, bool bad_path)
{
    pipe_t *p = pipe_new(1, 10 * HP_MS);
    for (unsigned i = 0; i < 2 * pairs; i++) {
        hp_sctp_start(pipe_add(p, seed, NULL), 0);
    }
    pipe_run(p, HP_S);
    if (bad_path) {
        p->loss_ppb = HP_PPB / 10;
        p->jitter = 20;
    }
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned pair = 0; pair < pairs; pair++) {
            say_things(p, pair);
        }
        pipe_run(p, p->now + 40 * HP_S);
    }
    hp_sctp_shutdown(p->end[0].sctp, p->now);
    pipe_run(p, 300 * HP_S);
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    digest_pair(sum, p, digested);
    assert_in_range(p->packets->len, 100, PIPE_MOST * 4);
    pipe_free(p);
    return g_strdup(g_checksum_get_string(sum));
}

static void test_again_in_this_process(void **state)
{
    g_autofree char *first = run(1, 1, 0, true), *again = run(1, 1, 0, true), *other = run(2, 1, 0, true);
    assert_string_equal(first, again);
    assert_string_not_equal(first, other);
}

/* Bytes depend on an association's own stream: another pair, whose packets go between, changes none. */
static void test_beside_another_association(void **state)
{
    g_autofree char *alone = run(1, 1, 0, false), *beside = run(1, 2, 0, false), *other = run(1, 2, 1, false);
    assert_string_equal(alone, beside);
    assert_string_not_equal(alone, other);
}

static char *run_elsewhere(void)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    g_autoptr(GError) error = NULL;
    char *out = NULL;
    int status = 0;
    char *arguments[] = {self, (char *)"digest", NULL};
    if (!g_spawn_sync(NULL, arguments, NULL, G_SPAWN_DEFAULT, NULL, NULL, &out, NULL, &status, &error)) {
        fail_msg("%s", error->message);
    }
    assert_int_equal(status, 0);
    return out;
}

/* Addresses differ from process to process (unless the system does not randomise them: then this shows less). */
static void test_in_other_processes(void **state)
{
    g_autofree char *here = run(1, 1, 0, true);
    for (unsigned i = 0; i < 3; i++) {
        g_autofree char *there = run_elsewhere();
        assert_string_equal(here, there);
    }
}

static unsigned threads_of_this_process(void)
{
    unsigned n = 0;
    GDir *tasks = g_dir_open("/proc/self/task", 0, NULL);
    assert_non_null(tasks);
    while (g_dir_read_name(tasks)) {
        n++;
    }
    g_dir_close(tasks);
    return n;
}

static void test_no_thread_is_started(void **state)
{
    unsigned before = threads_of_this_process();
    pipe_t *p = pipe_connected(1);
    assert_int_equal(threads_of_this_process(), before);
    pipe_free(p);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "digest") == 0) {
        g_autofree char *digest = run(1, 1, 0, true);
        fputs(digest, stdout);
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_again_in_this_process),
        cmocka_unit_test(test_beside_another_association),
        cmocka_unit_test(test_in_other_processes),
        cmocka_unit_test(test_no_thread_is_started),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
