/* Theory of operation: a foreign program looks names up where /etc/resolv.conf says, and that file is the machine's. So
 * the program gets a mount namespace in which another file lies over it. The namespace is the calling thread's and
 * vanishes with what was started from it; nothing outside sees the mount, because propagation is cut first.
 *
 * A peer with IPv4 only cannot ask a server at an IPv6 address; such addresses are left out (the plan's resolver
 * settings have only those that can be reached). resolv.conf(5): at most three servers are asked. */
#include "programs/resolv_conf.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>

#include "base/error.h"

char *hp_resolv_conf_text(const hp_plan *plan, unsigned peer)
{
    const hp_resolver_config *resolver = &plan->peers[peer].resolver;
    if (resolver->n_servers == 0) {
        return NULL;
    }
    GString *text = g_string_new("# Written by Hairpin.\n");
    for (unsigned i = 0; i < resolver->n_servers; i++) {
        char address[HP_ADDR_TEXT];
        g_string_append_printf(text, "nameserver %s\n", hp_addr_format_ip(&resolver->servers[i], address));
    }
    return g_string_free(text, FALSE);
}

bool hp_resolv_conf_use(const hp_plan *plan, unsigned peer, const char *folder, GError **error)
{
    g_autofree char *text = hp_resolv_conf_text(plan, peer);
    if (!text) {
        return true;
    }
    g_autofree char *file = g_build_filename(folder, "resolv.conf", NULL);
    if (!g_file_set_contents(file, text, -1, error)) {
        return false;
    }
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount(file, "/etc/resolv.conf", NULL, MS_BIND, NULL) != 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "cannot give %s a resolv.conf of its own: %s",
                    plan->peers[peer].source->name, g_strerror(errno));
        return false;
    }
    return true;
}
