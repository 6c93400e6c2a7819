/* How many descriptors the process may have open. */
#ifndef HP_LIVE_DESCRIPTORS_H
#define HP_LIVE_DESCRIPTORS_H

/* As many as it may ask for: a run holds several for each host, a TURN server one for each allocation. */
void hp_descriptors_raise(void);
/* As many as before, for programs that are not ours: some use select(), or walk through all numbers. */
void hp_descriptors_restore(void);

#endif
