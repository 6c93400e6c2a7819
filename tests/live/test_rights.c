/* What a machine allows: as this user, and as an ordinary one. */
#include "live_net.h"

#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/error.h"

static void as_this_user(void **state)
{
    hp_rights rights;
    hp_rights_find(&rights);
    assert_true(!rights.root || geteuid() == 0);
    /* It can, or it says why not. */
    assert_true(hp_rights_suffice(&rights) == (rights.missing[0] == '\0'));
    if (!rights.fifo) {
        assert_non_null(strstr(rights.lesser, "SCHED_FIFO"));
    }
    if (rights.namespaces && !rights.tun && rights.veth) {
        assert_non_null(strstr(rights.lesser, "/dev/net/tun"));
    }
    /* Whoever may try has tried for nothing: the process is where it was. */
    hp_rights again;
    hp_rights_find(&again);
    assert_memory_equal(&rights, &again, sizeof rights);
}

enum { NOBODY = 65534 };

/* The exit status of a child, once it has ended. */
static int how_ended(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Runs in a child that has become an ordinary user. */
static int in_ordinary_child(int (*what)(void))
{
    pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 &&
            (setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY))) {
            _exit(100);
        }
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* as after exec(): else /proc/self belongs to root */
        _exit(what());
    }
    return how_ended(child);
}

enum { GOOD, BAD, NOT_ALLOWED };

static int look_around(void)
{
    hp_rights rights;
    hp_rights_find(&rights);
    bool ok = !rights.root && hp_rights_suffice(&rights) == (rights.missing[0] == '\0');
    return ok ? GOOD : BAD;
}

static void as_an_ordinary_user(void **state)
{
    assert_int_equal(in_ordinary_child(look_around), GOOD);
}

/* A datagram from one host to another, all of it made by a user who is root in a namespace of his own alone. */
static int run_a_net(void)
{
    GError *error = NULL;
    hp_rights rights;
    hp_rights_find(&rights);
    if (!hp_rights_suffice(&rights)) {
        print_message("skipped: %s\n", rights.missing);
        return NOT_ALLOWED;
    }
    if (!hp_rights_enter(&error)) {
        print_message("%s\n", error->message);
        return BAD;
    }
    for (hp_device_kind kind = HP_DEVICE_ANY; kind <= HP_DEVICE_VETH; kind++) {
        if (kind == HP_DEVICE_TUN && !rights.tun) {
            continue;
        }
        if (kind == HP_DEVICE_VETH && !rights.veth) {
            continue;
        }
        live_net *net = live_net_new(kind);
        hp_live_clock_begin(net->clock);
        const live_pair p = live_pair_open(net, HP_AF_IPV4);
        char room[10];
        if (live_send(p.at_a, &p.b, "hello", 5) != 5 || live_receive(net, p.at_b, room, sizeof room) != 5) {
            return BAD;
        }
        live_pair_close(&p);
        live_net_free(net);
    }
    return GOOD;
}

static void an_ordinary_user_runs_a_net(void **state)
{
    int ended = in_ordinary_child(run_a_net);
    if (ended == NOT_ALLOWED) {
        skip();
    }
    assert_int_equal(ended, GOOD);
}

/* Without user namespaces an ordinary user is told so. A process whose root is not that of its mount namespace may make
 * none: as in many containers. */
static int refused_with_a_reason(void)
{
    GError *error = NULL;
    hp_rights rights;
    hp_rights_find(&rights);
    if (rights.namespaces || strstr(rights.missing, "no user namespaces here") == NULL) {
        print_message("%s\n", rights.missing);
        return BAD;
    }
    bool ok = !hp_rights_enter(&error) && g_error_matches(error, HP_ERROR, HP_ERROR_ENVIRONMENT) &&
              strstr(error->message, "unshare -Urnm") != NULL;
    return ok ? GOOD : BAD;
}

static void without_user_namespaces(void **state)
{
    if (geteuid() != 0) {
        print_message("skipped: only root can change its root\n");
        skip();
    }
    g_autofree char *folder = g_dir_make_tmp("hairpin-root-XXXXXX", NULL);
    assert_non_null(folder);
    pid_t child = fork();
    if (child == 0) {
        if (chroot(folder) != 0 || chdir("/") != 0 || setgroups(0, NULL) != 0 ||
            setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0) {
            _exit(100);
        }
        _exit(refused_with_a_reason());
    }
    int ended = how_ended(child);
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(ended, GOOD);
}

/* Root that has lost what counts, as in a container, is anybody: a user namespace helps where it is allowed. */
static int run_as_lesser_root(void)
{
    static const unsigned lost[] = {CAP_SYS_ADMIN, CAP_NET_ADMIN};
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, data) != 0) {
        return BAD;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(lost); i++) {
        data[0].effective &= ~(1U << lost[i]);
        data[0].permitted &= ~(1U << lost[i]);
    }
    hp_rights rights;
    if (syscall(SYS_capset, &header, data) != 0) {
        return BAD;
    }
    hp_rights_find(&rights);
    return rights.root ? BAD : run_a_net();
}

static void root_without_its_rights(void **state)
{
    if (geteuid() != 0) {
        print_message("skipped: only root can be a lesser one\n");
        skip();
    }
    pid_t child = fork();
    if (child == 0) {
        _exit(run_as_lesser_root());
    }
    int ended = how_ended(child);
    if (ended == NOT_ALLOWED) {
        skip();
    }
    assert_int_equal(ended, GOOD);
}

/* Where /dev/net/tun does not open, veth takes its place without being asked for; forced, it is an error. */
static int run_without_tun(void)
{
    hp_rights rights;
    g_autoptr(GError) error = NULL;
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("/dev/null", "/dev/net/tun", NULL, MS_BIND, NULL) != 0) {
        return BAD;
    }
    hp_rights_find(&rights);
    if (rights.tun || !rights.veth || !hp_rights_suffice(&rights) || strstr(rights.lesser, "/dev/net/tun") == NULL) {
        return BAD;
    }
    live_net *net = live_net_new(HP_DEVICE_ANY);
    bool ok = hp_device_get_kind(net->hosts[0].device) == HP_DEVICE_VETH;
    hp_device_config config = {.name = "eth9", .kind = HP_DEVICE_TUN};
    ok = ok && hp_device_new(net->hosts[0].ns, &config, &error) == NULL && strstr(error->message, "eth9 of a") != NULL;
    live_net_free(net);
    return ok ? GOOD : BAD;
}

static void without_tun(void **state)
{
    if (!live_is_possible(HP_DEVICE_VETH) || access("/dev/net/tun", F_OK) != 0) {
        skip();
    }
    pid_t child = fork();
    if (child == 0) {
        _exit(run_without_tun());
    }
    assert_int_equal(how_ended(child), GOOD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_this_user),
        cmocka_unit_test(as_an_ordinary_user),
        cmocka_unit_test(an_ordinary_user_runs_a_net),
        cmocka_unit_test(without_user_namespaces),
        cmocka_unit_test(root_without_its_rights),
        cmocka_unit_test(without_tun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
