/* What plots over time mark: steps, and what happens to the network while a call goes on. Waiting is no mark. */
#include "report/ladder_private.h"

typedef char *(*text_fn)(const hp_evidence_line *line);

static char *step_text(const hp_evidence_line *line)
{
    const char *target = hp_evidence_text(line->object, "target");
    if (g_str_has_prefix(line->subject, "wait")) {
        return NULL;
    }
    return g_strdup_printf("%s%s%s", line->subject, target[0] != '\0' ? " " : "", target);
}

static char *changed_text(const hp_evidence_line *line)
{
    return g_strdup_printf("%s: %s", line->subject, hp_evidence_text(line->object, "what"));
}

static char *rule_text(const hp_evidence_line *line)
{
    return g_strdup_printf("rule %s %s", line->subject, hp_evidence_text(line->object, "state"));
}

static char *stopped_text(const hp_evidence_line *line)
{
    return g_strdup_printf("%s stopped", line->subject);
}

/* That servers run from the beginning is no news. */
static char *started_text(const hp_evidence_line *line)
{
    return line->at > 0 ? g_strdup_printf("%s started", line->subject) : NULL;
}

static char *restart_text(const hp_evidence_line *line)
{
    return g_strdup_printf("%s restarts ICE", line->subject);
}

static const struct {
    const char *kind;
    text_fn text;
} marks[HP_EV_N] = {
    [HP_EV_STEP] = {"step", step_text},
    [HP_EV_NAT_CHANGED] = {"nat", changed_text},
    [HP_EV_LINK_CHANGED] = {"link", changed_text},
    [HP_EV_FIREWALL_CHANGED] = {"firewall", changed_text},
    [HP_EV_RULE_SWITCHED] = {"rule", rule_text},
    [HP_EV_SERVER_STOPPED] = {"server", stopped_text},
    [HP_EV_SERVER_STARTED] = {"server", started_text},
    [HP_EV_ICE_RESTART] = {"restart", restart_text},
};

void hp_ladder_add_mark(const hp_ladder_builder *b, const hp_evidence_line *line)
{
    char *text = marks[line->event].text != NULL ? marks[line->event].text(line) : NULL;
    if (text != NULL) {
        hp_ladder_mark *mark = g_new0(hp_ladder_mark, 1);
        *mark = (hp_ladder_mark){.at = line->at, .kind = marks[line->event].kind, .text = text};
        g_ptr_array_add(b->ladder->marks, mark);
    }
}
