/* OUT/shard.json, "hairpin-shard/1": which part of which whole the results beside it are.
 *
 * result.json must not know of shards, or merging could not give what one run gives. This file does, so that merging can
 * tell a part that is missing, one that is there twice, and parts of different wholes. */
#ifndef HP_REPORT_SHARD_H
#define HP_REPORT_SHARD_H

#include <glib.h>
#include <stdbool.h>

#include "plan/plan.h"

#define HP_SHARD_FILE "shard.json"

typedef struct hp_shard {
    unsigned index, of; /* from 1; of 0: the whole */
    unsigned n_cases, n_all; /* in this part, in the whole */
    char list[65]; /* SHA-256 in hex over names and seeds of the whole, in order */
} hp_shard;

/* Digests the cases of the whole; index, of and n_cases are left to be filled in. */
void hp_shard_of_whole(hp_plan *const *plans, unsigned n_plans, hp_shard *ret);
/* Writes `folder`/shard.json, or removes it where the shard is the whole. False and HP_ERROR_IO. */
bool hp_shard_write(const hp_shard *shard, const char *folder, GError **error);
/* ret->of is 0 when there is no such file. False and HP_ERROR_IO, or HP_ERROR_INVALID naming the path. */
bool hp_shard_read(const char *folder, hp_shard *ret, GError **error);

#endif
