/* The E-model of ITU-T G.107 (06/2015): how good a conversation sounds, from delay, loss and codec.
 *
 * Callers speak integers; floating point stays in hp_emodel_params, for those who want another room, another telephone
 * or another echo than the defaults of G.107 table 3. */
#ifndef HP_CHECK_EMODEL_H
#define HP_CHECK_EMODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

/* Codecs with the figures of G.113 appendix I. */
typedef enum hp_codec {
    HP_CODEC_G711, /* no concealment */
    HP_CODEC_G711_PLC, /* G.711 appendix I concealment: what a stream without a listed codec is rated as */
    HP_CODEC_G729A,
    HP_CODEC_G723_1, /* 6.3 kbit/s */
    HP_CODEC_GSM_EFR,
    HP_CODEC_N
} hp_codec;
const char *hp_codec_name(hp_codec codec); /* "G.711" */

/* The inputs of G.107 table 3, under the names it gives them. */
typedef struct hp_emodel_params {
    double slr, rlr, stmr, lstr, ds, dr, telr, wepl; /* dB, but ds and dr, which have no unit */
    double t, tr, ta; /* ms: echo path one way, echo path round trip, absolute one way */
    double qdu, ie, bpl, ppl, burst_r; /* ppl in percent */
    double nc, nfor; /* dBm0p, dBmp */
    double ps, pr; /* dB(A) */
    double a;
    double st, mt; /* delay sensitivity, least perceivable delay in ms (G.107 table 1) */
} hp_emodel_params;

/* The parts of R, for those who want to know what cost it. */
typedef struct hp_emodel_parts {
    double no, ro; /* (7-3), (7-2) */
    double is; /* (7-8) */
    double idte, idle, idd, id; /* (7-19), (7-25), (7-27), (7-18) */
    double ie_eff; /* (7-29) */
    double r; /* (7-1) */
} hp_emodel_parts;

hp_emodel_params hp_emodel_defaults(void);
hp_emodel_parts hp_emodel_compute(const hp_emodel_params *p);
/* G.107 (B-4); never below 1. */
double hp_emodel_mos(double r);

/* What was measured of a stream. */
typedef struct hp_emodel_input {
    hp_time delay; /* mouth to ear, one way */
    uint32_t loss_ppb; /* of what should have been played, late packets included */
    uint32_t burst_milli; /* burst ratio, thousandths; 0 or 1000: random loss. See hp_emodel_burst_milli() */
    hp_codec codec;
    int32_t advantage; /* A, whole points */
    uint32_t telr_db; /* 0: 65 */
} hp_emodel_input;

typedef struct hp_emodel_score {
    int32_t r_milli; /* R, thousandths; 93206 with nothing wrong; may fall below 0 */
    uint32_t mos_milli; /* 1000 to 4500 */
} hp_emodel_score;

/* Delay beyond an hour counts as an hour, loss beyond all of it as all of it. */
hp_emodel_score hp_emodel_rate(const hp_emodel_input *input);

/* BurstR (G.107 clause 7.5): the mean length of the runs in which packets went missing over the mean length that random
 * loss of the same rate would give, which is 1 / (1 - loss). Thousandths, rounded down; 1000 without loss, and where
 * all was lost. runs: of neighbouring lost packets. */
uint32_t hp_emodel_burst_milli(uint64_t expected, uint64_t lost, uint64_t runs);

#endif
