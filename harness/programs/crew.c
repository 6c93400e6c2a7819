/* Theory of operation.
 *
 * A member has: a page of memory shared with its process (hp_program_shared), a trace, a pair of sockets, a log file and a
 * folder of its own. All are made before anybody is forked, so that a process finds them in its memory. Members stand in
 * the order peers, servers, broker; the broker has a listening socket in every peer's and server's namespace, which is how
 * it knows who connects.
 *
 * A member's end shows as the end of its channel; then it is waited for, which tells how it ended and what it used. One
 * that ends before it was asked to finish is a failure of the run, and so is one that says it failed, one that does not
 * read what it is told, and one whose log or trace grows past all bounds. */
#include "programs/crew.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/heap.h"
#include "programs/child.h"
#include "programs/control.h"
#include "programs/crew_log.h"
#include "programs/kinds.h"

/* Room for the records of one program. */
#define TRACE_CAPACITY (UINT64_C(1) << 30)

enum { BACKLOG = 64, POLL_MS = 100, LOOK_US = 250000 };

typedef enum member_state { STARTING, READY, RUNNING, FINISHING, GONE } member_state;

typedef struct member {
    hp_crew *crew;
    hp_program_birth birth;
    member_state state;
    pid_t pid; /* 0: not forked, or gone */
    int control; /* ours; the other end is birth.control until it is forked */
    hp_loop_watch *watch;
    uint32_t asked; /* messages that count as taken one day */
    bool finished; /* said so */
    char *folder, *log;
    struct rusage usage;
} member;

struct hp_crew {
    hp_crew_config config;
    member *members;
    unsigned n;
    hp_program_shared *shared; /* one a member */
    uint64_t *messages; /* hp_program's, behind them */
    GArray *listeners; /* of hp_program_listener */
    struct pollfd *fds; /* one a member */
    gint64 next_look; /* at the logs */
    bool begun;
    hp_crew_failure failure;
    bool failed;
};

/* ---- making ---- */

static bool fail(GError **error, const char *what)
{
    g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "cannot start a program: %s: %s", what, g_strerror(errno));
    return false;
}

static member *find(const hp_crew *crew, hp_program_role role, unsigned index)
{
    const hp_plan *plan = crew->config.plan;
    switch (role) {
    case HP_PROGRAM_PEER:
        return &crew->members[index];
    case HP_PROGRAM_SERVER:
        return &crew->members[plan->n_peers + index];
    case HP_PROGRAM_BROKER:
        break;
    }
    return &crew->members[plan->n_peers + plan->n_servers];
}

static const char *name_of(const hp_plan *plan, hp_program_role role, unsigned index)
{
    switch (role) {
    case HP_PROGRAM_PEER:
        return plan->peers[index].source->name;
    case HP_PROGRAM_SERVER:
        return plan->servers[index].source->name;
    case HP_PROGRAM_BROKER:
        break;
    }
    return "broker";
}

/* What its folder and its log are called: its name, but for a broker beside a peer or server that is called so. */
static char *stem_of(const hp_plan *plan, hp_program_role role, const char *name)
{
    const bool taken =
        role == HP_PROGRAM_BROKER && (hp_plan_find_peer(plan, name) >= 0 || hp_plan_find_server(plan, name) >= 0);
    return g_strdup(taken ? "signaling.broker" : name); /* no name of a scenario has a dot */
}

static bool make_member(hp_crew *crew, member *m, hp_program_role role, unsigned index, GError **error)
{
    const hp_crew_config *config = &crew->config;
    const char *name = name_of(config->plan, role, index);
    hp_program *program = &m->birth.program;
    int pair[2];
    *m = (member){.crew = crew, .control = -1, .birth = {.control = -1, .log = -1}};
    g_autofree char *stem = stem_of(config->plan, role, name);
    m->folder = g_build_filename(config->folder, stem, NULL);
    m->log = g_strdup_printf("%s/%s.log", config->folder, stem);
    *program = (hp_program){.plan = config->plan,
                            .ops = hp_program_kind_of(config->plan, role, index, error),
                            .role = role,
                            .index = index,
                            .name = name,
                            .clock = config->clock,
                            .folder = m->folder,
                            .shared = &crew->shared[m - crew->members],
                            .tracks = config->tracks,
                            .messages = crew->messages,
                            .metered = config->metered};
    if (!program->ops)
        return false;
    program->trace = hp_trace_new_sized(TRACE_CAPACITY, error);
    if (!program->trace)
        return false;
    if (role != HP_PROGRAM_BROKER)
        m->birth.netns = role == HP_PROGRAM_PEER ? config->peer_namespaces[index] : config->server_namespaces[index];
    if (mkdir(m->folder, 0700) != 0)
        return fail(error, m->folder);
    m->birth.log = open(m->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (m->birth.log < 0)
        return fail(error, m->log);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return fail(error, "socketpair");
    m->control = pair[0];
    m->birth.control = pair[1];
    return true;
}

static int listen_on_loopback(void)
{
    const int one = 1;
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(HP_PROGRAM_SIGNALING_PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    close(fd);
    return -1;
}

static bool add_listener(hp_crew *crew, const member *m, GError **error)
{
    const hp_program *program = &m->birth.program;
    if (!hp_netns_enter(m->birth.netns, error))
        return false;
    const int fd = listen_on_loopback();
    const int code = errno;
    hp_netns_leave(m->birth.netns);
    if (fd < 0) {
        errno = code;
        return fail(error, "the broker's socket");
    }
    const hp_program_listener listener = {
        .fd = fd, .role = program->role, .index = program->index, .name = program->name, .shared = program->shared};
    g_array_append_val(crew->listeners, listener);
    return true;
}

static bool make_listeners(hp_crew *crew, GError **error)
{
    hp_program *broker = &find(crew, HP_PROGRAM_BROKER, 0)->birth.program;
    for (unsigned i = 0; i < crew->n; i++)
        if (crew->members[i].birth.netns && !add_listener(crew, &crew->members[i], error))
            return false;
    broker->listeners = (const hp_program_listener *)(const void *)crew->listeners->data;
    broker->n_listeners = crew->listeners->len;
    return true;
}

static unsigned n_members(const hp_plan *plan)
{
    return plan->n_peers + plan->n_servers + 1;
}

/* A page a member, and the counter of messages behind them. */
static size_t size_of_shared(const hp_plan *plan)
{
    return n_members(plan) * sizeof(hp_program_shared) + sizeof(uint64_t);
}

hp_crew *hp_crew_new(const hp_crew_config *config, GError **error)
{
    const hp_plan *plan = config->plan;
    g_autoptr(hp_crew) crew = g_new0(hp_crew, 1);
    const unsigned n = n_members(plan);
    crew->config = *config;
    crew->listeners = g_array_new(FALSE, TRUE, sizeof(hp_program_listener));
    void *shared = mmap(NULL, size_of_shared(plan), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        fail(error, "mmap"); /* NOLINT(clang-analyzer-unix.Malloc): g_autoptr has it */
        return NULL;
    }
    crew->shared = shared;
    crew->messages = (uint64_t *)(void *)&crew->shared[n];
    crew->members = g_new0(member, n);
    crew->fds = g_new0(struct pollfd, n);
    for (unsigned i = 0; i < plan->n_peers; i++)
        if (!make_member(crew, &crew->members[crew->n++], HP_PROGRAM_PEER, i, error))
            return NULL;
    for (unsigned i = 0; i < plan->n_servers; i++)
        if (!make_member(crew, &crew->members[crew->n++], HP_PROGRAM_SERVER, i, error))
            return NULL;
    if (!make_member(crew, &crew->members[crew->n++], HP_PROGRAM_BROKER, 0, error) || !make_listeners(crew, error))
        return NULL;
    return g_steal_pointer(&crew);
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void kill_member(member *m)
{
    if (m->pid > 0)
        kill(m->pid, SIGKILL);
    while (m->pid > 0 && wait4(m->pid, NULL, 0, &m->usage) < 0 && errno == EINTR)
        ;
    m->pid = 0;
    m->state = GONE;
}

void hp_crew_free(hp_crew *crew)
{
    if (!crew)
        return;
    for (unsigned i = 0; i < crew->n; i++) {
        member *m = &crew->members[i];
        kill_member(m);
        hp_loop_remove(m->watch);
        close_fd(&m->control);
        close_fd(&m->birth.control);
        close_fd(&m->birth.log);
        hp_trace_free(m->birth.program.trace);
        g_free(m->folder);
        g_free(m->log);
    }
    for (unsigned i = 0; i < crew->listeners->len; i++)
        close(g_array_index(crew->listeners, hp_program_listener, i).fd);
    g_array_unref(crew->listeners);
    if (crew->shared)
        munmap(crew->shared, size_of_shared(crew->config.plan));
    g_free(crew->members);
    g_free(crew->fds);
    g_free(crew->failure.text);
    g_free(crew);
}

/* ---- starting ---- */

/* In the child: what belongs to the others is closed, so that their ends show. */
G_NORETURN static void live(hp_crew *crew, unsigned own)
{
    const bool is_broker = crew->members[own].birth.program.role == HP_PROGRAM_BROKER;
    hp_heap_begin_child();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (unsigned i = 0; i < crew->n; i++) {
        close_fd(&crew->members[i].control);
        if (i != own) {
            close_fd(&crew->members[i].birth.control);
            close_fd(&crew->members[i].birth.log);
        }
    }
    for (unsigned i = 0; i < crew->listeners->len && !is_broker; i++)
        close(g_array_index(crew->listeners, hp_program_listener, i).fd);
    hp_program_live(&crew->members[own].birth);
}

bool hp_crew_start(hp_crew *crew, GError **error)
{
    for (unsigned i = 0; i < crew->n; i++) {
        member *m = &crew->members[i];
        const pid_t pid = fork();
        if (pid == 0)
            live(crew, i);
        if (pid < 0)
            return fail(error, "fork");
        m->pid = pid;
        close_fd(&m->birth.control);
        close_fd(&m->birth.log);
    }
    /* The broker alone has them, so that nobody connects to nobody. */
    for (unsigned i = 0; i < crew->listeners->len; i++)
        close(g_array_index(crew->listeners, hp_program_listener, i).fd);
    g_array_set_size(crew->listeners, 0);
    return true;
}

/* ---- what they say ---- */

static void note_failure(member *m, int code, const char *text)
{
    hp_crew *crew = m->crew;
    const hp_program *program = &m->birth.program;
    if (crew->failed)
        return;
    crew->failed = true;
    crew->failure = (hp_crew_failure){.code = code,
                                      .text = g_strdup_printf("%s (%s): %s", program->name, program->ops->name, text),
                                      .early = !crew->begun};
}

static char *how_it_ended(bool known, int status)
{
    if (known && WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
        return g_strdup_printf("it computed for %d s without a pause, which looks like an endless loop, and was killed",
                               HP_LOOP_LONGEST_BURST_S);
    if (known && WIFSIGNALED(status))
        return hp_child_status_text(status);
    return g_strdup_printf("ended with code %d", known ? WEXITSTATUS(status) : -1);
}

static void bury(member *m)
{
    int status = 0;
    pid_t pid;
    hp_loop_remove(m->watch);
    m->watch = NULL;
    while ((pid = wait4(m->pid, &status, 0, &m->usage)) < 0 && errno == EINTR)
        ;
    m->pid = 0;
    const bool expected = m->finished && pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    m->state = GONE;
    if (expected || m->crew->failed)
        return;
    g_autofree char *words = hp_crew_log_last_line(m->log);
    g_autofree char *how = how_it_ended(pid > 0, status);
    g_autofree char *text = *words ? g_strdup_printf("%s: %s", how, words) : g_strdup(how);
    note_failure(m, -1, text);
}

static void take(member *m, hp_control_message *message)
{
    message->text[sizeof message->text - 1] = '\0';
    switch ((hp_control_kind)message->kind) {
    case HP_CONTROL_READY:
        if (m->state == STARTING)
            m->state = READY;
        break;
    case HP_CONTROL_FAILED:
        if (m->state != FINISHING) /* then others have gone already, which it may not like */
            note_failure(m, CLAMP(message->code, 0, HP_ERROR_REFUSED), message->text);
        break;
    case HP_CONTROL_FINISHED:
        m->finished = true;
        break;
    case HP_CONTROL_SET_UP:
    case HP_CONTROL_BEGIN:
    case HP_CONTROL_STEP:
    case HP_CONTROL_ADDRESSES:
    case HP_CONTROL_INTERFACE:
    case HP_CONTROL_FINISH:
        break;
    }
}

static void control_ready(void *user, uint32_t events)
{
    member *m = user;
    hp_control_message message;
    (void)events;
    while (m->state != GONE) {
        const ssize_t n = recv(m->control, &message, sizeof message, MSG_DONTWAIT);
        if (n == (ssize_t)sizeof message)
            take(m, &message);
        else if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        else
            bury(m);
    }
}

void hp_crew_listen(hp_crew *crew, hp_loop *loop)
{
    for (unsigned i = 0; i < crew->n; i++) {
        member *m = &crew->members[i];
        m->watch = hp_loop_add(loop, m->control, EPOLLIN, control_ready, m);
    }
}

/* ---- looking ---- */

unsigned hp_crew_size(const hp_crew *crew)
{
    return crew->n;
}

const hp_trace *hp_crew_trace(const hp_crew *crew, unsigned i)
{
    return crew->members[i].birth.program.trace;
}

bool hp_crew_all_ready(const hp_crew *crew)
{
    for (unsigned i = 0; i < crew->n; i++)
        if (crew->members[i].state == STARTING)
            return false;
    return true;
}

static void append_name(GString *text, const member *m)
{
    const hp_program *program = &m->birth.program;
    g_string_append_printf(text, "%s%s (%s)", text->len > 0 ? ", " : "", program->name, program->ops->name);
}

char *hp_crew_late_ones(const hp_crew *crew)
{
    GString *text = g_string_new(NULL);
    for (unsigned i = 0; i < crew->n; i++)
        if (crew->members[i].state == STARTING)
            append_name(text, &crew->members[i]);
    return g_string_free(text, FALSE);
}

/* What nobody says of himself: that he says too much. */
static void look(hp_crew *crew)
{
    const gint64 now = g_get_monotonic_time();
    const bool logs = now >= crew->next_look;
    if (logs)
        crew->next_look = now + LOOK_US;
    for (unsigned i = 0; i < crew->n && !crew->failed; i++) {
        member *m = &crew->members[i];
        if (hp_trace_overflowed(m->birth.program.trace))
            note_failure(m, HP_ERROR_LIMIT, "it has told more than there is room for in its trace");
        else if (logs && hp_crew_log_is_flooded(m->log))
            note_failure(m, HP_ERROR_LIMIT, "its log has grown past " G_STRINGIFY(HP_CREW_LOG_MIB) " MiB");
    }
}

const hp_crew_failure *hp_crew_get_failure(hp_crew *crew)
{
    look(crew);
    return crew->failed ? &crew->failure : NULL;
}

const char *hp_crew_state(const hp_crew *crew, unsigned peer)
{
    return hp_program_state_name(__atomic_load_n(&crew->shared[peer].state, __ATOMIC_ACQUIRE));
}

bool hp_crew_script_done(const hp_crew *crew, unsigned peer)
{
    return __atomic_load_n(&crew->shared[peer].script_done, __ATOMIC_ACQUIRE) != 0;
}

bool hp_crew_flows_done(const hp_crew *crew)
{
    for (unsigned i = 0; i < crew->n; i++) {
        const hp_program_shared *shared = &crew->shared[i];
        if (crew->members[i].state != GONE &&
            __atomic_load_n(&shared->taken, __ATOMIC_ACQUIRE) != crew->members[i].asked)
            return false;
        if (__atomic_load_n(&shared->flows, __ATOMIC_ACQUIRE) != 0)
            return false;
    }
    return true;
}

hp_time hp_crew_told(const hp_crew *crew)
{
    hp_time told = HP_NEVER;
    for (unsigned i = 0; i < crew->n; i++)
        if (crew->members[i].state != GONE)
            told = MIN(told, __atomic_load_n(&crew->shared[i].told, __ATOMIC_SEQ_CST));
    return told;
}

/* ---- telling ---- */

static void tell(member *m, const hp_control_message *message)
{
    if (m->state == GONE)
        return;
    m->asked += message->kind == HP_CONTROL_STEP || message->kind == HP_CONTROL_ADDRESSES ||
                message->kind == HP_CONTROL_INTERFACE;
    ssize_t n;
    while ((n = send(m->control, message, sizeof *message, MSG_NOSIGNAL | MSG_DONTWAIT)) < 0 && errno == EINTR)
        ;
    if (n < 0 && errno == EAGAIN) /* the run does not wait for whoever hangs; other errors are its end, which is read */
        note_failure(m, HP_ERROR_LIMIT, "it does not read what it is told");
}

void hp_crew_set_up(hp_crew *crew)
{
    for (unsigned i = 0; i < crew->n; i++)
        tell(&crew->members[i], &(hp_control_message){.kind = HP_CONTROL_SET_UP});
}

void hp_crew_begin(hp_crew *crew)
{
    crew->begun = true;
    for (unsigned i = 0; i < crew->n; i++) {
        if (crew->members[i].state == READY)
            crew->members[i].state = RUNNING;
        tell(&crew->members[i], &(hp_control_message){.kind = HP_CONTROL_BEGIN});
    }
}

void hp_crew_step(hp_crew *crew, hp_program_role role, unsigned index, unsigned step)
{
    tell(find(crew, role, index), &(hp_control_message){.kind = HP_CONTROL_STEP, .index = step});
}

void hp_crew_addresses(hp_crew *crew, hp_program_role role, unsigned index, unsigned interface,
                       const hp_addr *addresses, unsigned n)
{
    hp_control_message message = {.kind = HP_CONTROL_ADDRESSES, .index = interface};
    message.n_addresses = MIN(n, HP_CONTROL_MAX_ADDRESSES);
    for (unsigned i = 0; i < message.n_addresses; i++)
        message.addresses[i] = addresses[i];
    tell(find(crew, role, index), &message);
}

void hp_crew_interface(hp_crew *crew, hp_program_role role, unsigned index, unsigned interface, bool up)
{
    tell(find(crew, role, index), &(hp_control_message){.kind = HP_CONTROL_INTERFACE, .index = interface, .up = up});
}

/* ---- the end ---- */

static unsigned wait_for_some(hp_crew *crew)
{
    struct pollfd *fds = crew->fds;
    unsigned n = 0;
    for (unsigned i = 0; i < crew->n; i++) {
        const bool there = crew->members[i].state != GONE;
        fds[i] = (struct pollfd){.fd = there ? crew->members[i].control : -1, .events = POLLIN};
        n += there;
    }
    if (n > 0 && poll(fds, crew->n, POLL_MS) > 0)
        for (unsigned i = 0; i < crew->n; i++)
            if (fds[i].revents != 0)
                control_ready(&crew->members[i], 0);
    return n;
}

void hp_crew_finish(hp_crew *crew, void (*pulse)(void *user), void *user, char **ret_killed)
{
    GString *killed = g_string_new(NULL);
    const gint64 limit = g_get_monotonic_time() + HP_PROGRAM_FINISH_S * G_USEC_PER_SEC;
    for (unsigned i = 0; i < crew->n; i++) {
        tell(&crew->members[i], &(hp_control_message){.kind = HP_CONTROL_FINISH});
        if (crew->members[i].state != GONE)
            crew->members[i].state = FINISHING;
    }
    while (wait_for_some(crew) > 0 && g_get_monotonic_time() < limit)
        if (pulse)
            pulse(user);
    for (unsigned i = 0; i < crew->n; i++) {
        if (crew->members[i].state == GONE)
            continue;
        append_name(killed, &crew->members[i]);
        kill_member(&crew->members[i]);
    }
    *ret_killed = killed->len > 0 ? g_strdup(killed->str) : NULL;
    g_string_free(killed, TRUE);
}

static hp_time to_time(struct timeval t)
{
    return (hp_time)t.tv_sec * HP_S + (hp_time)t.tv_usec * HP_US;
}

hp_crew_usage hp_crew_get_usage(const hp_crew *crew, unsigned i)
{
    const member *m = &crew->members[i];
    const hp_program_shared *shared = m->birth.program.shared;
    return (hp_crew_usage){.name = m->birth.program.name,
                           .kind = m->birth.program.ops->name,
                           .role = m->birth.program.role,
                           .user = to_time(m->usage.ru_utime),
                           .system = to_time(m->usage.ru_stime),
                           .peak_kb = (uint64_t)m->usage.ru_maxrss,
                           .scheduling = hp_program_scheduling_name(shared->scheduling),
                           .beats = __atomic_load_n(&shared->beats, __ATOMIC_ACQUIRE),
                           .stall_p99 = shared->stall_p99,
                           .stall_max = shared->stall_max};
}

bool hp_crew_keep_logs(const hp_crew *crew, const char *to, GError **error)
{
    for (unsigned i = 0; i < crew->n; i++) {
        const member *m = &crew->members[i];
        g_autofree char *name = g_path_get_basename(m->log), *path = g_build_filename(to, name, NULL);
        if (!hp_crew_log_copy(m->log, path, error))
            return false;
    }
    return true;
}
