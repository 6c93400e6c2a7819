/* How much faster than real time TCP moves bulk: one connection over a link of 100 Mbit/s and 20 ms each way.
 *
 *   bench_tcp [SECONDS]      default 20 virtual seconds in each row
 *
 *   no trace        nothing is recorded
 *   trace, reused   everything is, at both hosts, into memory that an earlier run has touched
 *   trace, fresh    everything is, into memory that the kernel has yet to find and clear, as the first case of a
 *                   process
 *
 * The rate is that of the data that arrives after two seconds (slow start is over), as a share of what the link
 * carries: 1460 bytes of data in each packet of 1500 is 97.3 %. Times are wall-clock and CPU of this process. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "world/host.h"
#include "world/link.h"
#include "world/tcp.h"

enum { RATE = 100000000, PORT = 80, CHUNK = 65536 };
#define WARM_UP (2 * HP_S)

typedef struct bulk {
    hp_world *world;
    uint64_t received;
    hp_tcp_socket *sender;
} bulk;

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void pump(hp_tcp_socket *socket)
{
    static const uint8_t bytes[CHUNK];
    while (hp_tcp_send(socket, bytes, sizeof bytes) == sizeof bytes) {
    }
}

static void on_writable(void *user, hp_tcp_socket *socket)
{
    pump(socket);
}

static void on_readable(void *user, hp_tcp_socket *socket)
{
    static uint8_t bytes[CHUNK];
    size_t n;
    while ((n = hp_tcp_recv(socket, bytes, sizeof bytes)) > 0) {
        ((bulk *)user)->received += n;
    }
}

static const hp_tcp_ops sender_ops = {.connected = on_writable, .writable = on_writable};
static const hp_tcp_ops receiver_ops = {.readable = on_readable};

static void on_accepted(void *user, hp_tcp_listener *listener, hp_tcp_socket *socket)
{
    hp_tcp_set_ops(socket, &receiver_ops, user);
}

static hp_host *add_host(bulk *b, const char *name, uint32_t address, hp_addr *ret)
{
    hp_host *host = hp_host_new(b->world, name);
    *ret = hp_addr_v4(address, PORT);
    hp_addr ip = hp_addr_with_port(*ret, 0);
    hp_host_add_address(host, hp_host_add_interface(host, NULL, 0), &ip);
    return host;
}

static void add_link(bulk *b, const char *name, hp_host *from, hp_host *to)
{
    static const hp_link_config config = {.rate_bps = RATE, .delay_ns = 20 * HP_MS, .queue_packets = 400};
    hp_link *link = hp_link_new(b->world, name, &config);
    hp_node_connect(hp_host_node(from), 0, hp_link_node(link), 0);
    hp_node_connect(hp_link_node(link), 0, hp_host_node(to), 0);
}

static void run(bulk *b, hp_time until)
{
    GError *error = NULL;
    if (!hp_world_run_until(b->world, until, &error)) {
        fprintf(stderr, "bench_tcp: %s\n", error->message);
        exit(1);
    }
}

static void transfer(const char *label, hp_trace *trace, unsigned length)
{
    static const hp_tcp_listener_ops listener_ops = {.accepted = on_accepted};
    double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    bulk b = {.world = hp_world_new(1, trace)};
    hp_addr client, server;
    hp_host *from = add_host(&b, "client", 0xc0000201, &client), *to = add_host(&b, "server", 0xc0000202, &server);
    hp_tcp_config config = *hp_tcp_get_config(to);
    config.send_buffer = config.receive_buffer = 4 << 20;
    hp_tcp_set_config(from, &config);
    hp_tcp_set_config(to, &config);
    add_link(&b, "up", from, to);
    add_link(&b, "down", to, from);
    hp_tcp_listen(to, &server, &listener_ops, &b, NULL);
    b.sender = hp_tcp_connect(from, NULL, &server, &sender_ops, &b, NULL);
    run(&b, WARM_UP);
    uint64_t before = b.received;
    run(&b, length * HP_S);
    double rate = (double)(b.received - before) * 8 / ((double)(length * HP_S - WARM_UP) / 1e9) / RATE;
    hp_world_free(b.world);
    wall = seconds(CLOCK_MONOTONIC) - wall;
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    printf("%-14s %7.1f %% %9.0f %9.0f %10.0f", label, rate * 100, length / wall, length / cpu,
           trace != NULL ? (double)hp_trace_n_packets(trace) / length : 0.0);
    printf("\n");
    fflush(stdout);
}

static hp_trace *new_trace(void)
{
    GError *error = NULL;
    hp_trace *trace = hp_trace_new(&error);
    if (trace == NULL) {
        fprintf(stderr, "bench_tcp: %s\n", error->message);
        exit(3);
    }
    return trace;
}

int main(int argc, char **argv)
{
    unsigned length = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 20;
    if (length < 3 || length > 120) {
        fprintf(stderr, "usage: bench_tcp [SECONDS], 3 to 120\n");
        return 2;
    }
    printf("%-14s %9s %9s %9s %10s\n", "", "of rate", "x, wall", "x, CPU", "records/s");
    transfer("no trace", NULL, length);
    hp_trace *trace = new_trace();
    transfer("trace, fresh", trace, length);
    hp_trace_reset(trace);
    transfer("trace, reused", trace, length);
    hp_trace_free(trace);
    return 0;
}
