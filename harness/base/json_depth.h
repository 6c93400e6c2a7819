/* Whether JSON of strangers may be given to a parser that calls itself for every level of nesting. */
#ifndef HP_BASE_JSON_DEPTH_H
#define HP_BASE_JSON_DEPTH_H

#include <stdbool.h>
#include <stddef.h>

/* Levels of objects and arrays that anything of ours nests, with room to spare. */
enum { HP_JSON_MAX_DEPTH = 64 };

/* False when the text nests deeper than HP_JSON_MAX_DEPTH: json-glib would run out of stack at some 50,000 levels. Says
 * nothing else of the text, which need not be JSON. */
bool hp_json_is_shallow(const char *text, size_t len);

#endif
