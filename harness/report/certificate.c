/* Certificates as text and as JSON.
 *
 * The text has a part for each protocol, a line for each property that could be observed, and at its end what could not
 * be and why, so that nothing is passed over in silence. Requirements follow, one line each. JSON has the same and the
 * declared value beside the observed one; times stand in the text of a value, as observed to the millisecond. */
#include "report/certificate.h"

#include <string.h>

#include "certify/requirements.h"
#include "report/json_writer.h"

enum { TITLE_WIDTH = 44, VALUE_WIDTH = 44 };

typedef struct section {
    const char *title;
    hp_property first, last;
} section;

static const section sections[] = {
    {"Reach", HP_PROP_UDP_LEAVES, HP_PROP_NAT64},
    {"UDP (RFC 4787)", HP_PROP_UDP_MAPPING, HP_PROP_UDP_LIFETIME},
    {"Limits (RFC 6888)", HP_PROP_UDP_LIMIT, HP_PROP_LIMIT_ANSWER},
    {"ICMP and fragments (RFC 5508, RFC 4787)", HP_PROP_ICMP_MAPPING, HP_PROP_FRAGMENTS_IN},
    {"TCP (RFC 5382, RFC 7857)", HP_PROP_TCP_MAPPING, HP_PROP_TCP_QUARANTINE},
    {"Behind its firewall", HP_PROP_SITE_UDP_LEAVES, HP_PROP_SITE_TCP_TIMER_ESTABLISHED},
};

static bool is_told(const hp_report_nat *nat, hp_property property)
{
    return !hp_property_is_site(property) || nat->firewall;
}

/* ---- text ---- */

static void add_line(GString *s, const char *title, const char *value, const char *reference)
{
    g_string_append_printf(s, "  %-*s %-*s %s\n", TITLE_WIDTH, title, VALUE_WIDTH, value, reference);
}

static void add_section(GString *s, const hp_report_nat *nat, const section *part)
{
    g_string_append_printf(s, "\n%s\n", part->title);
    for (unsigned i = part->first; i <= part->last; i++) {
        const hp_finding *f = hp_certificate_get(nat->observed, (hp_property)i);
        const hp_property_info *info = hp_property_get((hp_property)i);
        if (f->known)
            add_line(s, info->title, f->text, info->reference);
    }
    for (unsigned i = part->first; i <= part->last; i++) {
        const hp_finding *f = hp_certificate_get(nat->observed, (hp_property)i);
        if (!f->known) {
            g_autofree char *value = g_strdup_printf("not observable: %s", f->text);
            g_string_append_printf(s, "  %-*s %s\n", TITLE_WIDTH, hp_property_get((hp_property)i)->title, value);
        }
    }
}

static void add_requirements(GString *s, const hp_report_nat *nat)
{
    const char *rfc = "";
    for (unsigned i = 0; i < hp_requirements_count(); i++) {
        const hp_requirement *r = hp_requirement_get(i);
        g_autofree char *reason = NULL;
        hp_requirement_verdict verdict = hp_requirement_judge(i, nat->observed, &reason);
        if (strcmp(rfc, r->rfc) != 0)
            g_string_append_printf(s, "\nRequirements of %s%s\n", r->rfc,
                                   strcmp(r->rfc, "RFC 6888") == 0 ? " (of carriers' NATs)" : "");
        rfc = r->rfc;
        g_string_append_printf(s, "  %-7s %-6s %-14s %s [%s]\n", r->number, hp_requirement_level_name(r->level),
                               hp_requirement_verdict_name(verdict), r->text, reason);
    }
}

static void add_differences(GString *s, const hp_report_nat *nat)
{
    hp_property properties[HP_PROP_N];
    unsigned n = hp_certificate_differences(nat->observed, nat->declared, properties);

    g_string_append_c(s, '\n');
    if (n == 0) {
        g_string_append(s, "Certified: what was observed is what the knobs declare.\n");
        return;
    }
    g_string_append_printf(s, "NOT certified: %u differences between what was observed and what the knobs declare\n",
                           n);
    for (unsigned i = 0; i < n; i++) {
        const hp_finding *seen = hp_certificate_get(nat->observed, properties[i]);
        const hp_finding *said = hp_certificate_get(nat->declared, properties[i]);
        g_string_append_printf(s, "  %s: expected %s%s, got %s%s\n", hp_property_get(properties[i])->title,
                               said->known ? "" : "nothing observable: ", said->text,
                               seen->known ? "" : "nothing observable: ", seen->text);
    }
}

char *hp_report_nat_text(const hp_report_nat *nat)
{
    GString *s = g_string_new(nat->name);

    g_string_append_printf(s, "%s%s\n", nat->about ? ": " : "", nat->about ? nat->about : "");
    if (nat->source)
        g_string_append_printf(s, "source: %s\n", nat->source);
    if (nat->firewall)
        g_string_append_printf(s, "behind a firewall: %s\n", nat->firewall);
    for (unsigned i = 0; i < G_N_ELEMENTS(sections); i++) {
        if (is_told(nat, sections[i].first))
            add_section(s, nat, &sections[i]);
    }
    add_requirements(s, nat);
    add_differences(s, nat);
    return g_string_free(s, FALSE);
}

static const char *brief(const hp_certificate *c, hp_property property)
{
    const hp_finding *f = hp_certificate_get(c, property);
    return f->known ? f->text : "-";
}

char *hp_report_nat_line(const hp_report_nat *nat)
{
    hp_property properties[HP_PROP_N];
    unsigned n = hp_certificate_differences(nat->observed, nat->declared, properties);
    g_autofree char *verdict = n ? g_strdup_printf("%u DIFFERENCES", n) : g_strdup("certified");
    return g_strdup_printf("%-28s %-14s mapping %s, filtering %s, hairpin %s, timer %s\n", nat->name, verdict,
                           brief(nat->observed, HP_PROP_UDP_MAPPING), brief(nat->observed, HP_PROP_UDP_FILTERING),
                           brief(nat->observed, HP_PROP_UDP_HAIRPIN), brief(nat->observed, HP_PROP_UDP_TIMER));
}

/* ---- JSON ---- */

static void put_finding(hp_json *j, const char *key, const hp_finding *f)
{
    hp_json_text(j, key, f->known ? f->text : NULL);
}

static void put_properties(hp_json *j, const hp_report_nat *nat)
{
    hp_json_open(j, "properties", '[');
    for (unsigned i = 0; i < HP_PROP_N; i++) {
        const hp_property_info *info = hp_property_get((hp_property)i);
        const hp_finding *seen = hp_certificate_get(nat->observed, (hp_property)i);
        if (!is_told(nat, (hp_property)i))
            continue;
        hp_json_open(j, NULL, '{');
        hp_json_text(j, "property", info->key);
        hp_json_text(j, "title", info->title);
        hp_json_text(j, "reference", info->reference);
        hp_json_text(j, "how", info->how);
        put_finding(j, "observed", seen);
        if (!seen->known)
            hp_json_text(j, "not-observable", seen->text);
        put_finding(j, "declared", hp_certificate_get(nat->declared, (hp_property)i));
        hp_json_close(j, '}');
    }
    hp_json_close(j, ']');
}

static void put_requirements(hp_json *j, const hp_report_nat *nat)
{
    hp_json_open(j, "requirements", '[');
    for (unsigned i = 0; i < hp_requirements_count(); i++) {
        const hp_requirement *r = hp_requirement_get(i);
        g_autofree char *reason = NULL;
        hp_requirement_verdict verdict = hp_requirement_judge(i, nat->observed, &reason);
        hp_json_open(j, NULL, '{');
        hp_json_text(j, "rfc", r->rfc);
        hp_json_text(j, "number", r->number);
        hp_json_text(j, "level", hp_requirement_level_name(r->level));
        hp_json_text(j, "text", r->text);
        hp_json_text(j, "verdict", hp_requirement_verdict_name(verdict));
        hp_json_text(j, "reason", reason);
        hp_json_close(j, '}');
    }
    hp_json_close(j, ']');
}

static void put_differences(hp_json *j, const hp_report_nat *nat)
{
    hp_property properties[HP_PROP_N];
    unsigned n = hp_certificate_differences(nat->observed, nat->declared, properties);

    hp_json_bool(j, "certified", n == 0);
    hp_json_open(j, "differences", '[');
    for (unsigned i = 0; i < n; i++)
        hp_json_text(j, NULL, hp_property_get(properties[i])->key);
    hp_json_close(j, ']');
}

char *hp_report_nat_json(const hp_report_nat *nats, size_t n)
{
    hp_json j = {.o = hp_output_memory(), .first = true};

    hp_output_char(j.o, '{');
    j.depth = 1;
    hp_json_text(&j, "version", "hairpin-nat/1");
    hp_json_open(&j, "nats", '[');
    for (size_t i = 0; i < n; i++) {
        hp_json_open(&j, NULL, '{');
        hp_json_text(&j, "name", nats[i].name);
        hp_json_text(&j, "about", nats[i].about);
        hp_json_text(&j, "source", nats[i].source);
        hp_json_text(&j, "firewall", nats[i].firewall);
        put_differences(&j, &nats[i]);
        put_properties(&j, &nats[i]);
        put_requirements(&j, &nats[i]);
        hp_json_close(&j, '}');
    }
    hp_json_close(&j, ']');
    hp_json_close(&j, '}');
    hp_output_char(j.o, '\n');
    return hp_output_take(j.o, NULL);
}
