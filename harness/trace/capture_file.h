/* Private to trace/: a recording's file, in a form that libpcap reads. */
#ifndef HP_TRACE_CAPTURE_FILE_H
#define HP_TRACE_CAPTURE_FILE_H

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

typedef struct hp_capture_file {
    FILE *stream; /* NULL once something else closes it */
    char *bytes; /* that the stream reads from, or NULL */
} hp_capture_file;

/* False, and HP_ERROR_IO, HP_ERROR_INVALID for what is no file, or HP_ERROR_LIMIT, naming the path. */
bool hp_capture_file_open(const char *path, hp_capture_file *ret, GError **error);
void hp_capture_file_close(hp_capture_file *file);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(hp_capture_file, hp_capture_file_close)

#endif
