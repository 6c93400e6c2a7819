/* `hairpin show`: a run's evidence as a ladder diagram in the terminal.
 *
 * Box drawing where the locale is UTF-8, colours where a terminal listens, both as the options say otherwise. Evidence
 * that cannot be read as a whole is shown as far as it can, and makes the exit code 2. */
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/run_output.h"
#include "report/ladder_text.h"

enum { PLAIN_WIDTH = 80 };

static unsigned terminal_width(void)
{
    struct winsize size = {0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
        return PLAIN_WIDTH;
    }
    return CLAMP(size.ws_col, HP_LADDER_MIN_WIDTH, HP_LADDER_MAX_WIDTH);
}

static bool read_time(const char *option, const char *text, hp_time *ret)
{
    if (text != NULL && !hp_time_parse(text, ret)) {
        hp_cli_usage("show: %s: `%s` is no time; say for example 1.5s or 200ms", option, text);
        return false;
    }
    return true;
}

static int show(const char *folder, const hp_ladder_options *options, const hp_ladder_style *style)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(hp_ladder) ladder = hp_ladder_read(folder, options, &error);
    if (ladder == NULL) {
        return hp_cli_usage("show: %s", error->message);
    }
    g_autofree char *text = hp_ladder_text(ladder, style);
    fputs(text, stdout);
    if (ladder->complaint == NULL) {
        return HP_EXIT_GOOD;
    }
    (void)fflush(stdout);
    g_auto(GStrv) lines = g_strsplit(ladder->complaint, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        hp_cli_usage("show: %s", *line);
    }
    return hp_cli_usage("show: the evidence is not whole; what could be read of it is shown above");
}

int hp_cmd_show(int argc, char **argv)
{
    gboolean packets = FALSE, ascii = FALSE, no_colour = FALSE;
    g_autofree char *from = NULL, *to = NULL;
    int width = 0;
    g_auto(GStrv) peers = NULL, folders = NULL;
    const GOptionEntry entries[] = {
        {"packets", 0, 0, G_OPTION_ARG_NONE, &packets, "every packet between hosts, nothing folded", NULL},
        {"from", 0, 0, G_OPTION_ARG_STRING, &from, "only from this run time on", "T"},
        {"to", 0, 0, G_OPTION_ARG_STRING, &to, "only up to this run time", "T"},
        {"peer", 0, 0, G_OPTION_ARG_STRING_ARRAY, &peers, "only what this peer or server has a part in; again for more",
         "NAME"},
        {"width", 0, 0, G_OPTION_ARG_INT, &width, "columns; otherwise those of the terminal, or 80", "N"},
        {"ascii", 0, 0, G_OPTION_ARG_NONE, &ascii, "no characters but ASCII", NULL},
        {"no-color", 0, 0, G_OPTION_ARG_NONE, &no_colour, "no colours, on a terminal too", NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &folders, NULL, "FOLDER"},
        {NULL}};
    if (!hp_cli_options("- draw a run as a ladder diagram",
                        "FOLDER is the evidence of one case, as `run` writes it: out/basics/symmetric-turn.", entries,
                        &argc, &argv)) {
        return HP_EXIT_USAGE;
    }
    if (folders == NULL || folders[1] != NULL) {
        return hp_cli_usage(folders == NULL ? "show: which run? Give the folder of its evidence, as out/basics/ipv6"
                                            : "show: one folder at a time");
    }
    if (width != 0 && (width < HP_LADDER_MIN_WIDTH || width > HP_LADDER_MAX_WIDTH)) {
        return hp_cli_usage("show: --width: between %d and %d columns, not %d", HP_LADDER_MIN_WIDTH,
                            HP_LADDER_MAX_WIDTH, width);
    }
    hp_ladder_options options = {.packets = packets, .to = HP_NEVER, .peers = peers};
    if (!read_time("--from", from, &options.from) || !read_time("--to", to, &options.to)) {
        return HP_EXIT_USAGE;
    }
    if (options.from > options.to) {
        return hp_cli_usage("show: --from %s is after --to %s", from, to);
    }
    const hp_ladder_style style = {.width = width != 0 ? (unsigned)width : terminal_width(),
                                   .ascii = ascii || !g_get_charset(NULL),
                                   .colour = !no_colour && hp_run_output_has_colour()};
    return show(folders[0], &options, &style);
}
