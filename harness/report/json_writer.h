/* Writing JSON. Private to report/. */
#ifndef HP_REPORT_JSON_WRITER_H
#define HP_REPORT_JSON_WRITER_H

#include "check/result.h"
#include "trace/output.h"

typedef struct hp_json {
    hp_output *o;
    unsigned depth;
    bool first; /* nothing is in the present object or array yet */
    bool one_line; /* no white space at all */
} hp_json;

/* Begins a member; key NULL inside an array, here and below. */
void hp_json_member(hp_json *j, const char *key);
void hp_json_open(hp_json *j, const char *key, char bracket);
void hp_json_close(hp_json *j, char bracket);
void hp_json_text(hp_json *j, const char *key, const char *text); /* NULL: null */
void hp_json_u64(hp_json *j, const char *key, uint64_t value);
void hp_json_i64(hp_json *j, const char *key, int64_t value);
void hp_json_bool(hp_json *j, const char *key, bool value);
void hp_json_time(hp_json *j, const char *key, hp_time t); /* HP_NEVER: null */
void hp_json_addr(hp_json *j, const char *key, const hp_addr *addr);
void hp_json_distribution(hp_json *j, const char *key, const hp_distribution *d);
/* An array of texts; words NULL-terminated, or NULL for none. */
void hp_json_words(hp_json *j, const char *key, char *const *words);
/* An array of n whole numbers on one line: `size` bytes (a uint32_t or a uint64_t) at every `stride` from `first`. */
void hp_json_row(hp_json *j, const char *key, const void *first, size_t stride, size_t size, unsigned n);

/* json_media.c: the "tracks" and "dtls" of a result. */
void hp_json_tracks(hp_json *j, const hp_result *result);
void hp_json_dtls(hp_json *j, const hp_result *result);
/* json_oracle.c: the "oracle" of a result. */
void hp_json_oracle(hp_json *j, const hp_result *result);
/* json_network.c: the "network", the topology as the plan has it. */
void hp_json_network(hp_json *j, const hp_plan *plan);
/* json_live.c: the "world" and the "live" of a result of the live world; nothing for others. */
void hp_json_live(hp_json *j, const hp_result *result);
/* json_path.c: the "path", the way that each two peers had, and why it was no better. */
void hp_json_path(hp_json *j, const hp_result *result);

#endif
