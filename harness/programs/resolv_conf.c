/* Theory of operation: a foreign program looks names up where /etc/resolv.conf says, and that file is the machine's. So
 * another file lies over it in the mount namespace that each program's process has (live/cage.h).
 *
 * A peer with IPv4 only cannot ask a server at an IPv6 address; such addresses are left out (the plan's resolver
 * settings have only those that can be reached). resolv.conf(5): at most three servers are asked. */
#include "programs/resolv_conf.h"

#include <glib/gstdio.h>

#include "base/error.h"
#include "live/cage.h"

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
    g_autoptr(GError) why = NULL;
    if (!g_file_set_contents(file, text, -1, &why)) {
        g_set_error_literal(error, HP_ERROR, HP_ERROR_IO, why->message);
        return false;
    }
    const bool used = hp_cage_overlay(file, "/etc/resolv.conf", error);
    (void)g_unlink(file); /* what lies over the other stays, and the program's folder is empty */
    return used;
}
