/* Private to programs/: the log of a program, which is a file that a foreign program writes and that may be of any length
 * and hold anything. */
#ifndef HP_PROGRAMS_CREW_LOG_H
#define HP_PROGRAMS_CREW_LOG_H

#include <glib.h>
#include <stdbool.h>

/* A program that writes more would fill the disk. A macro, because texts have it. */
#define HP_CREW_LOG_MIB 256

/* Its last line, as far as it is UTF-8 and not too long; "" without any. Caller frees. */
char *hp_crew_log_last_line(const char *path);
bool hp_crew_log_is_flooded(const char *path);
/* HP_CREW_LOG_MIB at most; nothing is copied of one that is empty or not there. False and HP_ERROR_IO naming `to`. */
bool hp_crew_log_copy(const char *path, const char *to, GError **error);

#endif
