/* GLib's log, as far as the software under test writes to it.
 *
 * One default handler for the process, put in place by hp_seam_start(). While an environment is entered, live or not, warnings,
 * criticals and errors go to its sink and never to a terminal; lesser levels go on to GLib's own handler, which is
 * silent unless G_MESSAGES_DEBUG asks. libnice prints the addresses of its objects, which differ between runs: every
 * hexadecimal number of six digits or more is replaced by "0x*". An error is fatal in GLib: after the sink has seen
 * it the process dies, and its parent reports that. */
#include <string.h>

#include "seam/env.h"

enum { MIN_POINTER_DIGITS = 6 };

static char *blot_pointers(const char *message)
{
    GString *out = g_string_new(NULL);
    while (*message) {
        if (g_str_has_prefix(message, "0x")) {
            size_t digits = strspn(message + 2, "0123456789abcdefABCDEF");
            if (digits >= MIN_POINTER_DIGITS) {
                g_string_append(out, "0x*");
                message += 2 + digits;
                continue;
            }
        }
        g_string_append_c(out, *message++);
    }
    return g_string_free(out, FALSE);
}

static const char *level_name(GLogLevelFlags level)
{
    if (level & G_LOG_LEVEL_ERROR) {
        return "error";
    }
    if (level & G_LOG_LEVEL_CRITICAL) {
        return "critical";
    }
    return level & G_LOG_LEVEL_WARNING ? "warning" : NULL;
}

static void handle(const char *domain, GLogLevelFlags level, const char *message, void *user)
{
    hp_seam_env *env = hp_seam_innermost();
    const char *name = level_name(level);
    if (!env || !name) {
        g_log_default_handler(domain, level, message, NULL);
        return;
    }
    if (env->log) {
        g_autofree char *blotted = blot_pointers(message ? message : "");
        env->log(env->log_user, domain ? domain : "", name, blotted);
    }
}

void hp_seam_log_install(void)
{
    g_log_set_default_handler(handle, NULL);
}
