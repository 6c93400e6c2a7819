/* Servers under load, each in a namespace whose only interface is a TUN device that this process holds, with what cards
 * of servers do (relay_device.h): clients and peer are packets (relay_load.h).
 *
 * How much a packet costs is measured with a number of packets under way all the time: whatever else the machine does,
 * the server has something to do whenever it runs. For the highest rate the load grows by a quarter until more than one
 * packet in a thousand is lost, or the generator cannot send more, three times in a row: a machine that does something
 * else for a moment is nobody's limit. The best rate is the last one without either.
 *
 * The CPU is the server process's, all threads and what the kernel does on their behalf (its process clock), over the
 * packets that came through. With two CPUs or more the generator has the first to itself; both run before whatever else
 * there is. What a server receives is delivered to its socket on the generator's account; for both servers alike. Memory is
 * told by the difference between two servers, one with many allocations and one with one.
 *
 * The shapes are what decides: a frame of video is a train of one flow, which a server may take and send as one; of many
 * clients' voice every packet is one for itself, and pays the whole way through the kernel's UDP twice.
 *
 * Limits: where the generator cannot send more, the rate is the generator's, and the document says so. */
#include "bench/relay_live.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "bench/cpus.h"
#include "bench/relay_device.h"
#include "bench/relay_load.h"
#include "live/clock.h"
#include "live/netns.h"

#define SERVER "198.18.0.1"
#define CLIENTS "198.18.0.2"
#define PEER "198.18.0.3"
#define PASSWORD "relay-bench"
#define USER "bench:relay-bench"
enum {
    PORT = 3478,
    BITS = 24,
    FIRST_RATE = 20000,
    MAX_RATE = 2000000,
    STRIKES = 3,
    UNDER_WAY = 256,
    COMMON_RATE = 20000,
};
#define MEMORY_CLIENTS 1000
#define MAX_LOSS 0.001

/* voice: Opus of 20 ms, each packet from another client. video: about a frame of 2.5 Mbit/s and 30 frames a second, back
 * to back as an encoder's output leaves a client; the last packet is what was left. */
typedef struct load_shape {
    const char *name, *about;
    unsigned frame;
    size_t size, last_size;
} load_shape;
static const load_shape shapes[] = {
    {.name = "voice", .about = "single packets of 172 bytes", .frame = 1, .size = 172, .last_size = 172},
    {.name = "data", .about = "single packets of 1200 bytes", .frame = 1, .size = 1200, .last_size = 1200},
    {.name = "video", .about = "frames of 8 packets of 1200 bytes", .frame = 8, .size = 1200, .last_size = 700},
};

static const char *const names[] = {"builtin", "coturn"};
G_STATIC_ASSERT(G_N_ELEMENTS(names) == HP_BENCH_RELAY_N);

const char *hp_bench_relay_name(hp_bench_relay relay)
{
    return names[relay];
}

hp_bench_relay_options hp_bench_relay_defaults(void)
{
    static const unsigned clients[] = {8, 100};
    return (hp_bench_relay_options){.servers = {true, true},
                                    .clients = clients,
                                    .n_clients = 2,
                                    .repeats = 3,
                                    .n_shapes = 3,
                                    .window = HP_S,
                                    .highest = true};
}

/* ---- the network ---- */

typedef struct place {
    hp_netns *server;
    hp_relay_device device;
    char folder[64];
    hp_bench_cpus cpus;
} place;

static void place_clear(place *p)
{
    if (p->device.fd > 0) {
        close(p->device.fd);
    }
    hp_netns_free(p->server);
    if (p->folder[0] != '\0') {
        g_autofree char *config = g_build_filename(p->folder, "turnserver.conf", NULL);
        g_unlink(config);
        g_autofree char *database = g_build_filename(p->folder, "turndb", NULL);
        g_unlink(database);
        g_rmdir(p->folder);
    }
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(place, place_clear)

static hp_addr addr_of(const char *text, uint16_t port)
{
    hp_addr addr = {0};
    hp_addr_parse(text, &addr);
    addr.port = port;
    return addr;
}

static bool prepare(place *p, GError **error)
{
    p->cpus = hp_bench_cpus_find();
    p->server = hp_netns_new("the relay bench's server", error);
    const hp_addr server = addr_of(SERVER, 0);
    if (p->server == NULL || !hp_relay_device_open(p->server, &server, BITS, &p->device, error)) {
        return false;
    }
    g_snprintf(p->folder, sizeof p->folder, "%s/hairpin-bench-XXXXXX", g_get_tmp_dir());
    if (g_mkdtemp(p->folder) == NULL) {
        g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s: %s", p->folder, g_strerror(errno));
        p->folder[0] = '\0';
        return false;
    }
    return true;
}

/* ---- the servers ---- */

/* Before whatever else runs on this machine, as far as that is allowed. Not SCHED_FIFO: who never sleeps is throttled.
 * Returns the priority until now. */
static int hurry(void)
{
    enum { FIRST = -20 };
    int before = getpriority(PRIO_PROCESS, 0);
    setpriority(PRIO_PROCESS, 0, FIRST);
    return before;
}

static bool write_coturn_config(const place *p, char **ret_path, GError **error)
{
    *ret_path = g_build_filename(p->folder, "turnserver.conf", NULL);
    g_autofree char *text = g_strdup_printf("listening-ip=" SERVER "\nrelay-ip=" SERVER
                                            "\nlistening-port=%d\nlt-cred-mech\nuser=bench:" PASSWORD "\nrealm=bench\n"
                                            "userdb=%s/turndb\npidfile=/dev/null\nlog-file=/dev/null\nno-stdout-log\n"
                                            "no-cli\nno-tls\nno-dtls\nno-tcp\nno-software-attribute\n",
                                            PORT, p->folder);
    return g_file_set_contents(*ret_path, text, -1, error);
}

/* In the child: never returns. */
static void become(const place *p, char *const *argv, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (getppid() != parent || null < 0 || setns(hp_netns_fd(p->server), CLONE_NEWNET) != 0) {
        _exit(127);
    }
    hp_bench_cpus_take_rest(&p->cpus);
    hurry();
    for (int fd = 0; fd < 3; fd++) {
        dup2(null, fd);
    }
    execvp(argv[0], argv);
    _exit(127);
}

static pid_t start_server(const place *p, hp_bench_relay relay, GError **error)
{
    g_autofree char *config = NULL;
    char *builtin[] = {"/proc/self/exe", "serve", "--listen",    SERVER, "--user", USER,
                       "--realm",        "bench", "--transport", "udp",  NULL};
    char *coturn[] = {"turnserver", "-c", NULL, NULL};
    if (relay == HP_BENCH_RELAY_COTURN) {
        if (!write_coturn_config(p, &config, error)) {
            return -1;
        }
        coturn[2] = config;
    }
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        become(p, relay == HP_BENCH_RELAY_COTURN ? coturn : builtin, parent);
    }
    if (pid < 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "relay bench: %s: %s", names[relay], g_strerror(errno));
    }
    return pid;
}

static void stop_server(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* CPU so far, of all its threads. */
static hp_time cpu_of(pid_t pid)
{
    clockid_t clock;
    return clock_getcpuclockid(pid, &clock) == 0 ? hp_clock_read(clock) : 0;
}

/* ---- figures ---- */

typedef struct figures {
    double rate; /* packets a second through, the highest without loss */
    double per_cpu_second; /* with UNDER_WAY packets under way */
    double cpu_at_common; /* us a packet at COMMON_RATE */
    double delay; /* us, median, there */
    bool generator; /* it could not send more in the end */
} figures;

typedef struct step {
    double rate, loss, cpu_ns; /* of packets that came through, of those sent, a packet */
    double delay_us; /* median */
    bool short_of; /* the generator did not send what was asked for */
} step;

/* rate 0: as many as can be with UNDER_WAY under way. */
static step measure(hp_relay_load *load, pid_t pid, uint64_t rate, hp_time window)
{
    hp_time before = cpu_of(pid);
    hp_relay_window w =
        rate > 0 ? hp_relay_load_run(load, rate, window) : hp_relay_load_saturate(load, UNDER_WAY, window);
    hp_time used = cpu_of(pid) - before;
    double seconds = (double)w.lasted / (double)HP_S, received = (double)MAX(w.received, 1);
    return (step){
        .rate = (double)w.received / seconds,
        .loss = w.sent > 0 ? 1.0 - (double)w.received / (double)w.sent : 1.0,
        .cpu_ns = (double)used / received,
        .delay_us = (double)w.delay_median / 1000,
        .short_of = (double)w.sent < 0.95 * (double)rate * seconds,
    };
}

static void climb(hp_relay_load *load, pid_t pid, hp_time window, figures *ret)
{
    unsigned strikes = 0;
    for (uint64_t rate = FIRST_RATE; rate <= MAX_RATE && strikes < STRIKES;) {
        step s = measure(load, pid, rate, window);
        if (s.loss > MAX_LOSS || s.short_of) {
            ret->generator = s.loss <= MAX_LOSS;
            strikes++;
            continue;
        }
        strikes = 0;
        if (s.rate > ret->rate) {
            ret->rate = s.rate;
        }
        rate += rate / 4;
    }
}

static void measure_load(hp_relay_load *load, pid_t pid, const hp_bench_relay_options *o, figures *ret)
{
    measure(load, pid, COMMON_RATE, o->window / 4); /* caches, buffers */
    step common = measure(load, pid, COMMON_RATE, o->window);
    ret->cpu_at_common = common.cpu_ns / 1000;
    ret->delay = common.delay_us;
    ret->per_cpu_second = (double)HP_S / measure(load, pid, 0, o->window).cpu_ns;
    if (o->highest) {
        climb(load, pid, o->window, ret);
    }
}

/* The server has begun, or is about to. */
static hp_relay_load *load_new(const place *p, hp_bench_relay relay, unsigned n_clients, const load_shape *shape,
                               GError **error)
{
    const hp_relay_load_config config = {
        .device = p->device.fd,
        .server = addr_of(SERVER, PORT),
        .clients = addr_of(CLIENTS, 0),
        .peer = addr_of(PEER, 0),
        .user = "bench",
        .password = PASSWORD,
        .n_clients = n_clients,
        .trains = p->device.trains,
        .frame = shape->frame,
        .size = shape->size,
        .last_size = shape->last_size,
    };
    hp_relay_load *load = hp_relay_load_new(&config, error);
    if (load == NULL) {
        g_prefix_error(error, "%s%s: ", names[relay], relay == HP_BENCH_RELAY_COTURN ? " (coturn of Debian)" : "");
    }
    return load;
}

/* A server, and clients that have allocated. */
typedef struct relaying {
    pid_t pid;
    hp_relay_load *load;
} relaying;

static void relaying_end(relaying *r)
{
    hp_relay_load_free(r->load);
    if (r->pid > 0) {
        stop_server(r->pid);
    }
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(relaying, relaying_end)

static bool relaying_begin(relaying *r, const place *p, hp_bench_relay relay, unsigned n_clients,
                           const load_shape *shape, GError **error)
{
    r->pid = start_server(p, relay, error);
    r->load = r->pid > 0 ? load_new(p, relay, n_clients, shape, error) : NULL;
    return r->load != NULL;
}

static bool measure_server(const place *p, hp_bench_relay relay, unsigned n_clients, const load_shape *shape,
                           const hp_bench_relay_options *o, figures *ret, GError **error)
{
    g_auto(relaying) r = {0};
    if (!relaying_begin(&r, p, relay, n_clients, shape, error)) {
        return false;
    }
    measure_load(r.load, r.pid, o, ret);
    return true;
}

static void add(hp_bench_document *d, const char *name, const char *about, const char *unit, hp_bench_better better,
                const load_shape *shape, hp_bench_relay relay, unsigned n_clients, const double *samples, unsigned n)
{
    g_autofree char *full = g_strdup_printf("%s-%s", name, shape->name);
    g_autofree char *words = g_strdup_printf("%s, %s", about, shape->about);
    const hp_bench_subject subject = {
        .name = full, .about = words, .unit = unit, .better = better, .x_name = "clients", .x_unit = ""};
    hp_bench_document_add(d, &subject, names[relay], n_clients, samples, n);
}

/* Servers take turns within each repeat, so that what the machine does besides meets all of them. */
static bool measure_all(const place *p, const hp_bench_relay_options *o, unsigned n_clients, const load_shape *shape,
                        hp_bench_document *d, unsigned *generator, GError **error)
{
    double rate[HP_BENCH_RELAY_N][64], efficiency[HP_BENCH_RELAY_N][64], cpu[HP_BENCH_RELAY_N][64];
    double delay[HP_BENCH_RELAY_N][64];
    unsigned n = MIN(o->repeats, 64);
    for (unsigned i = 0; i < n; i++) {
        for (unsigned relay = 0; relay < HP_BENCH_RELAY_N; relay++) {
            figures f = {0};
            if (o->servers[relay] && !measure_server(p, relay, n_clients, shape, o, &f, error)) {
                return false;
            }
            rate[relay][i] = f.rate;
            efficiency[relay][i] = f.per_cpu_second;
            cpu[relay][i] = f.cpu_at_common;
            delay[relay][i] = f.delay;
            generator[relay] += f.generator;
        }
    }
    for (unsigned relay = 0; relay < HP_BENCH_RELAY_N; relay++) {
        if (o->servers[relay]) {
            add(d, "packets-per-cpu-second",
                "packets relayed for a second of the server's CPU, 256 under way all the time", "1/s", HP_BENCH_HIGHER,
                shape, relay, n_clients, efficiency[relay], n);
            if (o->highest) {
                add(d, "packets-per-second", "packets relayed a second until one in 1,000 is lost", "1/s",
                    HP_BENCH_HIGHER, shape, relay, n_clients, rate[relay], n);
            }
            add(d, "cpu-per-packet", "the server's CPU of a packet at 20,000 packets a second", "us", HP_BENCH_LOWER,
                shape, relay, n_clients, cpu[relay], n);
            add(d, "delay", "through the server, median, at 20,000 packets a second", "us", HP_BENCH_LOWER, shape,
                relay, n_clients, delay[relay], n);
        }
    }
    return true;
}

static void add_plain(hp_bench_document *d, const hp_bench_subject *subject, hp_bench_relay relay, double value)
{
    hp_bench_document_add(d, subject, names[relay], 0, &value, 1);
}

/* ---- memory ---- */

/* Bytes of anonymous memory that the process has in RAM. */
static double memory_of(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/statm", (int)pid), *text = NULL;
    unsigned long long resident = 0, shared = 0;
    if (!g_file_get_contents(path, &text, NULL, NULL) || sscanf(text, "%*u %llu %llu", &resident, &shared) != 2) {
        return 0;
    }
    return (double)(resident - MIN(resident, shared)) * (double)sysconf(_SC_PAGESIZE);
}

/* With that many allocations. */
static bool measure_memory(const place *p, hp_bench_relay relay, unsigned n_clients, double *ret, GError **error)
{
    g_auto(relaying) r = {0};
    if (!relaying_begin(&r, p, relay, n_clients, &shapes[0], error)) {
        return false;
    }
    *ret = memory_of(r.pid);
    return true;
}

/* The difference between a server with many and a server with one, as neither says what it keeps for what. */
static bool measure_memories(const place *p, const hp_bench_relay_options *o, hp_bench_document *d, GError **error)
{
    static const hp_bench_subject subject = {
        .name = "server-memory",
        .about = "of the server's process for an allocation with a channel, of " G_STRINGIFY(MEMORY_CLIENTS),
        .unit = "B",
        .better = HP_BENCH_LOWER};
    for (unsigned relay = 0; relay < HP_BENCH_RELAY_N; relay++) {
        double few, many;
        if (!o->servers[relay]) {
            continue;
        }
        if (!measure_memory(p, relay, 1, &few, error) || !measure_memory(p, relay, MEMORY_CLIENTS, &many, error)) {
            return false;
        }
        add_plain(d, &subject, relay, (many - few) / (MEMORY_CLIENTS - 1));
    }
    return true;
}

static void tell_limits(hp_bench_document *d, const hp_bench_relay_options *o, const unsigned *generator)
{
    static const hp_bench_subject subject = {
        .name = "generator-limited",
        .about = "climbs that ended as the generator could not send more: the rate is its own",
        .unit = "",
        .better = HP_BENCH_NEITHER};
    for (unsigned relay = 0; relay < HP_BENCH_RELAY_N; relay++) {
        if (o->servers[relay]) {
            add_plain(d, &subject, relay, generator[relay]);
        }
    }
}

static bool measure_loads(const place *p, const hp_bench_relay_options *o, hp_bench_document *d, GError **error)
{
    unsigned generator[HP_BENCH_RELAY_N] = {0};
    for (unsigned i = 0; i < o->n_clients; i++) {
        for (unsigned k = 0; k < MIN(o->n_shapes, G_N_ELEMENTS(shapes)); k++) {
            if (!measure_all(p, o, o->clients[i], &shapes[k], d, generator, error)) {
                return false;
            }
        }
    }
    tell_limits(d, o, generator);
    return measure_memories(p, o, d, error);
}

bool hp_bench_relay_add(hp_bench_document *document, const hp_bench_relay_options *options, GError **error)
{
    g_auto(place) p = {0};
    if (!prepare(&p, error)) {
        return false;
    }
    hp_bench_document_set(document, "device", "%s", p.device.about);
    const int priority = hurry();
    hp_bench_cpus_take_first(&p.cpus);
    const bool ok = measure_loads(&p, options, document, error);
    hp_bench_cpus_take_all(&p.cpus);
    setpriority(PRIO_PROCESS, 0, priority);
    return ok;
}

hp_bench_document *hp_bench_relay_run(const hp_bench_relay_options *options, GError **error)
{
    g_autoptr(hp_bench_document) d =
        hp_bench_document_new("relay", "TURN relays as processes of their own, ChannelData, both ways");
    return hp_bench_relay_add(d, options, error) ? g_steal_pointer(&d) : NULL;
}
