/* Theory of operation.
 *
 * R = Ro - Is - Id - Ie-eff + A (G.107 equation 7-1): a signal-to-noise ratio, less what speaks at the same time as the
 * signal (loudness, sidetone, quantisation), less what delay spoils (talker echo, listener echo, absolute delay), less
 * what codec and lost packets spoil. Every function below is one clause and cites its equations. Annex B turns R into a
 * mean opinion score.
 *
 * Of all this a packet network moves three inputs: delay (T = Ta, Tr = 2 T, as in G.107 for four-wire paths), loss with
 * its burstiness, and the codec. The others stay at the defaults of table 3 unless a caller fills hp_emodel_params.
 *
 * Limits: the narrow-band model of telephones, so that the best score is 4.41 whatever the codec; wideband has a model
 * of its own (G.107.1). G.113 lists no figures for Opus: rate it as HP_CODEC_G711_PLC and compare scores with each
 * other. A burst ratio is only defined where Ppl stays small; G.107 validated it up to 8 for Ppl below 2 %.
 *
 * Logarithm and exponential are made here of additions, multiplications and divisions, whose results IEEE 754 fixes to
 * the last bit. The C library's differ in it with the processor, and a verdict must not. */
#include "check/emodel.h"

#include <assert.h>
#include <glib.h>
#include <math.h>

static const struct {
    const char *name;
    double ie, bpl;
} codecs[] = {
    [HP_CODEC_G711] = {"G.711", 0, 4.3},     [HP_CODEC_G711_PLC] = {"G.711 with concealment", 0, 25.1},
    [HP_CODEC_G729A] = {"G.729A", 11, 19},   [HP_CODEC_G723_1] = {"G.723.1", 15, 16.1},
    [HP_CODEC_GSM_EFR] = {"GSM EFR", 5, 10},
};
static_assert(G_N_ELEMENTS(codecs) == HP_CODEC_N, "a codec lacks its figures");

const char *hp_codec_name(hp_codec codec)
{
    return codecs[codec].name;
}

#define LN_2 0.693147180559945309417
#define LN_10 2.302585092994045684018

/* x > 0: x = m * 2^e with m in [0.5, 1), ln m = 2 artanh((m - 1) / (m + 1)), whose argument is in [-1/3, 0). */
static double natural_log(double x)
{
    int exponent;
    double m = frexp(x, &exponent), q = (m - 1) / (m + 1), square = q * q, power = q, sum = 0;
    for (int k = 1; k < 41; k += 2) {
        sum += power / k;
        power *= square;
    }
    return 2 * sum + exponent * LN_2;
}

/* e^x = 2^n * e^r with |r| <= ln 2 / 2. */
static double exponential(double x)
{
    if (x < -700)
        return 0;
    int n = (int)(x / LN_2 + (x < 0 ? -0.5 : 0.5));
    double r = x - n * LN_2, term = 1, sum = 1;
    for (int k = 1; k < 20; k++) {
        term *= r / k;
        sum += term;
    }
    return ldexp(sum, n);
}

static double lg(double x)
{
    return natural_log(x) / LN_10;
}

/* base^exponent for base >= 0. */
static double power_of(double base, double exponent)
{
    return base <= 0 ? 0 : exponential(exponent * natural_log(base));
}

/* base^n for a whole n, where base may be negative. */
static double whole_power(double base, unsigned n)
{
    double result = 1;
    for (unsigned i = 0; i < n; i++)
        result *= base;
    return result;
}

static double decibels(double x)
{
    return power_of(10, x / 10);
}

static double square_root(double x)
{
    return power_of(x, 0.5);
}

/* Table 3. */
hp_emodel_params hp_emodel_defaults(void)
{
    return (hp_emodel_params){
        .slr = 8,
        .rlr = 2,
        .stmr = 15,
        .lstr = 18,
        .ds = 3,
        .dr = 3,
        .telr = 65,
        .wepl = 110,
        .qdu = 1,
        .bpl = 4.3,
        .burst_r = 1,
        .nc = -70,
        .nfor = -64,
        .ps = 35,
        .pr = 35,
        .st = 1,
        .mt = 100,
    };
}

/* Clause 7.2: all noise, referred to the 0 dBr point. */
static double noise(const hp_emodel_params *p)
{
    double olr = p->slr + p->rlr, send = p->ps - olr - p->ds - 14;
    double nos = p->ps - p->slr - p->ds - 100 + 0.004 * send * send; /* (7-4) */
    double pre = p->pr + 10 * lg(1 + decibels(10 - p->lstr)); /* (7-6) */
    double nor = p->rlr - 121 + pre + 0.008 * (pre - 35) * (pre - 35); /* (7-5) */
    double nfo = p->nfor + p->rlr; /* (7-7) */
    return 10 * lg(decibels(p->nc) + decibels(nos) + decibels(nor) + decibels(nfo)); /* (7-3) */
}

/* (7-11), (7-12). */
static double sidetone(const hp_emodel_params *p)
{
    double stmro = -10 * lg(decibels(-p->stmr) + exponential(-p->t / 4) * decibels(-p->telr));
    return 12 * power_of(1 + whole_power((stmro - 13) / 6, 8), 1.0 / 8) -
           28 * power_of(1 + whole_power((stmro + 1) / 19.4, 35), 1.0 / 35) -
           13 * power_of(1 + whole_power((stmro - 3) / 33, 13), 1.0 / 13) + 29;
}

/* (7-9), (7-10). */
static double loudness(const hp_emodel_params *p, double no)
{
    double xolr = p->slr + p->rlr + 0.2 * (64 + no - p->rlr);
    return 20 * (power_of(1 + whole_power(xolr / 8, 8), 1.0 / 8) - xolr / 8);
}

/* (7-13) to (7-17). */
static double quantisation(const hp_emodel_params *p, double ro)
{
    double q = 37 - 15 * lg(p->qdu < 1 ? 1 : p->qdu);
    double g = 1.07 + 0.258 * q + 0.0602 * q * q;
    double y = (ro - 100) / 15 + 46 / 8.4 - g / 9, z = 46.0 / 30 - g / 40;
    return 15 * lg(1 + power_of(10, y) + power_of(10, z));
}

/* (7-19) to (7-24). */
static double talker_echo(const hp_emodel_params *p, double no, double ist)
{
    double idte = 0;
    if (p->t >= 1) {
        double terv = p->telr - 40 * lg((1 + p->t / 10) / (1 + p->t / 150)) + 6 * exponential(-0.3 * p->t * p->t);
        if (p->stmr < 9)
            terv += ist / 2;
        double half = (-1.5 * (no - p->rlr) - (80 + 2.5 * (terv - 14))) / 2;
        idte = (half + square_root(half * half + 100) - 1) * (1 - exponential(-p->t));
    }
    return p->stmr > 20 ? square_root(idte * idte + ist * ist) : idte;
}

/* (7-25), (7-26). */
static double listener_echo(const hp_emodel_params *p, double ro)
{
    double half = (ro - 10.5 * (p->wepl + 7) * power_of(p->tr + 1, -0.25)) / 2;
    return half + square_root(half * half + 169);
}

/* (7-27), (7-28). */
static double absolute_delay(const hp_emodel_params *p)
{
    if (p->ta <= p->mt)
        return 0;
    double x = natural_log(p->ta / p->mt) / LN_2, s = 6 * p->st;
    return 25 * (power_of(1 + power_of(x, s), 1 / s) - 3 * power_of(1 + power_of(x / 3, s), 1 / s) + 2);
}

hp_emodel_parts hp_emodel_compute(const hp_emodel_params *p)
{
    hp_emodel_parts parts;
    parts.no = noise(p);
    parts.ro = 15 - 1.5 * (p->slr + parts.no);
    double ist = sidetone(p);
    parts.is = loudness(p, parts.no) + ist + quantisation(p, parts.ro);
    parts.idte = talker_echo(p, parts.no, ist);
    parts.idle = listener_echo(p, parts.ro);
    parts.idd = absolute_delay(p);
    parts.id = parts.idte + parts.idle + parts.idd;
    parts.ie_eff = p->ppl <= 0 ? p->ie : p->ie + (95 - p->ie) * p->ppl / (p->ppl / p->burst_r + p->bpl);
    parts.r = parts.ro - parts.is - parts.id - parts.ie_eff + p->a;
    return parts;
}

/* The cubic dips below 1 for R under about 6.5; a score has no such value. */
double hp_emodel_mos(double r)
{
    if (r <= 0)
        return 1;
    if (r >= 100)
        return 4.5;
    double mos = 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6;
    return mos < 1 ? 1 : mos;
}

static int32_t to_milli(double x)
{
    return (int32_t)(x * 1000 + (x < 0 ? -0.5 : 0.5));
}

hp_emodel_score hp_emodel_rate(const hp_emodel_input *input)
{
    hp_emodel_params p = hp_emodel_defaults();
    p.t = p.ta = (double)MIN(input->delay, 3600 * HP_S) / (double)HP_MS;
    p.tr = 2 * p.t;
    p.ie = codecs[input->codec].ie;
    p.bpl = codecs[input->codec].bpl;
    p.ppl = MIN(input->loss_ppb, 1000000000) / 1e7;
    p.burst_r = input->burst_milli == 0 ? 1 : input->burst_milli / 1000.0;
    p.a = input->advantage;
    if (input->telr_db != 0)
        p.telr = input->telr_db;
    double r = hp_emodel_compute(&p).r;
    return (hp_emodel_score){.r_milli = to_milli(r), .mos_milli = (uint32_t)to_milli(hp_emodel_mos(r))};
}

uint32_t hp_emodel_burst_milli(uint64_t expected, uint64_t lost, uint64_t runs)
{
    if (lost == 0 || runs == 0 || lost >= expected)
        return 1000;
    unsigned __int128 milli = (unsigned __int128)lost * (expected - lost) * 1000 / ((unsigned __int128)runs * expected);
    return milli > UINT32_MAX ? UINT32_MAX : (uint32_t)milli;
}
