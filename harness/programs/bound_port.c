/* The kernel's tables of sockets: one line each, "  N: ADDRESS:PORT REMOTE:PORT STATE ...", numbers in hexadecimal.
 * /proc/thread-self is the namespace that the calling thread has entered, which /proc/self need not be. */
#include "programs/bound_port.h"

#include <glib.h>
#include <string.h>

static bool is_bound_in_line(const char *line, uint16_t port, const char *state)
{
    g_auto(GStrv) words = g_strsplit_set(g_strstrip((char *)line), " \t", -1);
    const char *fields[4] = {NULL};
    unsigned n = 0;
    for (char **word = words; *word && n < G_N_ELEMENTS(fields); word++)
        if (**word)
            fields[n++] = *word;
    if (n < G_N_ELEMENTS(fields))
        return false;
    const char *colon = strrchr(fields[1], ':');
    guint64 found = 0;
    return colon && g_ascii_string_to_unsigned(colon + 1, 16, 0, 65535, &found, NULL) && found == port &&
           (!state || strcmp(fields[3], state) == 0);
}

bool hp_bound_port_in(const char *table, uint16_t port, const char *state)
{
    g_auto(GStrv) lines = g_strsplit(table, "\n", -1);
    for (unsigned i = 1; lines[0] && lines[i]; i++) /* the first has the columns' names */
        if (is_bound_in_line(lines[i], port, state))
            return true;
    return false;
}

static bool is_bound(const char *const *files, uint16_t port, const char *state)
{
    for (; *files; files++) {
        g_autofree char *table = NULL;
        if (g_file_get_contents(*files, &table, NULL, NULL) && hp_bound_port_in(table, port, state))
            return true;
    }
    return false;
}

bool hp_bound_port_udp(uint16_t port)
{
    static const char *const files[] = {"/proc/thread-self/net/udp", "/proc/thread-self/net/udp6", NULL};
    return is_bound(files, port, NULL);
}

bool hp_bound_port_tcp(uint16_t port)
{
    static const char *const files[] = {"/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6", NULL};
    return is_bound(files, port, "0A");
}
