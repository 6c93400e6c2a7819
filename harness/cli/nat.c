/* `hairpin nat`: what a NAT does, found out from outside it, and whether that is what its knobs declare.
 *
 * A NAT is a preset, or one of a scenario file with its knobs there: FILE:NAT. A file with a matrix gives one NAT a case,
 * of which those that declare the same are looked at once. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "certify/certify.h"
#include "certify/declare.h"
#include "cli/cli.h"
#include "report/certificate.h"
#include "scenario/model.h"

/* What is to be certified; the strings belong to somebody who lives longer. */
typedef struct device {
    const char *name, *about, *source, *firewall; /* the firewall's name */
    const hp_sc_firewall *own_firewall; /* of a scenario; NULL: that of the name, if any */
    const hp_nat_config *config;
} device;

typedef struct options {
    gboolean all, json, ipv6;
    uint64_t seed;
} options;

static void list_presets(void)
{
    size_t n;
    const hp_nat_preset *presets = hp_nat_presets(&n);
    for (size_t i = 0; i < n; i++)
        printf("%-28s %s\n", presets[i].name, presets[i].about);
}

static device device_of(const hp_nat_preset *preset)
{
    return (device){.name = preset->name,
                    .about = preset->about,
                    .source = preset->source,
                    .firewall = preset->firewall,
                    .config = &preset->config};
}

/* *firewall holds what the subject points to, and is cleared by the caller. */
static hp_certify_subject subject_of(const device *d, hp_firewall_config *firewall)
{
    hp_certify_subject subject = {.nat = d->config};
    bool has = false;
    if (d->own_firewall) {
        hp_sc_firewall_config(d->own_firewall, firewall);
        has = true;
    } else if (d->firewall) {
        has = hp_firewall_preset_config(d->firewall, firewall);
    }
    subject.firewall = has ? firewall : NULL;
    return subject;
}

/* ---- FILE:NAT ---- */

static int no_such_nat(const char *path, const char *name, const hp_scenario *scenario)
{
    g_autofree const char **names = g_new0(const char *, scenario->n_nats + 1);
    for (unsigned i = 0; i < scenario->n_nats; i++)
        names[i] = scenario->nats[i].name;
    const char *near = hp_nearest_word(name, names, scenario->n_nats);
    if (near)
        return hp_cli_usage("%s: no NAT `%s`; did you mean `%s`?", path, name, near);
    return scenario->n_nats ? hp_cli_usage("%s: no NAT `%s`; there is `%s`", path, name, names[0])
                            : hp_cli_usage("%s: no NAT `%s`; it has none", path, name);
}

/* To anybody outside. */
static bool is_same(const device *a, const device *b)
{
    hp_firewall_config of_a = {0}, of_b = {0};
    const hp_certify_subject x = subject_of(a, &of_a), y = subject_of(b, &of_b);
    g_autoptr(hp_certificate) declared_a = hp_certify_declare(&x);
    g_autoptr(hp_certificate) declared_b = hp_certify_declare(&y);
    hp_property properties[HP_PROP_N];
    bool same = hp_certificate_differences(declared_a, declared_b, properties) == 0;
    hp_firewall_config_clear(&of_a);
    hp_firewall_config_clear(&of_b);
    return same;
}

/* Appends the NATs of that name; scenarios is filled with what they point into, labels with their names. */
static int read_file(const char *argument, GArray *devices, GPtrArray *scenarios, GPtrArray *labels)
{
    const char *colon = strrchr(argument, ':');
    g_autofree char *path = g_strndup(argument, (gsize)(colon - argument));
    g_autoptr(hp_diags) diags = hp_diags_new();
    const char *name = colon + 1;
    unsigned before = devices->len;

    if (!g_file_test(path, G_FILE_TEST_IS_REGULAR))
        return hp_cli_usage("nat: %s: no such file", path);
    GPtrArray *cases = hp_scenario_load(path, diags);
    g_ptr_array_add(scenarios, cases);
    if (diags->n_errors > 0 || cases == NULL || cases->len == 0) {
        g_autofree char *text = hp_diags_format(diags);
        fputs(text, stderr);
        return HP_EXIT_USAGE;
    }
    for (unsigned i = 0; i < cases->len; i++) {
        const hp_scenario *scenario = cases->pdata[i];
        const hp_sc_nat *nat = NULL;
        for (unsigned k = 0; k < scenario->n_nats && !nat; k++)
            nat = strcmp(scenario->nats[k].name, name) == 0 ? &scenario->nats[k] : NULL;
        if (!nat)
            return no_such_nat(path, name, scenario);
        device d = {.config = &nat->config};
        if (nat->firewall.on) {
            d.own_firewall = &nat->firewall;
            d.firewall = nat->firewall.preset ? nat->firewall.preset : "its own";
        }
        bool known = false;
        for (unsigned k = before; k < devices->len && !known; k++)
            known = is_same(&g_array_index(devices, device, k), &d);
        if (known)
            continue;
        char *label = *scenario->label ? g_strdup_printf("%s[%s]", argument, scenario->label) : g_strdup(argument);
        g_ptr_array_add(labels, label);
        d.name = label;
        g_array_append_val(devices, d);
    }
    return HP_EXIT_GOOD;
}

static int no_such_preset(const char *name)
{
    size_t n;
    const hp_nat_preset *presets = hp_nat_presets(&n);
    g_autofree const char **names = g_new0(const char *, n);
    for (size_t i = 0; i < n; i++)
        names[i] = presets[i].name;
    const char *near = hp_nearest_word(name, names, n);
    return near ? hp_cli_usage("no preset `%s`; did you mean `%s`?", name, near)
                : hp_cli_usage("no preset `%s`; `hairpin nat` lists them, and FILE:NAT is a NAT of a scenario", name);
}

/* ---- certifying ---- */

static bool certify(const device *d, const options *o, hp_report_nat *ret, GError **error)
{
    hp_firewall_config firewall = {0};
    hp_certify_subject subject = subject_of(d, &firewall);

    subject.seed = o->seed;
    subject.family = o->ipv6 ? HP_AF_IPV6 : HP_AF_IPV4;
    hp_certificate *observed = hp_certify_observe(&subject, error);
    if (observed)
        *ret = (hp_report_nat){.name = d->name,
                               .about = d->about,
                               .source = d->source,
                               .firewall = d->firewall,
                               .observed = observed,
                               .declared = hp_certify_declare(&subject)};
    hp_firewall_config_clear(&firewall);
    return observed != NULL;
}

static void print(const hp_report_nat *nats, unsigned n, const options *o)
{
    if (o->json) {
        g_autofree char *json = hp_report_nat_json(nats, n);
        fputs(json, stdout);
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        g_autofree char *text = o->all ? hp_report_nat_line(&nats[i]) : hp_report_nat_text(&nats[i]);
        if (i > 0 && !o->all)
            fputs("\n", stdout);
        fputs(text, stdout);
    }
}

static int certify_all(const GArray *devices, const options *o)
{
    g_autoptr(GArray) nats = g_array_new(FALSE, TRUE, sizeof(hp_report_nat));
    g_autoptr(GError) error = NULL;
    hp_property properties[HP_PROP_N];
    int code = HP_EXIT_GOOD;

    for (unsigned i = 0; i < devices->len; i++) {
        hp_report_nat nat;
        if (!certify(&g_array_index(devices, device, i), o, &nat, &error)) {
            code = hp_cli_fail(error);
            break;
        }
        g_array_append_val(nats, nat);
        if (hp_certificate_differences(nat.observed, nat.declared, properties) > 0)
            code = HP_EXIT_FAILED;
    }
    if (!error)
        print((const hp_report_nat *)(void *)nats->data, nats->len, o);
    for (unsigned i = 0; i < nats->len; i++) {
        hp_certificate_free((hp_certificate *)g_array_index(nats, hp_report_nat, i).observed);
        hp_certificate_free((hp_certificate *)g_array_index(nats, hp_report_nat, i).declared);
    }
    return code;
}

static void free_scenarios(gpointer cases)
{
    if (cases)
        g_ptr_array_unref(cases);
}

static int run(char **names, const options *o)
{
    g_autoptr(GArray) devices = g_array_new(FALSE, FALSE, sizeof(device));
    g_autoptr(GPtrArray) scenarios = g_ptr_array_new_with_free_func(free_scenarios);
    g_autoptr(GPtrArray) labels = g_ptr_array_new_with_free_func(g_free);

    if (o->all) {
        size_t n;
        const hp_nat_preset *presets = hp_nat_presets(&n);
        for (size_t i = 0; i < n; i++) {
            device d = device_of(&presets[i]);
            g_array_append_val(devices, d);
        }
    }
    for (char **name = names; name && *name; name++) {
        const hp_nat_preset *preset = hp_nat_preset_find(*name);
        if (preset) {
            device d = device_of(preset);
            g_array_append_val(devices, d);
        } else if (!strchr(*name, ':')) {
            return no_such_preset(*name);
        } else {
            int code = read_file(*name, devices, scenarios, labels);
            if (code != HP_EXIT_GOOD)
                return code;
        }
    }
    return certify_all(devices, o);
}

int hp_cmd_nat(int argc, char **argv)
{
    options o = {.seed = 1};
    gint64 seed = 1;
    g_auto(GStrv) names = NULL;
    const GOptionEntry entries[] = {
        {"all", 0, 0, G_OPTION_ARG_NONE, &o.all, "certify every preset, one line each", NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &o.json, "print certificates as JSON", NULL},
        {"ipv6", 0, 0, G_OPTION_ARG_NONE, &o.ipv6, "probe with IPv6 on both sides", NULL},
        {"seed", 0, 0, G_OPTION_ARG_INT64, &seed, "of the NAT's random choices; otherwise 1", "N"},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &names, NULL, "[PRESET | FILE:NAT]..."},
        {NULL}};
    if (!hp_cli_options(
            "- find out what a NAT does",
            "Probes a NAT from both sides: mapping, filtering, ports, timers, TCP, ICMP, fragments, limits,\n"
            "in the words of RFC 4787, 5382, 5508 and 6888. The exit code is 1 when what it does is not what\n"
            "its knobs declare. A NAT is a preset, or one of a scenario: nat/hairpin.yaml:home. Without any,\n"
            "the presets are listed.",
            entries, &argc, &argv))
        return HP_EXIT_USAGE;
    if (seed < 0)
        return hp_cli_usage("nat: --seed: not below 0");
    if (o.all && names)
        return hp_cli_usage("nat: --all or names, not both");
    o.seed = (uint64_t)seed;
    if (!o.all && !names) {
        if (o.json)
            return hp_cli_usage("nat: --json: of which NAT? Name one, or say --all");
        list_presets();
        return HP_EXIT_GOOD;
    }
    return run(names, &o);
}
