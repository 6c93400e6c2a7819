/* The command that runs a case again, with this seed and nothing else of its file, whatever the run was that it was part
 * of: every word is quoted where a POSIX shell needs it. */
#include "report/report.h"

#include <string.h>

void hp_report_append_word(GString *command, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./=,@:+-";
    g_string_append_c(command, ' ');
    if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
        g_string_append(command, word);
    } else {
        g_autofree char *quoted = g_shell_quote(word);
        g_string_append(command, quoted);
    }
}

char *hp_report_again(const hp_plan *plan, bool live)
{
    static const char in_live[] = " --world live";
    if (plan->again != NULL) {
        return g_strconcat(plan->again, live ? in_live : NULL, NULL);
    }
    const hp_scenario *s = plan->scenario;
    GString *command = g_string_new("hairpin run");
    hp_report_append_word(command, s->file);
    g_string_append_printf(command, " --seed %" G_GUINT64_FORMAT, plan->seed);
    /* A file given by itself gives cases another folder than the walk that found this one, but the same label. What
     * --repeat put behind the label is no part of it. */
    const char *label = s->label != NULL && s->label[0] != '\0' ? strchr(plan->case_name, '[') : NULL;
    const char *end = label != NULL ? strrchr(label, ']') : NULL;
    if (end != NULL) {
        g_autofree char *filter = g_strndup(label, (gsize)(end + 1 - label));
        g_string_append(command, " --filter");
        hp_report_append_word(command, filter);
    }
    if (live) {
        g_string_append(command, in_live);
    }
    return g_string_free(command, FALSE);
}
