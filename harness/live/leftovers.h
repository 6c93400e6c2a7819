/* The private folder of a run, which the next run takes away if this one is killed. */
#ifndef HP_LIVE_LEFTOVERS_H
#define HP_LIVE_LEFTOVERS_H

#include <glib.h>

typedef struct hp_run_folder hp_run_folder;

/* First removes the folders that killed runs have left in `base` (NULL: the folder for temporary files), then makes one
 * that only this user can look into. It is locked by the calling process: not by its children. NULL and HP_ERROR_IO. */
hp_run_folder *hp_run_folder_new(const char *base, GError **error);
const char *hp_run_folder_path(const hp_run_folder *folder);
/* Removes it with all that is in it, in the process that made it; elsewhere only the handle goes. */
void hp_run_folder_free(hp_run_folder *folder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_run_folder, hp_run_folder_free)

/* Removes what killed runs have left; returns how many folders. */
unsigned hp_run_folders_clean(const char *base);

#endif
