/* How much the live fabric carries, and how exactly.
 *
 *   sender's namespace -> TUN -> host, link, NAT, link, host -> TUN -> receiver's namespace
 *
 * Sender and receiver are processes of their own, on the CPU that the fabric is not on where there are two. The sender
 * sends what is due since the beginning, a gust each 100 us at the most; where the machine kept it from that for long,
 * it does not catch up with more than a gust of 1024, so that a busy machine makes it send less, and not in floods that
 * no queue holds. Each packet (172 bytes, as audio has) carries the instant of CLOCK_MONOTONIC at which it was handed
 * over. The receiver's kernel stamps arrivals with CLOCK_REALTIME, which is set off against CLOCK_MONOTONIC at the
 * beginning: so the receiver may look once in a while only, and that does not count as delay.
 *
 * What is lost is what the receiver did not get; the kernel's own counters say where. CPU is this process's alone, less
 * what it spun: what the kernel does for a packet on its way into the receiver's socket is done in the fabric's write(),
 * and is in it. */
#include "bench/live_load.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "bench/cpus.h"
#include "live/clock.h"
#include "live/rights.h"
#include "world/link.h"
#include "world/nat.h"

enum { PAYLOAD = 172, BATCH = 64, MAX_GUST = 1024, RECEIVE_BUFFER = 32 << 20, PORT_A = 5000, PORT_B = 6000 };
#define GUST (100 * HP_US)
#define NAP HP_MS /* of the receiver: a sleeper would be woken for each packet, at the cost of the one who sends it */
#define REST (300 * HP_MS) /* for what is still under way when the sender has ended */

typedef struct shared {
    _Atomic uint64_t sent, received;
    _Atomic bool ready, stop;
    hp_lateness error;
} shared;

static int open_socket(const hp_netns *ns, const hp_addr *local)
{
    struct sockaddr_storage at;
    socklen_t length = (socklen_t)hp_addr_to_sockaddr(local, &at);
    static const int room = RECEIVE_BUFFER, on = 1;
    if (!hp_netns_enter(ns, NULL)) {
        return -1;
    }
    int fd = socket(at.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    return bind(fd, (struct sockaddr *)&at, length) == 0 ? fd : -1;
}

/* ---- sender ---- */

/* One system call for all of them: the kernel cuts them apart (UDP_SEGMENT) before they come to the device. */
static void send_due(int fd, unsigned n)
{
    static uint8_t payloads[BATCH][PAYLOAD];
    hp_time now = hp_clock_read(CLOCK_MONOTONIC);
    for (unsigned i = 0; i < n; i++) {
        memcpy(payloads[i], &now, sizeof now);
    }
    while (send(fd, payloads, (size_t)n * PAYLOAD, 0) < 0) {
        if (errno != EINTR && errno != ENOBUFS) {
            _exit(1);
        }
    }
}

static void be_sender(shared *s, const hp_netns *ns, const hp_addr *from, const hp_addr *to,
                      const hp_bench_live_load *load)
{
    prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
    static const int segment = PAYLOAD;
    struct sockaddr_storage at;
    socklen_t length = (socklen_t)hp_addr_to_sockaddr(to, &at);
    int fd = open_socket(ns, from);
    if (fd < 0 || connect(fd, (struct sockaddr *)&at, length) != 0 ||
        setsockopt(fd, SOL_UDP, UDP_SEGMENT, &segment, sizeof segment) != 0) {
        _exit(1);
    }
    hp_time start = hp_clock_read(CLOCK_MONOTONIC), stop = start + load->duration, now;
    uint64_t sent = 0;
    while ((now = hp_clock_read(CLOCK_MONOTONIC)) < stop) {
        uint64_t due = (now - start) * load->rate / HP_S;
        if (due > sent + MAX_GUST) {
            start += (due - sent - MAX_GUST) * HP_S / load->rate;
            due = sent + MAX_GUST;
        }
        for (unsigned n; sent < due; sent += n) {
            n = (unsigned)MIN(due - sent, (uint64_t)BATCH);
            send_due(fd, n);
        }
        hp_time pause = MAX(GUST, HP_S / load->rate), wake = now + pause;
        struct timespec until = {(time_t)(wake / HP_S), (long)(wake % HP_S)};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    }
    atomic_store(&s->sent, sent);
    _exit(0);
}

/* ---- receiver ---- */

static hp_time stamp_of(struct msghdr *m)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
            struct timespec t;
            memcpy(&t, CMSG_DATA(c), sizeof t);
            return (hp_time)t.tv_sec * HP_S + (hp_time)t.tv_nsec;
        }
    }
    return 0;
}

static void be_receiver(shared *s, const hp_netns *ns, const hp_addr *local, const hp_bench_live_load *load)
{
    static uint8_t payloads[BATCH][PAYLOAD];
    static _Alignas(struct cmsghdr) uint8_t controls[BATCH][CMSG_SPACE(sizeof(struct timespec))];
    struct iovec parts[BATCH];
    struct mmsghdr messages[BATCH];
    int fd = open_socket(ns, local);
    if (fd < 0) {
        _exit(1);
    }
    hp_time offset = hp_clock_read(CLOCK_REALTIME) - hp_clock_read(CLOCK_MONOTONIC);
    atomic_store(&s->ready, true);
    while (!atomic_load(&s->stop)) {
        for (unsigned i = 0; i < BATCH; i++) {
            parts[i] = (struct iovec){payloads[i], PAYLOAD};
            messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[i],
                                                       .msg_iovlen = 1,
                                                       .msg_control = controls[i],
                                                       .msg_controllen = sizeof controls[i]}};
        }
        int n = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
        for (int i = 0; i < n; i++) {
            hp_time sent;
            memcpy(&sent, payloads[i], sizeof sent);
            hp_time took = stamp_of(&messages[i].msg_hdr) - offset - sent;
            hp_lateness_add(&s->error, took - MIN(took, load->delay));
        }
        atomic_fetch_add(&s->received, n > 0 ? (uint64_t)n : 0);
        if (n < BATCH) {
            clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = NAP}, NULL);
        }
    }
    _exit(0);
}

/* ---- the fabric ---- */

typedef struct end {
    hp_netns *ns;
    hp_device *device;
    hp_host *host;
} end;

typedef struct fabric {
    hp_trace *trace;
    hp_world *world;
    hp_live_clock *clock;
    hp_loop *loop;
    end inside, outside;
    hp_addr a, b;
    hp_bench_cpus cpus;
} fabric;

static bool add_end(fabric *f, end *e, const char *name, const hp_addr *ip, hp_device_kind kind, GError **error)
{
    hp_device_address address = {.ip = *ip, .bits = 24};
    hp_device_config config = {
        .name = "eth0", .kind = kind, .addresses = &address, .n_addresses = 1, .default_route = true};
    e->ns = hp_netns_new(name, error);
    e->device = e->ns != NULL ? hp_device_new(e->ns, &config, error) : NULL;
    if (e->device == NULL) {
        return false;
    }
    e->host = hp_host_new(f->world, name);
    hp_host_add_interface(e->host, NULL, 0);
    hp_host_add_address(e->host, 0, ip);
    return hp_device_attach(e->device, f->loop, e->host, 0, error);
}

static void connect_by_link(fabric *f, const char *name, hp_time delay, hp_node *from, unsigned out, hp_node *to,
                            unsigned in)
{
    hp_node *link = hp_link_node(hp_link_new(f->world, name, &(hp_link_config){.delay_ns = delay}));
    hp_node_connect(from, out, link, 0);
    hp_node_connect(link, 0, to, in);
}

static void wire(fabric *f, hp_time delay)
{
    hp_nat_config config = hp_nat_config_default();
    hp_nat *box = hp_nat_new(f->world, "nat", &config);
    hp_addr external = hp_addr_v4(0xc6336402, 0);
    hp_nat_set_external(box, &external, 1);
    hp_node *inside = hp_host_node(f->inside.host), *outside = hp_host_node(f->outside.host), *nat = hp_nat_node(box);
    connect_by_link(f, "inside>nat", delay, inside, 0, nat, HP_NAT_INSIDE);
    connect_by_link(f, "nat>outside", 0, nat, HP_NAT_OUTSIDE, outside, 0);
    connect_by_link(f, "outside>nat", 0, outside, 0, nat, HP_NAT_OUTSIDE);
    connect_by_link(f, "nat>inside", delay, nat, HP_NAT_INSIDE, inside, 0);
}

static bool fabric_init(fabric *f, const hp_bench_live_load *load, GError **error)
{
    hp_loop_options punctual = hp_loop_options_punctual();
    f->a = hp_addr_v4(0xc0a80102, PORT_A);
    f->b = hp_addr_v4(0xc6336401, PORT_B);
    f->trace = load->traced ? hp_trace_new(error) : NULL;
    if (load->traced && f->trace == NULL) {
        return false;
    }
    f->world = hp_world_new(1, f->trace);
    f->clock = hp_live_clock_new(error);
    f->loop = f->clock != NULL ? hp_loop_new(f->world, f->clock, load->punctual ? &punctual : NULL, error) : NULL;
    if (f->loop == NULL || !add_end(f, &f->inside, "inside", &f->a, load->device, error) ||
        !add_end(f, &f->outside, "outside", &f->b, load->device, error)) {
        return false;
    }
    wire(f, load->delay);
    return true;
}

static void fabric_clear(fabric *f)
{
    end *ends[] = {&f->inside, &f->outside};
    for (unsigned i = 0; i < G_N_ELEMENTS(ends); i++) {
        hp_device_free(ends[i]->device);
        hp_netns_free(ends[i]->ns);
    }
    hp_loop_free(f->loop);
    hp_world_free(f->world);
    hp_trace_free(f->trace);
    hp_live_clock_free(f->clock);
}

/* ---- a measurement ---- */

typedef void be_func(shared *s, const fabric *f, const hp_bench_live_load *load);

static pid_t start(be_func *be, shared *s, const fabric *f, const hp_bench_live_load *load)
{
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        hp_bench_cpus_take_rest(&f->cpus);
        be(s, f, load);
    }
    return child;
}

static void sender(shared *s, const fabric *f, const hp_bench_live_load *load)
{
    be_sender(s, f->inside.ns, &f->a, &f->b, load);
}

static void receiver(shared *s, const fabric *f, const hp_bench_live_load *load)
{
    be_receiver(s, f->outside.ns, &f->b, load);
}

static bool turn_for(fabric *f, hp_time span, GError **error)
{
    hp_time stop = hp_live_clock_now(f->clock) + span;
    for (hp_time now; (now = hp_live_clock_now(f->clock)) < stop;) {
        if (!hp_loop_turn(f->loop, stop - now, error)) {
            return false;
        }
    }
    return true;
}

static double cpu_ns(bool kernel_too)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    double user = (double)r.ru_utime.tv_sec * 1e9 + (double)r.ru_utime.tv_usec * 1e3;
    return kernel_too ? user + (double)r.ru_stime.tv_sec * 1e9 + (double)r.ru_stime.tv_usec * 1e3 : user;
}

static bool measure(fabric *f, shared *s, const hp_bench_live_load *load, hp_bench_live_result *ret, GError **error)
{
    pid_t to = start(receiver, s, f, load);
    while (to > 0 && !atomic_load(&s->ready) && waitpid(to, NULL, WNOHANG) == 0) {
        g_usleep(1000); /* asleep, as this thread may have a real-time priority */
    }
    hp_live_clock_begin(f->clock);
    double before = cpu_ns(true), user_before = cpu_ns(false);
    pid_t from = start(sender, s, f, load);
    bool ok = turn_for(f, load->duration + load->delay + REST, error);
    double spun = (double)hp_loop_report_get(f->loop)->spun_ns;
    double cpu = cpu_ns(true) - before - spun, user = cpu_ns(false) - user_before;
    atomic_store(&s->stop, true);
    int of_sender = 1, of_receiver = 1;
    waitpid(from, &of_sender, 0);
    waitpid(to, &of_receiver, 0);
    if (ok && (of_sender != 0 || of_receiver != 0 || atomic_load(&s->received) == 0)) {
        g_set_error(error, HP_ERROR, HP_ERROR_REFUSED, "live fabric: nothing was sent, or nothing arrived");
        return false;
    }
    hp_device_counters counters;
    hp_netns_counters sockets;
    ok = ok && hp_device_count(f->inside.device, &counters, error) && hp_netns_count(f->outside.ns, &sockets, error);
    if (ok) {
        double received = (double)atomic_load(&s->received);
        *ret = (hp_bench_live_result){.sent = atomic_load(&s->sent),
                                      .received = atomic_load(&s->received),
                                      .queue_drops = counters.tx_dropped,
                                      .buffer_drops = sockets.udp_receive_buffer,
                                      .cpu_ns = cpu / received,
                                      .user_ns = user / received,
                                      .error = s->error,
                                      .lateness = *hp_loop_lateness(f->loop)};
    }
    return ok;
}

bool hp_bench_live(const hp_bench_live_load *load, hp_bench_live_result *ret, GError **error)
{
    shared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s == MAP_FAILED) {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "no shared memory: %s", g_strerror(errno));
        return false;
    }
    fabric f = {.cpus = hp_bench_cpus_find()};
    bool ok = fabric_init(&f, load, error);
    if (ok) {
        hp_bench_cpus_take_first(&f.cpus);
        ok = measure(&f, s, load, ret, error);
    }
    fabric_clear(&f);
    munmap(s, sizeof *s);
    hp_bench_cpus_take_all(&f.cpus);
    return ok;
}

/* ---- hosts ---- */

bool hp_bench_live_hosts(unsigned n, hp_time *ret_set_up, hp_time *ret_tear_down, GError **error)
{
    g_autoptr(GPtrArray) spaces = g_ptr_array_new_with_free_func((GDestroyNotify)hp_netns_free);
    g_autoptr(GPtrArray) devices = g_ptr_array_new_with_free_func((GDestroyNotify)hp_device_free);
    hp_time started = hp_clock_read(CLOCK_MONOTONIC);
    for (unsigned i = 0; i < n; i++) {
        hp_device_address address = {.ip = hp_addr_v4(0x0a000002 + (i << 8), 0), .bits = 24};
        hp_device_config config = {.name = "eth0", .addresses = &address, .n_addresses = 1, .default_route = true};
        hp_netns *ns = hp_netns_new("host", error);
        if (ns == NULL) {
            return false;
        }
        g_ptr_array_add(spaces, ns);
        hp_device *device = hp_device_new(ns, &config, error);
        if (device == NULL) {
            return false;
        }
        g_ptr_array_add(devices, device);
    }
    hp_time made = hp_clock_read(CLOCK_MONOTONIC);
    g_ptr_array_set_size(devices, 0);
    g_ptr_array_set_size(spaces, 0);
    *ret_set_up = made - started;
    *ret_tear_down = hp_clock_read(CLOCK_MONOTONIC) - made;
    return true;
}
