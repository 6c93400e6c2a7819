/* Tracks: numbers and who is found, in one process and over several. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/wait.h>
#include <unistd.h>

#include "actors/media_hub.h"

static void finds_the_latest(hp_media_hub *hub)
{
    assert_int_equal(hp_media_hub_add_track(hub, "alice", "bob", 1, 100, 101), 1);
    assert_int_equal(hp_media_hub_add_track(hub, "alice", "bob", 2, 100, 0), 2);
    assert_int_equal(hp_media_hub_add_track(hub, "alice", "bob", 1, 100, 0), 3); /* a call made anew */
    assert_int_equal(hp_media_hub_n_tracks(hub), 3);
    assert_int_equal(hp_media_hub_find_track(hub, "alice", "bob", 1, 100), 3);
    assert_int_equal(hp_media_hub_find_track(hub, "alice", "bob", 1, 101), 1); /* by its retransmissions */
    assert_int_equal(hp_media_hub_find_track(hub, "alice", "bob", 2, 100), 2);
    assert_int_equal(hp_media_hub_find_track(hub, "bob", "alice", 1, 100), 0);
    assert_int_equal(hp_media_hub_find_track(hub, "alice", "bo", 1, 100), 0);
    assert_int_equal(hp_media_hub_find_track(hub, "alice", "bob", 1, 0), 0); /* no retransmissions are not SSRC 0 */
}

static void test_one_process(void **state)
{
    hp_world *world = hp_world_new(1, NULL);
    hp_media_hub *hub = hp_media_hub_new(world);
    finds_the_latest(hub);
    hp_media_hub_free(hub);
    hp_world_free(world);
}

static void test_shared(void **state)
{
    hp_world *world = hp_world_new(1, NULL);
    hp_media_tracks *tracks = hp_media_tracks_new(NULL);
    hp_media_hub *hub = hp_media_hub_new_shared(world, tracks), *other = hp_media_hub_new_shared(world, tracks);
    finds_the_latest(hub);
    assert_int_equal(hp_media_hub_find_track(other, "alice", "bob", 1, 100), 3);
    assert_int_equal(hp_media_hub_add_track(other, "bob", "alice", 1, 7, 0), 4);
    assert_int_equal(hp_media_hub_find_track(hub, "bob", "alice", 1, 7), 4);
    hp_media_hub_free(hub);
    hp_media_hub_free(other);
    hp_media_tracks_free(tracks);
    hp_world_free(world);
}

/* Two processes add at once: every number is given once, and leads to who got it. */
static void test_two_processes(void **state)
{
    enum { N = 2000 };
    hp_world *world = hp_world_new(1, NULL);
    hp_media_tracks *tracks = hp_media_tracks_new(NULL);
    pid_t child = fork();
    assert_int_not_equal(child, -1);
    hp_media_hub *hub = hp_media_hub_new_shared(world, tracks);
    const char *from = child == 0 ? "alice" : "bob";
    bool ok = true;
    for (unsigned i = 0; i < N; i++) {
        unsigned number = hp_media_hub_add_track(hub, from, "carol", 1, i + 1, 0);
        ok = ok && hp_media_hub_find_track(hub, from, "carol", 1, i + 1) == number;
    }
    if (child == 0) {
        _exit(ok ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(ok);
    assert_int_equal(status, 0);
    assert_int_equal(hp_media_hub_n_tracks(hub), 2 * N);
    g_autofree bool *seen = g_new0(bool, 2 * N + 1);
    for (unsigned i = 0; i < 2 * N; i++) {
        unsigned number = hp_media_hub_find_track(hub, i % 2 ? "alice" : "bob", "carol", 1, i / 2 + 1);
        assert_in_range(number, 1, 2 * N);
        assert_false(seen[number]);
        seen[number] = true;
    }
    hp_media_hub_free(hub);
    hp_media_tracks_free(tracks);
    hp_world_free(world);
}

static void test_full(void **state)
{
    hp_world *world = hp_world_new(1, NULL);
    hp_media_tracks *tracks = hp_media_tracks_new(NULL);
    hp_media_hub *hub = hp_media_hub_new_shared(world, tracks);
    for (unsigned i = 1; i <= HP_MEDIA_MAX_SHARED_TRACKS; i++) {
        assert_int_equal(hp_media_hub_add_track(hub, "alice", "bob", 1, i, 0), i);
    }
    assert_int_equal(hp_media_hub_add_track(hub, "alice", "bob", 1, 1U << 30, 0), 0);
    assert_int_equal(hp_media_hub_n_tracks(hub), HP_MEDIA_MAX_SHARED_TRACKS);
    assert_int_equal(hp_media_hub_find_track(hub, "alice", "bob", 1, 1U << 30), 0);
    assert_int_equal(hp_media_hub_find_track(hub, "alice", "bob", 1, 5), 5);
    hp_media_hub_free(hub);
    hp_media_tracks_free(tracks);
    hp_world_free(world);
}

static bool is_browser(void *user, const char *peer)
{
    return strcmp(peer, user) == 0;
}

static void test_foreign(void **state)
{
    hp_world *world = hp_world_new(1, NULL);
    hp_media_hub *hub = hp_media_hub_new(world);
    char browser[] = "browser";
    assert_false(hp_media_hub_is_foreign(hub, "browser"));
    hp_media_hub_set_foreign(hub, is_browser, browser);
    assert_true(hp_media_hub_is_foreign(hub, "browser"));
    assert_false(hp_media_hub_is_foreign(hub, "alice"));
    hp_media_hub_free(hub);
    hp_world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_process), cmocka_unit_test(test_shared),  cmocka_unit_test(test_two_processes),
        cmocka_unit_test(test_full),        cmocka_unit_test(test_foreign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
