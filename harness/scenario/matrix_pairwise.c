/* `matrix-reduce: pairwise`: a covering array of strength two, under constraints.
 *
 * Two values of two axes that some allowed case holds together are a pair, and every pair must be in a row. Rows are
 * made one at a time: each begins with a pair that is not covered yet, and goes on axis by axis with the value that
 * covers most of what is open, given those chosen already. A few orders of the axes are tried for every row, and the
 * row that covers most is kept. The longest axes come first, for the product of the two longest is a bound from below
 * that nothing can beat; for k axes of v values the rows grow like v^2 log k.
 *
 * Exceptions are looked at while a row grows, and it goes back where it cannot go on, so a pair is given up only when
 * no row at all may hold it. That search is exponential for exceptions made to be so; MOST_STEPS bounds it.
 *
 * Nothing is left to chance: ties go to the value that was used least, then to the first. */
#include <limits.h>
#include <string.h>

#include "scenario/matrix.h"

#define MOST_STEPS UINT64_C(20000000)
enum { MOST_ORDERS = 8 };

typedef struct search {
    const unsigned *sizes;
    unsigned n;
    hp_pairwise_allowed allowed;
    void *user;
    unsigned first[HP_MATRIX_MAX_AXES]; /* number of an axis's first value, when all are counted in one row */
    unsigned n_values;
    bool *covered; /* by two such numbers; also pairs that no row may hold */
    uint64_t n_open; /* pairs, each counted once */
    unsigned *used; /* how often each value is in a row */
    uint64_t steps;
    unsigned next_a, next_b, next_pair; /* find_open() has passed what is before */
    unsigned row[HP_MATRIX_MAX_AXES];
} search;

static bool *cell(const search *s, unsigned a, unsigned value_a, unsigned b, unsigned value_b)
{
    return &s->covered[(size_t)(s->first[a] + value_a) * s->n_values + s->first[b] + value_b];
}

static void cover(search *s, unsigned a, unsigned value_a, unsigned b, unsigned value_b)
{
    bool *one = cell(s, a, value_a, b, value_b);
    s->n_open -= !*one;
    *one = *cell(s, b, value_b, a, value_a) = true;
}

/* How many open pairs a value makes with those that are chosen. */
static unsigned gain(const search *s, unsigned axis, unsigned value)
{
    unsigned n = 0;
    for (unsigned other = 0; other < s->n; other++) {
        n += other != axis && s->row[other] != UINT_MAX && !*cell(s, axis, value, other, s->row[other]);
    }
    return n;
}

typedef struct choice {
    unsigned value, gain, used;
} choice;

static int by_worth(const void *a, const void *b)
{
    const choice *x = a, *y = b;
    if (x->gain != y->gain) {
        return x->gain > y->gain ? -1 : 1;
    }
    if (x->used != y->used) {
        return x->used < y->used ? -1 : 1;
    }
    return x->value < y->value ? -1 : x->value > y->value;
}

/* Fills the axes that are free, in this order; false when that cannot be, with the row as it was. */
static bool fill(search *s, const unsigned *order, unsigned depth)
{
    while (depth < s->n && s->row[order[depth]] != UINT_MAX) {
        depth++;
    }
    if (depth == s->n) {
        return true;
    }
    const unsigned axis = order[depth];
    g_autofree choice *choices = g_new(choice, s->sizes[axis]);
    for (unsigned v = 0; v < s->sizes[axis]; v++) {
        choices[v] = (choice){v, gain(s, axis, v), s->used[s->first[axis] + v]};
    }
    s->steps += s->sizes[axis];
    qsort(choices, s->sizes[axis], sizeof *choices, by_worth);
    for (unsigned i = 0; i < s->sizes[axis] && s->steps < MOST_STEPS; i++) {
        s->row[axis] = choices[i].value;
        s->steps++;
        if (s->allowed(s->row, s->user) && fill(s, order, depth + 1)) {
            return true;
        }
    }
    s->row[axis] = UINT_MAX;
    return false;
}

static unsigned worth(const search *s, const unsigned *row)
{
    unsigned n = 0;
    for (unsigned a = 0; a < s->n; a++) {
        for (unsigned b = a + 1; b < s->n; b++) {
            n += !*cell(s, a, row[a], b, row[b]);
        }
    }
    return n;
}

/* The next pair that is open, those of the longest axes first. Pairs that were passed never open again. */
static bool find_open(search *s, const unsigned *by_size, unsigned *ret_a, unsigned *ret_b)
{
    for (; s->next_a + 1 < s->n; s->next_a++, s->next_b = s->next_a + 1) {
        for (; s->next_b < s->n; s->next_b++, s->next_pair = 0) {
            const unsigned a = by_size[s->next_a], b = by_size[s->next_b];
            for (; s->next_pair < s->sizes[a] * s->sizes[b]; s->next_pair++) {
                const unsigned value_a = s->next_pair / s->sizes[b], value_b = s->next_pair % s->sizes[b];
                if (!*cell(s, a, value_a, b, value_b)) {
                    *ret_a = s->first[a] + value_a;
                    *ret_b = s->first[b] + value_b;
                    return true;
                }
            }
        }
    }
    return false;
}

static unsigned axis_of(const search *s, unsigned number)
{
    unsigned axis = 0;
    while (axis + 1 < s->n && s->first[axis + 1] <= number) {
        axis++;
    }
    return axis;
}

/* The best row that holds the open pair of two values, by number; false when there is none. */
static bool best_row(search *s, const unsigned *by_size, unsigned one, unsigned other, unsigned *ret)
{
    const unsigned a = axis_of(s, one), b = axis_of(s, other);
    unsigned best = 0;
    bool found = false;
    for (unsigned turn = 0; turn < MIN(s->n, (unsigned)MOST_ORDERS); turn++) {
        unsigned order[HP_MATRIX_MAX_AXES] = {0};
        for (unsigned i = 0; i < s->n; i++) {
            order[i] = by_size[(i + turn) % s->n];
        }
        memset(s->row, 0xff, sizeof s->row);
        s->row[a] = one - s->first[a];
        s->row[b] = other - s->first[b];
        if (!s->allowed(s->row, s->user) || !fill(s, order, 0)) {
            return false; /* no order would find one */
        }
        const unsigned n = worth(s, s->row);
        if (!found || n > best) {
            memcpy(ret, s->row, s->n * sizeof *ret);
            best = n;
            found = true;
        }
    }
    return found;
}

static void take(search *s, const unsigned *row)
{
    for (unsigned a = 0; a < s->n; a++) {
        s->used[s->first[a] + row[a]]++;
        for (unsigned b = a + 1; b < s->n; b++) {
            cover(s, a, row[a], b, row[b]);
        }
    }
}

static int by_values(const void *a, const void *b, void *n_axes)
{
    const unsigned *x = a, *y = b;
    for (unsigned i = 0; i < *(const unsigned *)n_axes; i++) {
        if (x[i] != y[i]) {
            return x[i] < y[i] ? -1 : 1;
        }
    }
    return 0;
}

/* One axis alone has no pairs: each value is a row. */
static unsigned *single_axis(search *s, unsigned *ret_n)
{
    unsigned *rows = g_new(unsigned, MAX(s->sizes[0], 1));
    *ret_n = 0;
    for (unsigned v = 0; v < s->sizes[0]; v++) {
        s->row[0] = v;
        if (s->allowed(s->row, s->user)) {
            rows[(*ret_n)++] = v;
        }
    }
    return rows;
}

static void order_by_size(const search *s, unsigned *by_size)
{
    for (unsigned i = 0; i < s->n; i++) {
        unsigned at = i;
        while (at > 0 && s->sizes[by_size[at - 1]] < s->sizes[i]) {
            by_size[at] = by_size[at - 1];
            at--;
        }
        by_size[at] = i;
    }
}

unsigned *hp_pairwise_rows(const unsigned *sizes, unsigned n_axes, hp_pairwise_allowed allowed, void *user,
                           unsigned max_rows, unsigned *ret_n)
{
    search s = {.sizes = sizes, .n = n_axes, .allowed = allowed, .user = user, .next_b = 1};
    unsigned by_size[HP_MATRIX_MAX_AXES] = {0}, one = 0, other = 0, row[HP_MATRIX_MAX_AXES] = {0};

    if (n_axes == 1) {
        return single_axis(&s, ret_n);
    }
    for (unsigned i = 0; i < n_axes; i++) {
        s.first[i] = s.n_values;
        s.n_open += (uint64_t)s.n_values * sizes[i];
        s.n_values += sizes[i];
    }
    order_by_size(&s, by_size);
    g_autoptr(GArray) covered = g_array_set_size(g_array_new(FALSE, TRUE, sizeof(bool)), s.n_values * s.n_values);
    g_autoptr(GArray) used = g_array_set_size(g_array_new(FALSE, TRUE, sizeof(unsigned)), s.n_values);
    s.covered = (bool *)(void *)covered->data;
    s.used = (unsigned *)(void *)used->data;
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, n_axes * sizeof(unsigned));
    while (s.n_open > 0 && find_open(&s, by_size, &one, &other)) {
        const bool found = best_row(&s, by_size, one, other, row);
        if (s.steps >= MOST_STEPS || rows->len > max_rows) {
            return NULL;
        }
        if (found) {
            g_array_append_vals(rows, row, 1);
            take(&s, row);
        } else {
            const unsigned a = axis_of(&s, one), b = axis_of(&s, other);
            cover(&s, a, one - s.first[a], b, other - s.first[b]);
        }
    }
    g_array_sort_with_data(rows, by_values, &n_axes);
    *ret_n = rows->len;
    return (unsigned *)(void *)g_array_free(g_steal_pointer(&rows), FALSE);
}
