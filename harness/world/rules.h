/* The scripted middlebox as a node: what comes in at its near side (port 0) leaves at the far one (port 1), and the
 * other way round, unless a rule says otherwise. The rules: config/rule.h. Wired between two nodes it stands before
 * the one's port and behind the other's; it decrements no TTL and is seen by nobody.
 *
 * Each hit is an event (rule-hit), and leaves a remark on the packet's capture record ("rule 2 (no-nomination):
 * rewritten"), a drop its own trace under the reason "rule". What the middlebox changed or made is recorded as it
 * leaves, at the tap named after it. */
#ifndef HP_WORLD_RULES_H
#define HP_WORLD_RULES_H

#include "config/rule.h"
#include "world/world.h"

typedef struct hp_rules hp_rules;

enum { HP_RULES_NEAR = 0, HP_RULES_FAR = 1 };

/* Without rules, it passes everything. */
hp_rules *hp_rules_new(hp_world *world, const char *name);
hp_node *hp_rules_node(hp_rules *rules);
/* Puts the middlebox into a wire: what `from` sends out of from_port comes in at `side` from now on, and leaves at the
 * other side to where it went before. One direction; all that is diverted at one side must have led to one place. */
void hp_rules_divert(hp_rules *rules, unsigned side, hp_node *from, unsigned from_port);
/* Where its own ICMP errors come from; NULL: it sends none of that family. */
void hp_rules_set_address(hp_rules *rules, const hp_addr *ipv4, const hp_addr *ipv6);

/* Replaces the list by a copy; counts begin anew, packets that are held or delayed are not touched. False, and nothing
 * changed, when a rule makes no sense; the message begins with its name. */
bool hp_rules_set(hp_rules *rules, const hp_rule *list, unsigned n, GError **error);
/* Switches the rule at `index` (from 0) on or off; its counts go on. */
void hp_rules_switch(hp_rules *rules, unsigned index, bool on);

typedef struct hp_rule_counts {
    uint64_t matched; /* packets of which everything the rule says held */
    uint64_t hits; /* those it was carried out on */
} hp_rule_counts;

unsigned hp_rules_n(const hp_rules *rules);
hp_rule_counts hp_rules_counts(const hp_rules *rules, unsigned index);
/* Packets that are delayed or held. */
unsigned hp_rules_n_waiting(const hp_rules *rules);

#endif
