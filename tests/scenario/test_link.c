/* Links beyond the plain numbers: kinds of jitter and queue, schedules, traces and lists from files; what layers put
 * out of force, and what does not go together. */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"

static void every_key(void **state)
{
    hp_scenario *s = load_one(
        "network:\n"
        "  internet: {jitter: 4ms, jitter-kind: normal, jitter-sigma: 1.5ms, jitter-max: 9ms, jitter-overtakes: true,\n"
        "    burst: {enter: 1%, leave: 25%, steady: true},\n"
        "    rate: 3Mbit/s, rate-steps: [{at: 2s, rate: 500kbit/s}, {at: 7s, rate: 0}], rate-cycle: 10s,\n"
        "    queue-kind: codel, codel-target: 6ms, codel-interval: 90ms, ecn: true,\n"
        "    outages: [{from: 1s, to: 1.2s}, {from: 3s, to: 4s}], outage-cycle: 15s, times-from: change}\n"
        "peers: {a: }");
    const hp_link_config *l = &s->internet;

    assert_int_equal(l->jitter_kind, HP_JITTER_NORMAL);
    assert_true(l->jitter_ns == 4 * HP_MS && l->jitter_sigma_ns == 1500 * HP_US && l->jitter_max_ns == 9 * HP_MS);
    assert_true(l->jitter_overtakes && l->burst_steady);
    assert_true(l->rate_bps == 3000000 && l->rate_cycle == 10 * HP_S);
    assert_int_equal(l->n_rate_steps, 2);
    assert_true(l->rate_steps[0].at == 2 * HP_S && l->rate_steps[0].rate_bps == 500000);
    assert_true(l->rate_steps[1].at == 7 * HP_S && l->rate_steps[1].rate_bps == 0);
    assert_int_equal(l->queue_kind, HP_QUEUE_CODEL);
    assert_true(l->codel_target_ns == 6 * HP_MS && l->codel_interval_ns == 90 * HP_MS && l->codel_ecn);
    assert_int_equal(l->n_outages, 2);
    assert_true(l->outages[0].from == HP_S && l->outages[0].to == 1200 * HP_MS);
    assert_true(l->outages[1].from == 3 * HP_S && l->outages[1].to == 4 * HP_S);
    assert_true(l->outage_cycle == 15 * HP_S && l->times_from_change);
    hp_scenario_free(s);
}

static void defaults(void **state)
{
    hp_scenario *s = load_one("network: {internet: {burst: {enter: 1%, leave: 2%}}}\npeers: {a: }");
    hp_link_config expected = {
        .delay_ns = 20 * HP_MS, .burst_enter_ppb = 10000000, .burst_leave_ppb = 20000000, .burst_loss_ppb = 1000000000};
    assert_memory_equal(&s->internet, &expected, sizeof expected);
    hp_scenario_free(s);
}

static void kinds_of_jitter(void **state)
{
    hp_scenario *s = load_one("peers:\n"
                              "  a: {link: {jitter: 2ms, jitter-kind: pareto, jitter-shape: 2.125}}\n"
                              "  b: {link: {jitter-kind: list, jitter-list: [1ms, 0, 2.5ms]}}\n"
                              "  c: {link: {jitter-kind: empirical, jitter-list: 7us}}\n"
                              "  d: {link: {jitter: 2ms, jitter-kind: uniform}}\n"
                              "  e: {link: {jitter: 1ms, jitter-kind: pareto, jitter-shape: 3}}\n");
    const hp_link_config *a = &s->peers[0].interfaces[0].link.up, *b = &s->peers[1].interfaces[0].link.down,
                         *c = &s->peers[2].interfaces[0].link.up, *d = &s->peers[3].interfaces[0].link.up,
                         *e = &s->peers[4].interfaces[0].link.up;

    assert_int_equal(a->jitter_kind, HP_JITTER_PARETO);
    assert_int_equal(a->jitter_shape_milli, 2125);
    assert_int_equal(b->jitter_kind, HP_JITTER_LIST);
    assert_int_equal(b->n_jitter_list, 3);
    assert_true(b->jitter_list[0] == HP_MS && b->jitter_list[1] == 0 && b->jitter_list[2] == 2500 * HP_US);
    assert_int_equal(c->jitter_kind, HP_JITTER_EMPIRICAL);
    assert_int_equal(c->n_jitter_list, 1);
    assert_true(c->jitter_list[0] == 7 * HP_US);
    assert_int_equal(d->jitter_kind, HP_JITTER_UNIFORM);
    assert_int_equal(e->jitter_shape_milli, 3000);
    hp_scenario_free(s);
}

/* ---- layers ---- */

static void a_rate_puts_steps_and_cycle_out_of_force(void **state)
{
    hp_scenario *s = load_one("peers:\n"
                              "  a:\n"
                              "    link:\n"
                              "      rate: 1Mbit/s\n"
                              "      rate-steps: [{at: 1s, rate: 2Mbit/s}]\n"
                              "      rate-cycle: 5s\n"
                              "      up: {rate: 3Mbit/s}\n"
                              "      down: {rate-steps: [{at: 2s, rate: 4Mbit/s}, {at: 3s, rate: 5Mbit/s}]}\n");
    const hp_link_config *up = &s->peers[0].interfaces[0].link.up, *down = &s->peers[0].interfaces[0].link.down;

    assert_true(up->rate_bps == 3000000 && up->n_rate_steps == 0 && up->rate_steps == NULL && up->rate_cycle == 0);
    /* New steps have no cycle of their own, and keep the rate before the first. */
    assert_true(down->rate_bps == 1000000 && down->n_rate_steps == 2 && down->rate_cycle == 0);
    assert_true(down->rate_steps[1].rate_bps == 5000000);
    hp_scenario_free(s);
}

static void defaults_are_added_to(void **state)
{
    hp_scenario *s = load_one("defaults: {link: {outages: [{from: 1s, to: 2s}], outage-cycle: 9s, delay: 3ms}}\n"
                              "peers:\n"
                              "  a: {link: {outages: [{from: 4s, to: 5s}]}}\n"
                              "  b: {link: {outage-cycle: 8s, outages: }}\n"
                              "  c: {link: {outages: []}}\n"
                              "  d:\n");
    const hp_link_config *links[4];
    for (unsigned i = 0; i < 4; i++) {
        links[i] = &s->peers[i].interfaces[0].link.up;
        assert_true(links[i]->delay_ns == 3 * HP_MS);
    }
    assert_true(links[0]->n_outages == 1 && links[0]->outages[0].from == 4 * HP_S && links[0]->outage_cycle == 0);
    assert_true(links[1]->n_outages == 1 && links[1]->outages[0].from == HP_S && links[1]->outage_cycle == 8 * HP_S);
    assert_true(links[2]->n_outages == 0 && links[2]->outage_cycle == 0);
    assert_true(links[3]->n_outages == 1 && links[3]->outage_cycle == 9 * HP_S);
    hp_scenario_free(s);
}

static void set_link_changes_what_it_names(void **state)
{
    hp_scenario *s = load_one(
        "peers:\n"
        "  a: {link: {rate: 1Mbit/s, outages: [{from: 1s, to: 2s}], jitter-kind: list, jitter-list: [1ms, 2ms]}}\n"
        "steps:\n"
        "  - set-link: {of: a, rate-steps: [{at: 1s, rate: 9kbit/s}], times-from: change}\n"
        "  - set-link: {of: a, direction: down, outages: [], rate: 64kbit/s}\n"
        "  - set-link: {of: a, direction: up, jitter-kind: uniform, queue-kind: codel}\n");
    const hp_link_config *at_first = &s->peers[0].interfaces[0].link.up;
    const hp_step *first = &s->steps[0], *second = &s->steps[1], *third = &s->steps[2];

    assert_true(at_first->n_rate_steps == 0 && !at_first->times_from_change);
    assert_true(first->link.config.rate_bps == 1000000 && first->link.config.n_rate_steps == 1);
    assert_true(first->link.config.times_from_change && first->link.down_config.times_from_change);
    assert_ptr_equal(first->link.config.outages, at_first->outages);
    assert_ptr_equal(first->link.config.jitter_list, at_first->jitter_list);
    assert_string_equal(first->link.text, "rate-steps: [{at: 1s, rate: 9kbit/s}], times-from: change");
    assert_true(second->link.down_config.n_outages == 0 && second->link.down_config.rate_bps == 64000);
    assert_true(second->link.down_config.n_rate_steps == 0 && second->link.down_config.times_from_change);
    /* Up is as the first step left it. */
    assert_true(third->link.config.n_outages == 1 && third->link.config.n_rate_steps == 1);
    assert_int_equal(third->link.config.jitter_kind, HP_JITTER_UNIFORM);
    assert_int_equal(third->link.config.queue_kind, HP_QUEUE_CODEL);
    hp_scenario_free(s);
}

/* ---- mistakes ---- */

static void what_does_not_go_together(void **state)
{
    assert_complains("network: {internet: {jitter: 1ms, jitter-kind: pareto}}\npeers: {a: }\n",
                     "1:21: Pareto jitter needs a shape above 0\n");
    assert_complains("peers:\n  a: {link: {jitter-kind: list}}\n  b: {link: {up: {jitter-kind: empirical}}}\n",
                     "2:13: jitter from a list needs at least one delay\n"
                     "3:18: jitter from a list needs at least one delay\n");
    assert_complains("peers:\n  a: {link: {rate-steps: [{at: 2s, rate: 1bit/s}, {at: 2s, rate: 2bit/s}]}}\n"
                     "  b: {link: {rate-cycle: 4s}}\n"
                     "  c: {link: {rate-steps: [{at: 4s, rate: 1bit/s}], rate-cycle: 4s}}\n"
                     "  d: {link: {rate-steps: [{at: 0, rate: 0}], rate-cycle: 4s}}\n",
                     "2:13: the rate's steps are not in order\n"
                     "3:13: a cycle of rates needs at least one step\n"
                     "4:13: the rate's last step does not begin within the cycle\n"
                     "5:13: a cycle of rates must send at some time\n");
    assert_complains("peers:\n  a: {link: {outages: [{from: 2s, to: 2s}]}}\n"
                     "  b: {link: {outages: [{from: 2s, to: 4s}, {from: 3s, to: 5s}]}}\n"
                     "  c: {link: {outage-cycle: 4s}}\n"
                     "  d: {link: {outages: [{from: 2s, to: 5s}], outage-cycle: 4s}}\n",
                     "2:13: an outage ends before it begins\n"
                     "3:13: outages overlap or are not in order\n"
                     "4:13: a cycle of outages needs at least one\n"
                     "5:13: the last outage does not end within the cycle\n");
    assert_complains("peers: {a: }\nsteps:\n  - set-link: {of: a, jitter-kind: list}\n"
                     "  - set-link: {of: internet, outage-cycle: 1s}\n",
                     "3:15: jitter from a list needs at least one delay\n"
                     "4:15: a cycle of outages needs at least one\n");
}

static void what_matters_never(void **state)
{
    assert_complains("network:\n  internet:\n    jitter-sigma: 1ms\n    jitter-shape: 2\n    jitter-max: 1ms\n"
                     "    jitter-list: [1ms]\n    codel-target: 1ms\n    codel-interval: 1ms\n    ecn: true\n"
                     "    times-from: change\npeers: {a: }\n",
                     "3:19: `jitter-sigma` is for `jitter-kind: normal`\n"
                     "4:19: `jitter-shape` is for `jitter-kind: pareto`\n"
                     "5:17: `jitter-max` is for `jitter-kind: normal` and `pareto`\n"
                     "6:18: `jitter-list` is for `jitter-kind: list` and `empirical`\n"
                     "7:19: `codel-target` is for `queue-kind: codel`\n"
                     "8:21: `codel-interval` is for `queue-kind: codel`\n"
                     "9:10: `ecn` is for `queue-kind: codel`\n"
                     "10:17: `times-from` is for `rate-steps`, `rate-trace` and `outages`, and there are none\n");
    /* One direction that takes it is enough. */
    hp_scenario_free(load_one("peers: {a: {link: {jitter-sigma: 1ms, down: {jitter-kind: normal}}}}"));
    /* A matrix over the kind leaves some keys idle in some cases. */
    GPtrArray *cases = load_all("network: {internet: {queue-kind: codel, codel-target: 1ms}}\npeers: {a: }\n"
                                "matrix: {network.internet.queue-kind: [drop-tail, codel]}\n");
    assert_int_equal(cases->len, 2);
    g_ptr_array_unref(cases);
}

static void values_that_will_not_do(void **state)
{
    assert_complains(
        "network:\n  internet:\n    jitter-kind: gauss\n    jitter-shape: x\n    jitter-list: 5\n    queue-kind: red\n"
        "    times-from: now\n    rate-trace: [a]\n    rate-steps: 3Mbit/s\n    outages: [{from: 1s}, 3s]\n"
        "peers: {a: }\n",
        "3:18: `gauss` is not a kind of jitter (one of `uniform`, `normal`, `pareto`, `list`, `empirical`)\n"
        "4:19: `jitter-shape` must be a number with at most three decimals such as 2.5, not `x`\n"
        "5:18: `jitter-list` must be durations in a list, or the name of a file such as [20ms, 35ms] or delays.txt, "
        "not `5` (add a unit: `5ms` or `5s`)\n"
        "6:17: `red` is not a kind of queue (one of `drop-tail`, `codel`)\n"
        "7:17: `now` is not what times count from (one of `start`, `change`)\n"
        "8:17: `rate-trace` must be the name of a file such as cellular.trace, not a list\n"
        "8:17: `rate-trace` takes the place of `rate-steps`: give one of them\n"
        "9:17: `rate-steps` must be a list (each item begins with `- `)\n"
        "10:15: network.internet.outages.0 lacks `to`\n"
        "10:27: network.internet.outages.1 must be a map of keys and values\n");
    assert_complains("network: {internet: {jitter-kind: pareto, jitter-shape: 0}}\npeers: {a: }\n",
                     "1:57: `jitter-shape` must be from 0.001 to 1000, not 0\n");
    assert_complains("network: {internet: {jitter-kind: pareto, jitter-shape: 1.0005}}\npeers: {a: }\n",
                     "1:57: `jitter-shape` must be a number with at most three decimals such as 2.5, not `1.0005`\n");
    assert_complains("network: {internet: {rate: 1Mbit/s, rate-trace: nowhere.trace}}\npeers: {a: }\n",
                     "1:49: `rate-trace`: nowhere.trace cannot be read: No such file or directory\n"
                     "1:49: `rate-trace` takes the place of `rate`: give one of them\n");
}

/* ---- files ---- */

typedef struct folder {
    char *path;
    char *scenario; /* the name of a file in it; it need not be there */
} folder;

static folder make_folder(void)
{
    folder f = {.path = g_dir_make_tmp("hairpin-link-XXXXXX", NULL)};
    assert_non_null(f.path);
    f.scenario = g_build_filename(f.path, "t.yaml", NULL);
    return f;
}

static void put(const folder *f, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(f->path, name, NULL);
    assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void drop(const folder *f, const char *name)
{
    g_autofree char *path = g_build_filename(f->path, name, NULL);
    assert_int_equal(g_remove(path), 0);
}

static void clear_folder(folder *f)
{
    assert_int_equal(g_rmdir(f->path), 0);
    g_free(f->path);
    g_free(f->scenario);
}

static GPtrArray *load_in(const folder *f, const char *text)
{
    g_autoptr(hp_diags) diags = hp_diags_new();
    GPtrArray *cases = hp_scenario_parse(f->scenario, text, strlen(text), diags);
    g_autofree char *said = hp_diags_format(diags);
    assert_string_equal(said, "");
    return cases;
}

/* The messages, with the folder's path as FOLDER. */
static char *complaints_in(const folder *f, const char *text)
{
    g_autoptr(hp_diags) diags = hp_diags_new();
    assert_null(hp_scenario_parse(f->scenario, text, strlen(text), diags));
    g_autoptr(GString) out = g_string_new(NULL);
    for (unsigned i = 0; i < diags->list->len; i++) {
        const hp_diag *d = g_ptr_array_index(diags->list, i);
        g_string_append_printf(out, "%u:%u: %s\n", d->mark.line, d->mark.column, d->message);
    }
    g_string_replace(out, f->path, "FOLDER", 0);
    return g_strdup(out->str);
}

static void files_beside_the_scenario(void **state)
{
    folder f = make_folder();
    put(&f, "lte.trace", "# two in the first millisecond\n1\n1\n5\r\n");
    put(&f, "5g.trace", "3\n");
    put(&f, "delays.txt", "2.5\n800us\n\n0\n");
    g_autoptr(GPtrArray) cases =
        load_in(&f, "network: {internet: {rate-trace: lte.trace}}\n"
                    "peers:\n"
                    "  a: {link: {rate: 1Mbit/s, jitter-kind: list, jitter-list: ./delays.txt, up: {rate-trace: "
                    "5g.trace}}}\n"
                    "steps: [set-link: {of: internet, rate: 2Mbit/s}]\n"
                    "matrix: {seed: [1, 2]}\n");
    assert_int_equal(cases->len, 2);
    hp_scenario *first = g_ptr_array_index(cases, 0), *second = g_ptr_array_index(cases, 1);
    const hp_sc_link *a = &first->peers[0].interfaces[0].link;

    assert_int_equal(first->internet.n_opportunities, 3);
    assert_true(first->internet.opportunities[0] == HP_MS && first->internet.opportunities[1] == HP_MS &&
                first->internet.opportunities[2] == 5 * HP_MS);
    assert_true(a->up.rate_bps == 0 && a->up.n_opportunities == 1 && a->up.opportunities[0] == 3 * HP_MS);
    assert_true(a->down.rate_bps == 1000000 && a->down.n_opportunities == 0);
    assert_int_equal(a->down.n_jitter_list, 3);
    assert_true(a->down.jitter_list[0] == 2500 * HP_US && a->down.jitter_list[1] == 800 * HP_US &&
                a->down.jitter_list[2] == 0);
    /* A rate takes the trace's place. */
    assert_true(first->steps[0].link.config.rate_bps == 2000000 && first->steps[0].link.config.n_opportunities == 0);
    /* Read once: both directions, both cases. */
    assert_ptr_equal(a->up.jitter_list, a->down.jitter_list);
    assert_ptr_equal(first->internet.opportunities, second->internet.opportunities);
    /* And there as long as anybody may look. */
    g_ptr_array_remove_index(cases, 0);
    assert_true(second->internet.opportunities[2] == 5 * HP_MS);

    drop(&f, "lte.trace");
    drop(&f, "5g.trace");
    drop(&f, "delays.txt");
    clear_folder(&f);
}

static void files_that_will_not_do(void **state)
{
    folder f = make_folder();
    put(&f, "bad.trace", "1\n2\nthree\n");
    put(&f, "falls.trace", "5\n4\n");
    put(&f, "empty.trace", "# nothing\n");
    put(&f, "bad.txt", "1ms\n2 ms ms\n");
    g_autofree char *fifo = g_build_filename(f.path, "pipe", NULL);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    g_autofree char *said = complaints_in(&f, "network:\n  lans:\n"
                                              "    a: {link: {rate-trace: bad.trace}}\n"
                                              "    b: {link: {rate-trace: falls.trace}}\n"
                                              "    c: {link: {rate-trace: empty.trace}}\n"
                                              "    d: {link: {rate-trace: gone.trace}}\n"
                                              "    e: {link: {rate-trace: pipe}}\n"
                                              "    f: {link: {rate-trace: .}}\n"
                                              "    g: {link: {jitter-kind: list, jitter-list: bad.txt}}\n"
                                              "    h: {link: {rate-trace: ''}}\n"
                                              "    i: {link: {jitter-kind: list, jitter-list: ''}}\n"
                                              "    j: {link: {jitter-kind: list, jitter-list: [1ms, bad.txt]}}\n"
                                              "    k: {link: {rate-trace: bad.trace}}\n"
                                              "peers: {z: }\nmatrix: {seed: [1, 2]}\n");
    assert_string_equal(
        said,
        "3:28: `rate-trace`: FOLDER/bad.trace:3: `three` is no whole number of milliseconds\n"
        "4:28: `rate-trace`: FOLDER/falls.trace:2: `4` is smaller than the number before\n"
        "5:28: `rate-trace`: FOLDER/empty.trace:2: there is not one entry\n"
        "6:28: `rate-trace`: FOLDER/gone.trace cannot be read: No such file or directory\n"
        "7:28: `rate-trace`: FOLDER/pipe cannot be read: it is no regular file\n"
        "8:28: `rate-trace`: FOLDER/. cannot be read: it is no regular file\n"
        "9:48: `jitter-list`: FOLDER/bad.txt:2: `2 ms ms` is no span of time (12.5ms, 800us; a bare number is "
        "milliseconds)\n"
        "10:28: `rate-trace` must be the name of a file such as cellular.trace, not ``\n"
        "11:48: `jitter-list` must be durations in a list, or the name of a file such as [20ms, 35ms] or delays.txt, "
        "not ``\n"
        "12:54: `jitter-list` must be durations in a list, or the name of a file such as [20ms, 35ms] or delays.txt, "
        "not `bad.txt`\n"
        "13:28: `rate-trace`: FOLDER/bad.trace:3: `three` is no whole number of milliseconds\n");
    drop(&f, "bad.trace");
    drop(&f, "falls.trace");
    drop(&f, "empty.trace");
    drop(&f, "bad.txt");
    drop(&f, "pipe");
    clear_folder(&f);
}

static void a_file_that_is_too_large_is_not_read(void **state)
{
    folder f = make_folder();
    g_autofree char *path = g_build_filename(f.path, "huge", NULL);
    int fd = g_open(path, O_CREAT | O_WRONLY, 0600);
    assert_int_equal(ftruncate(fd, (64 << 20) + 1), 0); /* a hole: it takes no room */
    assert_int_equal(close(fd), 0);
    g_autofree char *said = complaints_in(&f, "network: {internet: {rate-trace: huge}}\npeers: {a: }\n");
    assert_string_equal(said, "1:34: `rate-trace`: FOLDER/huge cannot be read: it is larger than 64 MiB\n");
    drop(&f, "huge");
    clear_folder(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key),
        cmocka_unit_test(defaults),
        cmocka_unit_test(kinds_of_jitter),
        cmocka_unit_test(a_rate_puts_steps_and_cycle_out_of_force),
        cmocka_unit_test(defaults_are_added_to),
        cmocka_unit_test(set_link_changes_what_it_names),
        cmocka_unit_test(what_does_not_go_together),
        cmocka_unit_test(what_matters_never),
        cmocka_unit_test(values_that_will_not_do),
        cmocka_unit_test(files_beside_the_scenario),
        cmocka_unit_test(files_that_will_not_do),
        cmocka_unit_test(a_file_that_is_too_large_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
