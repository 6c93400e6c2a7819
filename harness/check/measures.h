/* What a `media` expectation can ask of a track: one table of measures. Private to check/. */
#ifndef HP_CHECK_MEASURES_H
#define HP_CHECK_MEASURES_H

#include "check/track.h"

typedef struct hp_measure hp_measure;

/* The measures a scenario sets, in the order in which texts tell them; i < n. */
unsigned hp_measures_n(void);
const hp_measure *hp_measure_at(unsigned i);
const char *hp_measure_name(const hp_measure *m);
hp_unit hp_measure_unit(const hp_measure *m);
/* What was asked of it; not set: nothing. */
const hp_compare *hp_measure_asked(const hp_measure *m, const hp_sc_measures *asked);
/* Its value. base: what first-packet and first-frame count from. False, and why in *ret_why, when there is nothing that
 * could have one: then no comparison holds. */
bool hp_measure_value(const hp_measure *m, const hp_media_figures *figures, hp_time base, int64_t *ret,
                      const char **ret_why);
/* The capture record that shows the value, where one does; else 0. */
uint32_t hp_measure_packet(const hp_measure *m, const hp_track_facts *track, const hp_track_window *window,
                           const hp_track_evidence *evidence, int64_t value);

#endif
