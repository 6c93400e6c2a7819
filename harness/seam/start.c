/* Start-up: what must hold, and be warm, before the first agent.
 *
 * Checked: every interposed symbol is ours, and libnice is a shared library (a static one would be bound to itself).
 * Warmed up, so that nothing of it happens inside a simulation or differs between the first run and the second: the
 * default resolver loads GIO's modules (libnice asks it even for literal addresses); the agent's and the candidates'
 * types register. What starts a thread is not warmed up here but with the first environment (env.c): the caller may
 * fork in between, and a fork with a second thread in the middle of something leaves its locks taken for ever. GLib
 * shifts its timeouts of whole seconds by a hash of the session bus address or the host name, computed at the first
 * such timeout: it is computed here with neither set, which makes it 0 everywhere. */
#include <dlfcn.h>

#include "base/error.h"
#include "seam/env.h"
#include "seam/sim_socket.h"
#include "seam/sim_stream.h"
#include "seam/symbols.h"

static void restore_env(const char *name, const char *value)
{
    if (value) {
        g_setenv(name, value, TRUE);
    }
}

static void settle_second_timers(void)
{
    g_autofree char *bus = g_strdup(g_getenv("DBUS_SESSION_BUS_ADDRESS"));
    g_autofree char *host = g_strdup(g_getenv("HOSTNAME"));
    g_unsetenv("DBUS_SESSION_BUS_ADDRESS");
    g_unsetenv("HOSTNAME");
    g_autoptr(GSource) timeout = g_timeout_source_new_seconds(1);
    g_source_destroy(timeout);
    restore_env("DBUS_SESSION_BUS_ADDRESS", bus);
    restore_env("HOSTNAME", host);
}

static void warm_up(void)
{
    settle_second_timers();
    g_type_ensure(G_TYPE_INET_SOCKET_ADDRESS);
    g_type_ensure(G_TYPE_CANCELLABLE);
    g_type_ensure(NICE_TYPE_AGENT);
    g_type_ensure(NICE_TYPE_CANDIDATE);
    g_type_ensure(hp_sim_socket_get_type());
    g_type_ensure(hp_sim_stream_get_type());
    g_autoptr(GResolver) resolver = g_resolver_get_default();
    (void)resolver;
}

bool hp_seam_start(char **ret_libnice, GError **error)
{
    if (!hp_seam_check_symbols(error)) {
        return false;
    }
    Dl_info program, library;
    void *agent_new = dlsym(RTLD_DEFAULT, "nice_agent_new_full");
    if (!agent_new || !dladdr(agent_new, &library) || !dladdr((void *)&hp_seam_start, &program) ||
        library.dli_fbase == program.dli_fbase) {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT,
                    "libnice is not a shared library here: its calls cannot be redirected");
        return false;
    }
    warm_up();
    hp_seam_log_install();
    if (ret_libnice) {
        *ret_libnice = g_strdup(library.dli_fname);
    }
    return true;
}
