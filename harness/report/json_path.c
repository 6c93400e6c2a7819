/* The ways that peers had to each other in result.json, and in words why they were no better.
 *
 * What stood in the way of a direct path is the oracle's to say (oracle/explain.c), from the plan; which checks were
 * dropped is the trace's (check/path.c). Where run and prediction differ, both are told. A direct path explains itself. */
#include "report/json_writer.h"

/* A sentence of its own: "Direct is ... ." */
static void put_sentence(hp_json *j, const char *text)
{
    if (text[0] == '\0') {
        return;
    }
    g_autofree char *sentence =
        g_strdup_printf("%c%s%s", g_ascii_toupper(text[0]), text + 1, g_str_has_suffix(text, ".") ? "" : ".");
    hp_json_text(j, NULL, sentence);
}

static void put_reasons(hp_json *j, const hp_prediction *p)
{
    for (unsigned i = 0; i < p->n_reasons; i++) {
        put_sentence(j, p->reasons[i]);
    }
}

static void put_prediction(hp_json *j, const hp_path_result *path)
{
    const hp_oracle_result *r = path->prediction;
    if (r->verdict == HP_ORACLE_SILENT) {
        g_autofree char *text = g_strdup_printf("the oracle does not say why: %s", r->why);
        put_sentence(j, r->why[0] != '\0' ? text : "");
        return;
    }
    if (r->prediction->outcome > path->kind) {
        g_autofree char *text =
            g_strdup_printf("%s was possible, and did not come about", hp_outcome_name(r->prediction->outcome));
        put_sentence(j, text);
    }
    put_reasons(j, r->prediction);
    put_sentence(j, r->why);
    if (r->connected && r->happened != path->kind) {
        g_autofree char *text =
            g_strdup_printf("before a step changed the network the path was another: %s", hp_outcome_name(r->happened));
        put_sentence(j, text);
    }
}

static void put_drops(hp_json *j, const hp_path_result *path)
{
    for (unsigned i = 0; i < path->n_drops; i++) {
        const hp_path_drops *d = &path->drops[i];
        g_autofree char *text = g_strdup_printf(
            "%" G_GUINT64_FORMAT " check%s of %s %s dropped at %s (%s): %s", d->count, d->count == 1 ? "" : "s", d->by,
            d->count == 1 ? "was" : "were", d->place, hp_drop_name(d->reason), hp_drop_doc(d->reason));
        put_sentence(j, text);
    }
}

static void put_failures(hp_json *j, const hp_path_result *path)
{
    const char *names[] = {path->a, path->b};
    for (unsigned i = 0; i < 2; i++) {
        char at[HP_TIME_TEXT];
        if (path->failed[i] != HP_NEVER) {
            g_autofree char *text =
                g_strdup_printf("ICE failed at %s at %s", names[i], hp_time_format(path->failed[i], at));
            hp_json_text(j, NULL, text);
        } else if (path->left_in[i] != NULL) {
            g_autofree char *text =
                path->left_in[i][0] == '\0'
                    ? g_strdup_printf("%s never had a session with %s: no call, offer or answer made one", names[i],
                                      names[1 - i])
                    : g_strdup_printf("ICE at %s was left in %s", names[i], path->left_in[i]);
            hp_json_text(j, NULL, text);
        }
    }
}

static void put_path(hp_json *j, const hp_path_result *path)
{
    hp_json_open(j, NULL, '{');
    hp_json_text(j, "a", path->a);
    hp_json_text(j, "b", path->b);
    hp_json_text(j, "kind", path->kind == HP_OUTCOME_NONE ? "none" : hp_outcome_name(path->kind));
    hp_json_text(j, "a_type", path->a_type);
    hp_json_text(j, "b_type", path->b_type);
    hp_json_time(j, "connected_ns", path->connected);
    hp_json_open(j, "why", '[');
    if (path->kind != HP_OUTCOME_DIRECT) {
        if (path->prediction != NULL) {
            put_prediction(j, path);
        }
        put_drops(j, path);
        if (path->kind == HP_OUTCOME_NONE) {
            put_failures(j, path);
        }
    }
    hp_json_close(j, ']');
    hp_json_close(j, '}');
}

void hp_json_path(hp_json *j, const hp_result *result)
{
    hp_json_open(j, "path", '[');
    for (unsigned i = 0; i < result->n_paths; i++) {
        put_path(j, &result->paths[i]);
    }
    hp_json_close(j, ']');
}
