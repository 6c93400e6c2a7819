/* Samples summed up: mean, its 95 % confidence interval by Student's t, median and extremes. */
#ifndef HP_BENCH_STATISTICS_H
#define HP_BENCH_STATISTICS_H

/* In the samples' own unit. */
typedef struct hp_bench_summary {
    unsigned n;
    double mean;
    double low, high; /* 95 % confidence interval of the mean; with one sample there is none, and both are the mean */
    double min, median, max;
} hp_bench_summary;

/* n >= 1; the order of the samples does not matter. */
hp_bench_summary hp_bench_summarize(const double *samples, unsigned n);

/* The chance that a value of Student's t with so many degrees of freedom (>= 1) lies within -t..t; t >= 0. */
double hp_bench_t_within(double t, unsigned degrees);
/* The t for which that chance is 95 %: 12.706 for 1 degree, towards 1.960 for many. */
double hp_bench_t_95(unsigned degrees);

#endif
