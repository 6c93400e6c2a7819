/* `hairpin schema`: the scenario language for editors (JSON Schema) and for people (the reference page). */
#include <stdio.h>

#include "cli/cli.h"
#include "scenario/schema.h"

int hp_cmd_schema(int argc, char **argv)
{
    gboolean reference = FALSE;
    const GOptionEntry entries[] = {
        {"reference", 0, 0, G_OPTION_ARG_NONE, &reference, "print the reference page (Markdown) instead", NULL},
        {NULL}};
    if (!hp_cli_options("- print the scenario language's JSON Schema", NULL, entries, &argc, &argv))
        return HP_EXIT_USAGE;
    if (argc > 1)
        return hp_cli_usage("schema: `%s` means nothing here", argv[1]);
    g_autofree char *text = reference ? hp_schema_reference() : hp_schema_json();
    fputs(text, stdout);
    return HP_EXIT_GOOD;
}
