/* Private to Chromium as a peer: the files behind its page's address. */
#ifndef HP_PROGRAMS_CHROMIUM_PAGES_H
#define HP_PROGRAMS_CHROMIUM_PAGES_H

#include <glib.h>

/* What is put into every document before its own scripts. */
const char *hp_chromium_observer(size_t *ret_length);

/* The file of that path ("/", "/peer.js?x"): of our own page, or, with page (a file's name), that file as "/" and what
 * lies in its folder and below. NULL: there is none. *ret_type is its media type, a literal. */
GBytes *hp_chromium_file(const char *page, const char *path, const char **ret_type);

/* By the end of a name: "text/html"; "application/octet-stream" where that says nothing. A literal. */
const char *hp_media_type_of_file(const char *name);

/* The file below a folder that the path of a URL names, its query and what is written as %XX taken care of; "/" is
 * index.html. Caller frees. NULL: it is none, or leads out of the folder. */
char *hp_file_below(const char *folder, const char *path);

#endif
