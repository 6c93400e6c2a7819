/* Distributions. Private to check/. */
#ifndef HP_CHECK_STATS_H
#define HP_CHECK_STATS_H

#include "check/result.h"

/* Sorts the samples in place. */
hp_distribution hp_distribution_of(hp_time *samples, size_t n);

#endif
