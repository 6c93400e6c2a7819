/* Readers of the files from which a link's arrays are filled: text in, array out. Nothing here opens a file. */
#ifndef HP_CONFIG_LINK_FILES_H
#define HP_CONFIG_LINK_FILES_H

#include <glib.h>

#include "base/time.h"

/* A trace of opportunities to send, as mahimahi has them: one whole number of milliseconds a line, none smaller than
 * the one before, the last above 0. The same number on several lines is as many opportunities. */
hp_time *hp_link_file_opportunities(const char *text, gsize length, const char *name, unsigned *ret_n, GError **error);

/* Delays, one a line: a span with its unit ("12.5ms", "800us"), or a bare number of milliseconds. */
hp_time *hp_link_file_delays(const char *text, gsize length, const char *name, unsigned *ret_n, GError **error);

/* Both: blank lines and what follows a `#` are skipped; a line may end in CR LF. The array is the caller's, g_free().
 * NULL with an error "NAME:LINE: what is wrong" (HP_ERROR_INVALID; HP_ERROR_LIMIT above HP_LINK_FILE_MAX entries);
 * *ret_n is untouched then. */
enum { HP_LINK_FILE_MAX = 4000000 };

#endif
