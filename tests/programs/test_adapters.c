#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib/gstdio.h>

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
    assert_true(hp_adapter_is_known("aiortc"));
    assert_true(hp_adapter_is_known("webrtcbin"));
    assert_true(hp_adapter_is_known("pion"));
    assert_false(hp_adapter_is_known("chromium"));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_its_adapters),
        cmocka_unit_test(what_was_not_built_names_packages),
        cmocka_unit_test(an_adapter_tells_what_it_misses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
