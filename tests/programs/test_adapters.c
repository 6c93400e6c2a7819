#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <sys/wait.h>

#include "base/error.h"
#include "programs/adapters.h"

/* Beside this very program, as the adapters lie beside hairpin. */
static char *adapter_folder(void)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *folder = g_path_get_dirname(self);
    return g_build_filename(folder, "adapters", NULL);
}

static void knows_its_adapters(void **state)
{
    static const char *const known[] = {"aiortc", "webrtcbin", "pion"};
    for (unsigned i = 0; i < G_N_ELEMENTS(known); i++) {
        g_autoptr(GError) not_here = NULL;
        assert_null(hp_adapter_path(known[i], &not_here));
        assert_true(g_error_matches(not_here, HP_ERROR, HP_ERROR_ENVIRONMENT));
    }
    g_autoptr(GError) error = NULL;
    assert_null(hp_adapter_path("chromium", &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
}

static void what_was_not_built_names_packages(void **state)
{
    g_autoptr(GError) error = NULL;
    assert_null(hp_adapter_path("pion", &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_ENVIRONMENT));
    assert_non_null(strstr(error->message, "golang-github-pion-webrtc.v3-dev"));
}

static void put(const char *folder, const char *name, const char *script)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    assert_true(g_file_set_contents_full(path, script, -1, G_FILE_SET_CONTENTS_NONE, 0755, NULL));
}

static void take(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_unlink(path);
}

static void an_adapter_tells_what_it_misses(void **state)
{
    g_autofree char *folder = adapter_folder();
    assert_int_equal(g_mkdir_with_parents(folder, 0755), 0);
    put(folder, "aiortc",
        "#!/bin/sh\n[ \"$1\" = --check ] || exit 2\necho python3-aiortc, python3-websockets\nexit 1\n");
    put(folder, "webrtcbin", "#!/bin/sh\n[ \"$1\" = --check ]\n");
    g_autoptr(GError) error = NULL;
    assert_null(hp_adapter_path("aiortc", &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_ENVIRONMENT));
    assert_non_null(strstr(error->message, "misses: python3-aiortc, python3-websockets"));
    g_autofree char *path = hp_adapter_path("webrtcbin", NULL);
    assert_non_null(path);
    assert_true(g_str_has_suffix(path, "/adapters/webrtcbin"));
    /* The answer is kept: nobody is asked twice. */
    put(folder, "webrtcbin", "#!/bin/sh\nexit 1\n");
    g_autofree char *again = hp_adapter_path("webrtcbin", NULL);
    assert_non_null(again);
    take(folder, "aiortc");
    take(folder, "webrtcbin");
    g_rmdir(folder);
}

/* Whoever hangs, with a word on its stdout or with that closed, is killed and waited for; so nobody is left to wait for.
 * Nor is whoever a program has left behind with its stdout. */
static void an_adapter_that_hangs_is_killed(void **state)
{
    enum { LIMIT_MS = 100 };
    static const char *const scripts[] = {"#!/bin/sh\necho python3-aiortc\nexec sleep 600\n",
                                          "#!/bin/sh\nexec sleep 600 >&-\n", "#!/bin/sh\nsleep 20 &\n"};
    g_autofree char *folder = g_dir_make_tmp("hairpin-test-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "slow", NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(scripts); i++) {
        put(folder, "slow", scripts[i]);
        g_autofree char *why = hp_adapter_ask(path, LIMIT_MS);
        assert_string_equal(why, "it did not answer --check within 0.1 s");
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
        assert_int_equal(errno, ECHILD);
        take(folder, "slow"); /* what is written over it would leave the end of a longer one */
    }
    g_rmdir(folder);
}

/* What is no executable, and what fails without a word. */
static void an_adapter_that_says_nothing(void **state)
{
    enum { LIMIT_MS = 20000 };
    g_autofree char *folder = g_dir_make_tmp("hairpin-test-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "quiet", NULL);
    g_autofree char *none = hp_adapter_ask(path, LIMIT_MS);
    assert_non_null(strstr(none, path));
    put(folder, "quiet", "#!/bin/sh\nexit 1\n");
    g_autofree char *quiet = hp_adapter_ask(path, LIMIT_MS);
    assert_string_equal(quiet, "it misses: no word of what it lacks");
    take(folder, "quiet");
    g_rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_its_adapters),
        cmocka_unit_test(what_was_not_built_names_packages),
        cmocka_unit_test(an_adapter_tells_what_it_misses),
        cmocka_unit_test(an_adapter_that_hangs_is_killed),
        cmocka_unit_test(an_adapter_that_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
