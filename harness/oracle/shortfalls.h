/* What libnice 0.1.21 is known not to do, although ICE could: where a run falls short of the prediction for one of
 * these reasons, it is told as such and is no finding. Every entry was seen in a run and found in libnice's source. */
#ifndef HP_ORACLE_SHORTFALLS_H
#define HP_ORACLE_SHORTFALLS_H

#include "oracle/oracle.h"

typedef struct hp_shortfall {
    const char *name; /* "one-address" */
    const char *cause; /* a clause */
    const char *where; /* in libnice's source: file and function */
} hp_shortfall;

/* The table, from 0; NULL past its end. */
const hp_shortfall *hp_shortfall_nth(size_t n);
/* The one that accounts for a run which the prediction does not allow, or NULL. What happened as for
 * hp_oracle_allows(). */
const hp_shortfall *hp_shortfall_find(const hp_oracle *oracle, const hp_prediction *prediction, hp_outcome happened,
                                      uint8_t local, uint8_t remote);

#endif
