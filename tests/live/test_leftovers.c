/* What is left of a run that was killed: nothing that lives, and a folder that the next run removes. */
#include "live_net.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <glib/gstdio.h>

#include "live/cage.h"
#include "live/leftovers.h"

static char *make_base(void)
{
    char *base = g_dir_make_tmp("hairpin-test-XXXXXX", NULL);
    assert_non_null(base);
    return base;
}

static unsigned count_entries(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    unsigned n = 0;
    while (g_dir_read_name(dir) != NULL) {
        n++;
    }
    return n;
}

G_NORETURN static void wait_to_be_killed(void)
{
    for (;;) {
        pause();
    }
}

static void fill(const char *folder)
{
    g_autofree char *inner = g_build_filename(folder, "alice", "deep", NULL);
    g_autofree char *file = g_build_filename(inner, "log", NULL), *name = g_build_filename(folder, "away", NULL);
    assert_int_equal(g_mkdir_with_parents(inner, 0700), 0);
    assert_true(g_file_set_contents(file, "x", 1, NULL));
    assert_int_equal(symlink("/", name), 0); /* to be removed, and not followed */
}

static void goes_with_its_run(void **state)
{
    g_autofree char *base = make_base();
    GError *error = NULL;
    hp_run_folder *folder = hp_run_folder_new(base, &error);
    no_error(error);
    struct stat s;
    assert_int_equal(stat(hp_run_folder_path(folder), &s), 0);
    assert_int_equal(s.st_mode & 0777, 0700);
    fill(hp_run_folder_path(folder));
    hp_run_folder_free(folder);
    assert_int_equal(count_entries(base), 0);
    assert_int_equal(g_rmdir(base), 0);
}

/* A child that makes a folder in `base`, fills it, says so, and waits to be killed. */
static pid_t start_run(const char *base)
{
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        hp_run_folder *folder = hp_run_folder_new(base, NULL);
        fill(hp_run_folder_path(folder));
        if (write(ends[1], "", 1) != 1) {
            _exit(1);
        }
        wait_to_be_killed();
    }
    assert_int_equal(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    close(ends[1]);
    return child;
}

static void is_found_after_sigkill(void **state)
{
    g_autofree char *base = make_base();
    pid_t child = start_run(base);
    /* It lives: nothing is taken from it. */
    assert_int_equal(hp_run_folders_clean(base), 0);
    assert_int_equal(count_entries(base), 1);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(count_entries(base), 1);
    hp_run_folder *folder = hp_run_folder_new(base, NULL);
    assert_int_equal(count_entries(base), 1); /* the new one */
    /* One's own folders are not left over, and a second one changes nothing. */
    hp_run_folder *second = hp_run_folder_new(base, NULL);
    assert_int_equal(hp_run_folders_clean(base), 0);
    assert_int_equal(count_entries(base), 2);
    hp_run_folder_free(second);
    pid_t other = start_run(base); /* cleans first, and finds a living one's */
    assert_int_equal(count_entries(base), 2);
    kill(other, SIGKILL);
    assert_int_equal(waitpid(other, NULL, 0), other);
    hp_run_folder_free(folder);
    assert_int_equal(hp_run_folders_clean(base), 1);
    assert_int_equal(g_rmdir(base), 0);
}

/* ---- the cage ---- */

/* A run: it makes a namespace with a device, a cage and in it a program that has children of its own, all of which hold
 * the writing end of a pipe; then it waits. */
static void be_run(int held)
{
    hp_cage *cage = hp_cage_new(NULL);
    hp_netns *ns = hp_netns_new("alice", NULL);
    hp_device_config config = {.name = "eth0"};
    hp_device *device = ns != NULL ? hp_device_new(ns, &config, NULL) : NULL;
    if (cage == NULL || device == NULL) {
        _exit(1);
    }
    pid_t program = fork();
    if (program == 0) {
        bool ok = hp_netns_enter(ns, NULL) && hp_cage_settle(NULL) && fork() >= 0 && setsid() != -2;
        /* Both of them, the first having settled: /proc shows the cage. */
        g_autofree char *self = g_file_read_link("/proc/self", NULL);
        ok = ok && self != NULL && atoi(self) == getpid() && write(held, "", 1) == 1;
        if (!ok) {
            _exit(1);
        }
        wait_to_be_killed();
    }
    wait_to_be_killed();
}

static void nothing_outlives_its_run(void **state)
{
    if (!live_is_possible(HP_DEVICE_ANY)) {
        skip();
    }
    int ends[2];
    char bytes[2];
    assert_int_equal(pipe(ends), 0);
    pid_t run = fork();
    if (run == 0) {
        close(ends[0]);
        be_run(ends[1]);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], bytes, 1), 1);
    assert_int_equal(read(ends[0], bytes, 1), 1); /* program and child are there */
    kill(run, SIGKILL);
    assert_int_equal(waitpid(run, NULL, 0), run);
    /* The pipe ends when the last process that held it is gone; a program that stays would hold it for ever. */
    struct pollfd wait = {.fd = ends[0], .events = POLLIN};
    assert_int_equal(poll(&wait, 1, (int)(PATIENCE / HP_MS)), 1);
    assert_int_equal(read(ends[0], bytes, 1), 0);
    close(ends[0]);
}

/* A process in the cage that holds an end of a pipe; the reading end comes back. */
static pid_t start_program(int *ret_end)
{
    int ends[2];
    if (pipe(ends) != 0) {
        _exit(1);
    }
    pid_t program = fork();
    if (program == 0) {
        close(ends[0]);
        wait_to_be_killed();
    }
    close(ends[1]);
    *ret_end = ends[0];
    return program;
}

/* One program is waited for after the kill, as for its resources; another is not. */
static void a_cage_ends_what_is_in_it(void **state)
{
    if (!live_is_possible(HP_DEVICE_ANY)) {
        skip();
    }
    pid_t run = fork(); /* a process can have one cage */
    if (run == 0) {
        hp_cage *cage = hp_cage_new(NULL);
        if (cage == NULL) {
            _exit(1);
        }
        int status, first, second;
        char byte;
        pid_t program = start_program(&first);
        start_program(&second);
        hp_cage_kill(cage);
        bool ok = waitpid(program, &status, 0) == program && WIFSIGNALED(status);
        hp_cage_free(cage);
        ok = ok && read(first, &byte, 1) == 0 && read(second, &byte, 1) == 0 && waitpid(-1, NULL, 0) < 0;
        _exit(ok ? 0 : 2);
    }
    int status;
    assert_int_equal(waitpid(run, &status, 0), run);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void an_overlay_is_seen_inside_alone(void **state)
{
    if (!live_is_possible(HP_DEVICE_ANY)) {
        skip();
    }
    g_autofree char *base = make_base();
    g_autofree char *shown = g_build_filename(base, "shown", NULL), *under = g_build_filename(base, "under", NULL);
    assert_true(g_file_set_contents(shown, "new", -1, NULL));
    assert_true(g_file_set_contents(under, "old", -1, NULL));
    pid_t run = fork();
    if (run == 0) {
        hp_cage *cage = hp_cage_new(NULL);
        pid_t program = cage != NULL ? fork() : -1;
        if (program == 0) {
            g_autofree char *text = NULL;
            bool ok = hp_cage_settle(NULL) && hp_cage_overlay(shown, under, NULL) &&
                      g_file_get_contents(under, &text, NULL, NULL) && g_strcmp0(text, "new") == 0;
            _exit(ok ? 0 : 1);
        }
        int status = 1;
        waitpid(program, &status, 0);
        hp_cage_free(cage);
        _exit(status != 0);
    }
    int status;
    assert_int_equal(waitpid(run, &status, 0), run);
    assert_int_equal(status, 0);
    g_autofree char *text = NULL;
    assert_true(g_file_get_contents(under, &text, NULL, NULL));
    assert_string_equal(text, "old");
    g_unlink(shown);
    g_unlink(under);
    assert_int_equal(g_rmdir(base), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_with_its_run),
        cmocka_unit_test(is_found_after_sigkill),
        cmocka_unit_test(nothing_outlives_its_run),
        cmocka_unit_test(a_cage_ends_what_is_in_it),
        cmocka_unit_test(an_overlay_is_seen_inside_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
