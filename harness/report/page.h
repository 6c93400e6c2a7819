/* report.html: one file that shows a run. The page itself (its markup, style and script) is built from page/ and carried
 * in the program; here data is put into it, before </body>:
 *
 *   <script type="application/json" id="hairpin-index">    one object, "hairpin-page/1": totals, and a row for each case
 *   <script type="text/plain" id="hairpin-chunk-K">        base64 of raw deflate of a JSON array of details, one a case
 *
 * A row says in which chunk and where in it its case's detail is, so that opening a case inflates one chunk. The bytes
 * depend on what is read alone, not on how many threads made them. */
#ifndef HP_REPORT_PAGE_H
#define HP_REPORT_PAGE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define HP_PAGE_FORMAT "hairpin-page/1"

typedef struct hp_page_options {
    const char *title; /* NULL: "Hairpin report" */
    const char *command; /* the one that made the run; NULL: not known */
    const char *bench; /* a file with a "hairpin-bench/1" document; NULL: none */
    const char *agree; /* a file with a "hairpin-agree/1" document; NULL: none */
    unsigned jobs; /* threads; 0: one a core */
} hp_page_options;

typedef struct hp_page_figures {
    unsigned cases, chunks;
    unsigned with_evidence; /* cases whose evidence was there */
    unsigned spoilt; /* of those: could not be read as a whole; the page says what is missing */
    uint64_t bytes; /* of the file */
} hp_page_figures;

/* Writes `path` from what a run left in `folder`: its result.json ("hairpin-run/1", or a single case's), else the
 * result.json files below it; and the evidence folders beside. folder NULL: a page of a bench alone. ret may be NULL.
 * False and HP_ERROR_IO naming a path, or HP_ERROR_INVALID when there is nothing to show. */
bool hp_page_write(const char *folder, const char *path, const hp_page_options *options, hp_page_figures *ret,
                   GError **error);

#endif
