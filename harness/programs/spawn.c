/* Theory of operation: a foreign program as a child of a program's process.
 *
 * It is an ordinary process: neither our priority (which the kernel takes back at the fork) nor its limits.
 *
 * It inherits the namespaces, has a process group of its own, so that it can be ended with what it has started and the
 * terminal's Ctrl-C is not its, dies with the process that started it (and with the cage at the latest), and has pipes as
 * stdin and, where it is asked for, as stdout; stderr, and stdout otherwise, is the log. Nothing else stays open
 * in it: every descriptor of ours is closed on exec, those of libraries too, since all above 2 are closed here.
 *
 * That exec failed is told through a pipe that exec closes: the caller has it as an error, with the program's name. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "live/descriptors.h"
#include "programs/program.h"

typedef struct pipes {
    int in[2], out[2], told[2];
} pipes;

static void close_pair(int pair[2])
{
    for (unsigned i = 0; i < 2; i++) {
        if (pair[i] >= 0)
            close(pair[i]);
        pair[i] = -1;
    }
}

static void close_all(pipes *p)
{
    close_pair(p->in);
    close_pair(p->out);
    close_pair(p->told);
}

static bool make_pipes(pipes *p, bool out)
{
    *p = (pipes){{-1, -1}, {-1, -1}, {-1, -1}};
    return pipe2(p->told, O_CLOEXEC) == 0 && pipe2(p->in, O_CLOEXEC) == 0 && (!out || pipe2(p->out, O_CLOEXEC) == 0);
}

/* Keeps 0, 1, 2 and the pipe that tells, which becomes 3. */
static void keep_few(int *told)
{
    if (*told != 3) {
        dup3(*told, 3, O_CLOEXEC);
        *told = 3;
    }
    close_range(4, ~0U, 0);
}

G_NORETURN static void become(const pipes *p, const char *const *argv, char **environment, pid_t parent)
{
    int told = p->told[1];
    sigset_t none;
    struct rlimit bursts;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
    setpgid(0, 0);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    if (getrlimit(RLIMIT_RTTIME, &bursts) == 0) {
        bursts.rlim_cur = bursts.rlim_max;
        setrlimit(RLIMIT_RTTIME, &bursts);
    }
    dup2(p->in[0], STDIN_FILENO);
    if (p->out[1] >= 0)
        dup2(p->out[1], STDOUT_FILENO);
    keep_few(&told);
    hp_descriptors_restore();
    execvpe(argv[0], (char *const *)argv, environment);
    const int code = errno;
    (void)!write(told, &code, sizeof code);
    _exit(127);
}

static char **with_environment(const char *const *more)
{
    /* Nothing leads out of the namespace: a proxy of the user's cannot be reached, and a page would wait for it. */
    static const char *const proxies[] = {"http_proxy", "https_proxy", "ftp_proxy", "all_proxy",
                                          "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY"};
    g_auto(GStrv) inherited = g_get_environ();
    char **all = g_strdupv(inherited);
    for (unsigned i = 0; i < G_N_ELEMENTS(proxies); i++)
        all = g_environ_unsetenv(all, proxies[i]);
    /* What Hairpin itself was told by the environment is not what it tells. */
    for (unsigned i = 0; inherited[i]; i++) {
        g_autofree char *name = g_strndup(inherited[i], strcspn(inherited[i], "="));
        if (g_str_has_prefix(name, "HAIRPIN_"))
            all = g_environ_unsetenv(all, name);
    }
    for (unsigned i = 0; more && more[i]; i++) {
        const char *sign = strchr(more[i], '=');
        g_autofree char *name = sign ? g_strndup(more[i], (gsize)(sign - more[i])) : NULL;
        if (name)
            all = g_environ_setenv(all, name, sign + 1, TRUE);
    }
    return all;
}

/* What the child says of its exec: 0 when it went well. */
static int told_by(int fd)
{
    int code = 0;
    ssize_t n;
    while ((n = read(fd, &code, sizeof code)) < 0 && errno == EINTR)
        ;
    return n == (ssize_t)sizeof code ? code : 0;
}

static void give(int *end, int *ret)
{
    fcntl(*end, F_SETFL, fcntl(*end, F_GETFL) | O_NONBLOCK);
    *ret = *end;
    *end = -1;
}

int hp_program_spawn(hp_program *program, const char *const *argv, const char *const *environment, int *ret_in,
                     int *ret_out, GError **error)
{
    pipes p;
    g_auto(GStrv) all = with_environment(environment);
    const pid_t self = getpid();
    pid_t pid = -1;
    int code = make_pipes(&p, ret_out != NULL) ? 0 : errno;
    if (code == 0) {
        pid = fork();
        code = pid < 0 ? errno : 0;
    }
    if (pid == 0)
        become(&p, argv, all, self);
    if (pid > 0) {
        close(p.told[1]);
        p.told[1] = -1;
        code = told_by(p.told[0]);
    }
    if (pid > 0 && code != 0)
        waitpid(pid, NULL, 0);
    if (code == 0)
        give(&p.in[1], ret_in);
    if (code == 0 && ret_out)
        give(&p.out[0], ret_out);
    close_all(&p);
    if (code != 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "%s: cannot start %s: %s", program->name, argv[0],
                    g_strerror(code));
        return -1;
    }
    return pid;
}
