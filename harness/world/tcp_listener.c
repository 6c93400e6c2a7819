/* Listeners: who gets a SYN, and how many connections may be half open.
 *
 * Found by address and port, else by port. Two of one port and family exclude each other when they have the same
 * address or one of them has none, as on Linux; connections at the port are no hindrance. A connection belongs to its
 * listener until it is established; one that does not get so far is gone without a word. */
#include "world/host_backend.h"

#include "base/error.h"

static bool overlaps(const hp_tcp_listener *other, const hp_addr *local)
{
    return other->local.port == local->port && other->local.family == local->family &&
           (hp_addr_same_ip(&other->local, local) || hp_addr_is_unspecified(&other->local) ||
            hp_addr_is_unspecified(local));
}

static bool is_taken(const hp_tcp_stack *stack, const hp_addr *local)
{
    for (const hp_tcp_listener *l = stack->first_listener; l != NULL; l = l->next) {
        if (overlaps(l, local)) {
            return true;
        }
    }
    return false;
}

/* Opens the backend's, as host_socket.c does a socket. */
static bool open_listener(hp_tcp_listener *l, bool any_port, GError **error)
{
    enum { TRIES = 100 };
    for (unsigned i = 1;; i++) {
        g_autoptr(GError) problem = NULL;
        hp_host_opened opened = l->stack->host->backend->tcp_listen(l, &problem);
        if (opened == HP_HOST_OPENED) {
            return true;
        }
        if (opened != HP_HOST_PORT_TAKEN || !any_port || i == TRIES) {
            g_propagate_error(error, g_steal_pointer(&problem));
            return false;
        }
        if (!hp_tcp_choose_port(l->stack, &l->local, error)) {
            return false;
        }
    }
}

hp_tcp_listener *hp_tcp_listen(hp_host *host, const hp_addr *local, const hp_tcp_listener_ops *ops, void *user,
                               GError **error)
{
    hp_tcp_stack *stack = hp_tcp_stack_of(host);
    hp_addr bound = *local;
    if (!hp_tcp_check_local(host, local, error) || (bound.port == 0 && !hp_tcp_choose_port(stack, &bound, error))) {
        return NULL;
    }
    if (is_taken(stack, &bound)) {
        char text[HP_ADDR_TEXT];
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: somebody listens at %s already", host->node.name,
                    hp_addr_format(&bound, text));
        return NULL;
    }
    hp_tcp_listener *l = g_malloc0(host->backend != NULL ? host->backend->listener_size : sizeof *l);
    *l = (hp_tcp_listener){.stack = stack, .local = bound, .ops = *ops, .user = user, .previous = stack->last_listener};
    if (host->backend != NULL && !open_listener(l, local->port == 0, error)) {
        g_free(l);
        return NULL;
    }
    *(stack->last_listener != NULL ? &stack->last_listener->next : &stack->first_listener) = l;
    stack->last_listener = l;
    hp_addr_map_set_pointer(&stack->listeners, &l->local, l);
    hp_tcp_count_port(stack, &l->local, 1);
    return l;
}

void hp_tcp_listener_destroy(hp_tcp_listener *l)
{
    hp_tcp_stack *stack = l->stack;
    if (stack->host->backend != NULL) {
        stack->host->backend->tcp_listener_close(l);
    }
    hp_addr_map_remove(&stack->listeners, &l->local);
    hp_tcp_count_port(stack, &l->local, -1);
    *(l->previous != NULL ? &l->previous->next : &stack->first_listener) = l->next;
    *(l->next != NULL ? &l->next->previous : &stack->last_listener) = l->previous;
    g_free(l);
}

void hp_tcp_listener_close(hp_tcp_listener *l)
{
    if (l == NULL) {
        return;
    }
    /* No callback can come of this, so that the list only loses what is passed. */
    for (hp_tcp_socket *socket = l->stack->first_socket; socket != NULL;) {
        hp_tcp_socket *next = socket->next;
        if (socket->listener == l) {
            hp_tcp_socket_begin(socket);
            hp_tcp_conn_abort(socket->conn);
            hp_tcp_socket_end(socket, false);
        }
        socket = next;
    }
    hp_tcp_listener_destroy(l);
}

void hp_tcp_listener_set_receive_buffer(hp_tcp_listener *l, uint32_t bytes)
{
    l->receive_buffer = bytes;
    if (l->stack->host->backend != NULL) {
        l->stack->host->backend->tcp_listener_set_receive_buffer(l, bytes);
    }
}

hp_addr hp_tcp_listener_local(const hp_tcp_listener *l)
{
    return l->local;
}

hp_host *hp_tcp_listener_host(const hp_tcp_listener *l)
{
    return l->stack->host;
}

hp_tcp_listener *hp_tcp_find_listener(const hp_tcp_stack *stack, const hp_addr *to)
{
    hp_tcp_listener *exact = hp_addr_map_find_pointer(&stack->listeners, to);
    if (exact != NULL) {
        return exact;
    }
    hp_addr any = hp_tcp_any(to);
    return hp_addr_map_find_pointer(&stack->listeners, &any);
}

bool hp_tcp_listener_take(hp_tcp_listener *l, const hp_tcp_pair *pair, const hp_tcp_header *syn, uint32_t record)
{
    if (l->n_half_open >= HP_TCP_BACKLOG) {
        return false;
    }
    hp_tcp_socket *socket = hp_tcp_socket_new(l->stack, pair, syn, l->receive_buffer);
    socket->listener = l;
    socket->last_record = record;
    l->n_half_open++;
    hp_tcp_socket_begin(socket);
    hp_tcp_socket_end(socket, true);
    return true;
}
