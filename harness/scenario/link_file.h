/* Private to scenario/: the files that a link's keys name, and the arrays in them. */
#ifndef HP_SCENARIO_LINK_FILE_H
#define HP_SCENARIO_LINK_FILE_H

#include "scenario/value.h"

/* Paths to what was read, or why it could not be. The arrays live as long as the table. */
GHashTable *hp_link_files_new(void);

/* Whether a value is a file's name, where durations may stand too: whatever begins like a number is none. A file whose
 * name begins with a digit is written with its folder: ./5g.txt. */
bool hp_link_file_is_named(const char *text);

/* Points an array field (HP_V_DELAYS, HP_V_OPPORTUNITIES) at what the file of that name holds. Reports at node and
 * leaves the field alone when the file will not do. */
bool hp_link_file_read(hp_loader *l, const hp_key *key, const hp_tree *node, void *base);

#endif
