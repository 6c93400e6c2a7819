/* GStreamer's plugins, each by its file. */
#ifndef HP_ADAPTERS_WEBRTCBIN_PLUGINS_H
#define HP_ADAPTERS_WEBRTCBIN_PLUGINS_H

#include <glib.h>
#include <stdbool.h>

/* Before gst_init(): no plugin is searched for, no registry is read or written. */
void plugins_no_registry(void);
/* After gst_init(): loads what this program needs. NULL, or the Debian packages that are missing; caller frees. */
char *plugins_load(void);
/* The same answer without loading anything. */
char *plugins_missing(void);

#endif
