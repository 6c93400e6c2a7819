/* Private to plan/: what the rules of the lint share. */
#ifndef HP_PLAN_LINT_H
#define HP_PLAN_LINT_H

#include "plan/plan.h"

typedef struct hp_lint {
    const hp_plan *plan;
    const hp_scenario *scenario;
    hp_diags *diags;
    hp_time *earliest; /* a lower bound of each step's run time */
} hp_lint;

/* A call as a rule looks for it: NULL is any. */
typedef bool (*hp_lint_call)(const hp_call_config *config);

/* Warns once; hint may be NULL. */
void hp_lint_warn(const hp_lint *l, hp_mark mark, const char *hint, const char *format, ...) G_GNUC_PRINTF(4, 5);
bool hp_lint_is_named(char **names, const char *name);
/* Whether a call of the first n steps that fits joins a and b. NULL for a name: anyone; broadcasts may join any two. */
bool hp_lint_is_called(const hp_lint *l, unsigned n, const char *a, const char *b, hp_lint_call fits);
/* Whether a send step before step n makes a flow that from, to and channel (NULL: any) let through. */
bool hp_lint_has_flow(const hp_lint *l, unsigned n, const char *from, const char *to, const char *channel);

/* Rules about DNS (lint_names.c). */
void hp_lint_names(const hp_lint *l);

/* Whether anybody is in a zone. */
bool hp_lint_is_inhabited(const hp_plan *plan, unsigned zone);

/* Firewalls, and the scenario's rules (lint_rules.c). */
void hp_lint_rules(const hp_lint *l);
/* Raw peers (lint_raw.c): whether such a peer's script names somebody anywhere; whether anyone has a script; their
 * rules. */
bool hp_lint_speaks_of(const hp_sc_peer *peer, const char *name);
bool hp_lint_has_script(const hp_lint *l);
/* A raw peer signals: it may call, or join in a call that no step makes. */
bool hp_lint_raw_signals(const hp_lint *l);
void hp_lint_raw(const hp_lint *l);

/* Rules about media and data channels, and the calls that have audio or video (lint_media.c). */
bool hp_lint_has_track(const hp_call_config *call);
void hp_lint_media(const hp_lint *l);

/* Rules about ports that are asked for (lint_port_mapping.c). */
void hp_lint_port_mapping(const hp_lint *l);

#endif
