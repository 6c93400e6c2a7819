/* The command line's front door: picks the command. */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/cli.h"

static const hp_command commands[] = {
    {"run", "run scenarios and judge them", hp_cmd_run},
    {"matrix", "run a scenario for every combination of NATs, servers and more", hp_cmd_matrix},
    {"agree", "run scenarios in both worlds and compare", hp_cmd_agree},
    {"check", "read scenarios, report every mistake, run nothing", hp_cmd_check},
    {"list", "list the cases that paths hold", hp_cmd_list},
    {"merge", "put the results of shards together", hp_cmd_merge},
    {"show", "draw a run's evidence as a ladder diagram", hp_cmd_show},
    {"report", "show a run as a page of HTML", hp_cmd_report},
    {"nat", "find out what a NAT does, and whether its knobs say so", hp_cmd_nat},
    {"bench", "measure TURN against direct, or Hairpin itself", hp_cmd_bench},
    {"serve", "be a STUN and TURN server on this machine", hp_cmd_serve},
    {"explain", "say what a key of the scenario language means", hp_cmd_explain},
    {"schema", "print the JSON Schema, or the reference page, of the scenario language", hp_cmd_schema},
};

static void print_help(FILE *to)
{
    fprintf(to, "hairpin %s: a test rig for NAT traversal\n\nusage: hairpin COMMAND [OPTION...] [PATH...]\n\n",
            HAIRPIN_VERSION);
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].about);
    fprintf(to, "\n`hairpin COMMAND --help` tells a command's options.\n"
                "Exit codes: 0 as expected, 1 an expectation failed, 2 bad usage or scenario, 3 cannot run here.\n");
}

bool hp_cli_options(const char *synopsis, const char *about, const GOptionEntry *entries, int *argc, char ***argv)
{
    g_autoptr(GOptionContext) context = g_option_context_new(synopsis);
    g_autoptr(GError) error = NULL;
    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_set_summary(context, about);
    if (g_option_context_parse(context, argc, argv, &error))
        return true;
    fprintf(stderr, "hairpin: %s\n", error->message);
    return false;
}

int hp_cli_fail(const GError *error)
{
    fprintf(stderr, "hairpin: %s\n", error->message);
    if (error->domain == HP_ERROR && error->code == HP_ERROR_SCENARIO)
        return HP_EXIT_USAGE;
    return HP_EXIT_ENVIRONMENT;
}

int hp_cli_usage(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    fprintf(stderr, "hairpin: %s\n", message);
    return HP_EXIT_USAGE;
}

bool hp_cli_world(const char *command, const char *text, bool *ret_live)
{
    *ret_live = g_strcmp0(text, "live") == 0;
    if (!text || *ret_live || strcmp(text, "virtual") == 0)
        return true;
    hp_cli_usage("%s: --world takes virtual or live, not `%s`", command, text);
    return false;
}

/* What was printed must have arrived: a report that nobody got is no success. */
static int close_stdout(int code)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    fprintf(stderr, "hairpin: standard output: %s\n", errno != 0 ? g_strerror(errno) : "could not be written");
    return code == HP_EXIT_USAGE ? code : HP_EXIT_ENVIRONMENT;
}

static int carry_out(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return HP_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return HP_EXIT_GOOD;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("hairpin %s\n", HAIRPIN_VERSION);
        return HP_EXIT_GOOD;
    }
    const char *names[G_N_ELEMENTS(commands)];
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        names[i] = commands[i].name;
        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        g_autofree char *program = g_strdup_printf("hairpin %s", commands[i].name);
        g_set_prgname(program);
        return commands[i].run(argc - 1, argv + 1);
    }
    const char *near = hp_nearest_word(argv[1], names, G_N_ELEMENTS(names));
    return near ? hp_cli_usage("no command `%s`; did you mean `%s`?", argv[1], near)
                : hp_cli_usage("no command `%s`; `hairpin help` lists them", argv[1]);
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "");
    return close_stdout(carry_out(argc, argv));
}
