/* A buffered writer for evidence: to a file that is either whole or absent, or to memory. Errors stick and show when
 * it is closed, so that writers run straight down. */
#ifndef HP_TRACE_OUTPUT_H
#define HP_TRACE_OUTPUT_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/addr.h"

typedef struct hp_output {
    char *buffer, *at, *end;
    char *path, *part_path; /* NULL in memory; part_path NULL when path is written in place */
    int fd; /* -1 in memory */
    int error; /* errno of the first failure */
} hp_output;

/* What a file that is being written has behind its name. */
#define HP_OUTPUT_PART ".part"

/* Writes path + ".part", renamed to path by hp_output_close(). What is there and is no plain file (a pipe, a
 * terminal) is written in place. NULL and HP_ERROR_IO naming the path. */
hp_output *hp_output_open(const char *path, GError **error);
hp_output *hp_output_memory(void);
/* Ends a file and frees the writer. False and HP_ERROR_IO naming the path when anything failed; nothing is left under
 * that name, or what was there before. */
bool hp_output_close(hp_output *o, GError **error);
/* Ends a writer in memory: its text, NUL-terminated. Caller frees. */
char *hp_output_take(hp_output *o, size_t *ret_length /* may be NULL */);
/* Throws away what was written, the partial file included. */
void hp_output_abandon(hp_output *o);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_output, hp_output_abandon)

/* Makes room for n bytes, at most HP_OUTPUT_ROOM; they may be written at o->at then, which is to be moved past them. */
#define HP_OUTPUT_ROOM 4096
void hp_output_flush(hp_output *o);
static inline char *hp_output_room(hp_output *o, size_t n)
{
    if ((size_t)(o->end - o->at) < n) {
        hp_output_flush(o);
    }
    return o->at;
}

void hp_output_long(hp_output *o, const void *bytes, size_t n); /* where n bytes do not fit what is left */
static inline void hp_output_bytes(hp_output *o, const void *bytes, size_t n)
{
    if ((size_t)(o->end - o->at) < n) {
        hp_output_long(o, bytes, n);
    } else if (n > 0) {
        memcpy(o->at, bytes, n);
        o->at += n;
    }
}
static inline void hp_output_text(hp_output *o, const char *text)
{
    hp_output_bytes(o, text, strlen(text));
}
static inline void hp_output_char(hp_output *o, char c)
{
    *hp_output_room(o, 1) = c;
    o->at++;
}
#define hp_output_literal(o, text) hp_output_bytes((o), "" text, sizeof(text) - 1)
void hp_output_u64(hp_output *o, uint64_t value);
void hp_output_i64(hp_output *o, int64_t value);
void hp_output_printf(hp_output *o, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* As hp_addr_format(). */
void hp_output_addr(hp_output *o, const hp_addr *addr);
/* A JSON string with its quotes; NULL is written as "". A byte that is no part of UTF-8 becomes U+FFFD. */
void hp_output_json(hp_output *o, const char *text);

#endif
