/* Distributions. Private to check/. */
#ifndef HP_CHECK_STATS_H
#define HP_CHECK_STATS_H

#include "check/result.h"

/* Changes the order of the samples. */
hp_distribution hp_distribution_of(hp_time *samples, size_t n);

#endif
