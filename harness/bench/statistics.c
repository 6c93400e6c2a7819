/* Statistics of a few samples.
 *
 * The interval is the usual one of a mean whose variance is not known: mean +- t * s / sqrt(n), where s is the samples'
 * standard deviation with n - 1 in the denominator, and t the two-sided 95 % quantile of Student's distribution with
 * n - 1 degrees of freedom. It takes samples as independent and roughly normal; those of a bench are runs with seeds of
 * their own, or repetitions.
 *
 * For whole degrees of freedom the distribution has a closed form, a finite sum of powers of cos(theta) with
 * theta = atan(t / sqrt(degrees)) (Abramowitz and Stegun, 26.7.3 and 26.7.4), so that no table and no approximation is
 * needed. The quantile is found by halving an interval until it is as narrow as a double can tell.
 *
 * Samples are sorted first: sums then do not depend on the order in which runs ended. */
#include "bench/statistics.h"

#include <glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* 1 + f(first)x + f(first)f(first+2)x^2 + ..., with f(k) = k / (k + 1) and x = cos^2: `terms` of them. */
static double series(unsigned first, unsigned terms, double x)
{
    double sum = 0, term = 1;
    for (unsigned i = 0; i < terms; i++) {
        sum += term;
        term *= x * (first + 2.0 * i) / (first + 2.0 * i + 1);
    }
    return sum;
}

double hp_bench_t_within(double t, unsigned degrees)
{
    double theta = atan(t / sqrt(degrees)), c = cos(theta), s = sin(theta);
    if (degrees % 2 == 0)
        return s * series(1, degrees / 2, c * c);
    double angle = theta + (degrees > 1 ? s * c * series(2, (degrees - 1) / 2, c * c) : 0);
    return angle * M_2_PI;
}

double hp_bench_t_95(unsigned degrees)
{
    double low = 1.9, high = 13;
    for (unsigned i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        *(hp_bench_t_within(middle, degrees) < 0.95 ? &low : &high) = middle;
    }
    return (low + high) / 2;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

hp_bench_summary hp_bench_summarize(const double *samples, unsigned n)
{
    g_autofree double *sorted = g_memdup2(samples, n * sizeof *samples);
    qsort(sorted, n, sizeof *sorted, by_value);
    double sum = 0, squares = 0;
    for (unsigned i = 0; i < n; i++)
        sum += sorted[i];
    hp_bench_summary s = {.n = n, .min = sorted[0], .max = sorted[n - 1]};
    /* Equal samples have exactly their mean, whatever adding them up rounds to. */
    s.mean = s.min == s.max ? s.min : sum / n;
    s.median = n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
    for (unsigned i = 0; i < n; i++)
        squares += (sorted[i] - s.mean) * (sorted[i] - s.mean);
    double half = n > 1 ? hp_bench_t_95(n - 1) * sqrt(squares / (n - 1) / n) : 0;
    s.low = s.mean - half;
    s.high = s.mean + half;
    return s;
}
