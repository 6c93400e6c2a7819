/* `hairpin bench`: TURN against direct, or Hairpin's own servers and fabric; and either against a baseline. */
#include <stdio.h>
#include <string.h>

#include "base/compare.h"
#include "base/error.h"
#include "bench/turn.h"
#include "cli/cli.h"

typedef struct options {
    char *seeds, *clients, *link, *jitter, *loss, *rate, *duration, *ways, *jobs, *hang;
    char *json, *save;
    gboolean quick;
    char **paths;
} options;

static void options_clear(options *o)
{
    char *texts[] = {o->seeds,    o->clients, o->link, o->jitter, o->loss, o->rate,
                     o->duration, o->ways,    o->jobs, o->hang,   o->json, o->save};
    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
    g_strfreev(o->paths);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(options, options_clear)
int hp_cmd_bench(int argc, char **argv)
{
    g_auto(options) o = {0};
    g_autoptr(GError) error = NULL;
    hp_bench_turn_options t = hp_bench_turn_defaults();
    if (argc > 1 && strcmp(argv[1], "quick") == 0)
        hp_bench_turn_quick(&t);
    g_autoptr(hp_bench_document) d = hp_bench_turn(&t, &error);
    if (!d)
        return hp_cli_fail(error);
    g_autofree char *text = hp_bench_document_text(d);
    fputs(text, stdout);
    return 0;
}
