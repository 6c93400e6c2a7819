/* Private to report/: the parts of report.html's data.
 *
 *   page.c           the file: template, index, chunks in order; cases spread over threads
 *   page_source.c    which cases there are, and where their results and evidence lie
 *   page_index.c     a case's row
 *   page_detail.c    a case's detail: its result, ladder, pairs and marks; page_ladder.c the ladder
 *   page_keep.c      which entries of a long ladder are shown
 *   page_packets.c   fields of packets
 *   page_series.c    long series made shorter
 *   page_chunk.c     deflate, base64, and JSON that is safe inside a script element
 *   page_template.c  the page, as it was built */
#ifndef HP_REPORT_PAGE_PRIVATE_H
#define HP_REPORT_PAGE_PRIVATE_H

#include <json-glib/json-glib.h>

#include "report/json_writer.h"
#include "report/ladder.h"
#include "report/page.h"
#include "report/run_read.h"

enum {
    HP_PAGE_ENTRIES = 400, /* of a good case's ladder; page_keep.c chooses them */
    HP_PAGE_ENTRIES_BAD = 2000, /* of one that is not good */
    HP_PAGE_POINTS = 1200, /* of a series; longer ones are thinned */
};

/* ---- page_source.c ---- */

typedef struct hp_page_case {
    char *name;
    hp_verdict verdict;
    const char *text; /* its result document; borrowed from the source */
    size_t length;
    char *folder; /* where its evidence would be */
} hp_page_case;

typedef struct hp_page_source {
    GPtrArray *cases; /* hp_page_case*, ordered by name */
    hp_run_file *run; /* OUT/result.json, or NULL */
    GPtrArray *maps; /* GMappedFile*: result.json files of single cases */
} hp_page_source;

hp_page_source *hp_page_source_open(const char *folder, GError **error);
void hp_page_source_free(hp_page_source *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_page_source, hp_page_source_free)
typedef enum hp_page_evidence {
    HP_PAGE_NO_EVIDENCE, /* none was kept */
    HP_PAGE_EVIDENCE, /* of this very run, or spoilt so that nobody can tell */
    HP_PAGE_OTHER_EVIDENCE, /* of another run of that case */
} hp_page_evidence;

hp_page_evidence hp_page_find_evidence(const hp_page_case *c);

/* ---- rows and details ---- */

/* An object without its end: chunk and place are to follow. */
void hp_page_row(hp_json *j, JsonObject *result, bool evidence);
/* The names of matrix axes, as rows have them; NULL-terminated, empty without a matrix. Caller frees with g_strfreev(). */
char **hp_page_axes(JsonObject *result);
/* Thins the result's series. Returns whether the evidence, where there is any, could be read as a whole. */
bool hp_page_detail(hp_json *j, JsonObject *result, const hp_page_case *c, hp_page_evidence evidence);
/* Members "ladder", "pairs" and "marks" from evidence. */
bool hp_page_ladder(hp_json *j, const char *folder, JsonObject *result);
/* Indices (unsigned) of the entries that are shown, ascending, `cap` of them at most; the last is always one. Caller
 * unrefs. */
GArray *hp_page_keep(const hp_ladder *ladder, JsonObject *result, unsigned cap);
/* The same without; complaint NULL: there is nothing to say of it. */
void hp_page_no_ladder(hp_json *j, const char *complaint);
void hp_page_thin_series(JsonObject *result);

/* ---- page_packets.c ---- */

typedef struct hp_page_packets hp_page_packets;
/* The packets that kept entries and expectations speak of, decoded in one pass over the capture that reads no others. */
hp_page_packets *hp_page_packets_read(const hp_ladder *ladder, const GArray *kept, JsonObject *result,
                                      const char *folder);
void hp_page_packets_free(hp_page_packets *packets);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_page_packets, hp_page_packets_free)
/* Member "fields" of an entry: of its packet, or of its event. */
void hp_page_put_fields(hp_json *j, const hp_page_packets *packets, const hp_ladder_entry *e);
/* Member "packets": those that an expectation names and no shown entry has as its own, one of several that say the same
 * most of all. Each with its fields and, as "entry", the place among the shown ones of the entry that it belongs to or
 * stands behind; null: none is before it. */
void hp_page_put_packets(hp_json *j, const hp_page_packets *packets, const hp_ladder *ladder, const GArray *kept);

/* ---- page_chunk.c ---- */

/* Any JSON value, as a member. */
void hp_page_node(hp_json *j, const char *key, JsonNode *node);
/* Base64 of raw deflate. Caller frees. */
char *hp_page_pack(const void *data, size_t length, size_t *ret_length);
/* The same JSON with nothing in it that could end a script element or begin another: `<` and `>` and `&` are told by
 * number, which they are only inside of strings. Caller frees. */
char *hp_page_safe_json(const char *json);

/* ---- page_template.c ---- */

/* What stands before and after the place of the data. Not NUL-terminated. */
void hp_page_template(const char **ret_head, size_t *ret_head_length, const char **ret_tail, size_t *ret_tail_length);

#endif
