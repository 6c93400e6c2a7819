/* `hairpin explain KEY`: the reference page, one key at a time. */
#include <stdio.h>

#include "cli/cli.h"
#include "scenario/schema.h"

int hp_cmd_explain(int argc, char **argv)
{
    g_auto(GStrv) keys = NULL;
    const GOptionEntry entries[] = {{G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &keys, NULL, "KEY..."},
                                    {NULL}};
    if (!hp_cli_options("- say what keys of the scenario language mean",
                        "A key is a name, as `mapping`, or a path, as `network.nats.*.mapping`.", entries, &argc,
                        &argv))
        return HP_EXIT_USAGE;
    if (!keys)
        return hp_cli_usage("explain: which key?");
    for (char **key = keys; *key; key++) {
        const char *near = NULL;
        g_autofree char *text = hp_schema_explain(*key, &near);
        if (!text && near)
            return hp_cli_usage("no key `%s`; did you mean `%s`?", *key, near);
        if (!text)
            return hp_cli_usage("no key `%s`; the reference page lists all", *key);
        fputs(text, stdout);
    }
    return HP_EXIT_GOOD;
}
