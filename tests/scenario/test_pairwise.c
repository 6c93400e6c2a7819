/* Covering arrays: every pair is in some row, no row is forbidden, and there are not many more rows than there must be.
 */
#include "fixture.h"

#include "scenario/matrix.h"

/* Choices that may not meet: value a of axis x with value b of axis y. */
typedef struct ban {
    unsigned x, a, y, b;
} ban;
typedef struct bans {
    const ban *list;
    unsigned n;
} bans;

static bool allowed(const unsigned *choice, void *user)
{
    const bans *b = user;
    for (unsigned i = 0; i < b->n; i++) {
        if (choice[b->list[i].x] == b->list[i].a && choice[b->list[i].y] == b->list[i].b) {
            return false;
        }
    }
    return true;
}

static bool holds(const unsigned *rows, unsigned n, unsigned k, unsigned x, unsigned a, unsigned y, unsigned b)
{
    for (unsigned i = 0; i < n; i++) {
        if (rows[(size_t)i * k + x] == a && rows[(size_t)i * k + y] == b) {
            return true;
        }
    }
    return false;
}

/* Whether some allowed case has these two, by looking at all of them. */
static bool is_possible(const unsigned *sizes, unsigned k, unsigned x, unsigned a, unsigned y, unsigned b, bans *banned)
{
    unsigned choice[HP_MATRIX_MAX_AXES];
    uint64_t all = 1;
    for (unsigned i = 0; i < k; i++) {
        all *= sizes[i];
    }
    for (uint64_t number = 0; number < all; number++) {
        uint64_t rest = number;
        for (unsigned i = 0; i < k; i++) {
            choice[i] = (unsigned)(rest % sizes[i]);
            rest /= sizes[i];
        }
        if (choice[x] == a && choice[y] == b && allowed(choice, banned)) {
            return true;
        }
    }
    return false;
}

/* At most `most` rows, which cover what can be covered. */
static void check(const unsigned *sizes, unsigned k, bans banned, unsigned most)
{
    unsigned n = 0;
    g_autofree unsigned *rows = hp_pairwise_rows(sizes, k, allowed, &banned, 10000, &n);
    assert_non_null(rows);
    for (unsigned i = 0; i < n; i++) {
        assert_true(allowed(rows + (size_t)i * k, &banned));
        for (unsigned a = 0; a < k; a++) {
            assert_true(rows[(size_t)i * k + a] < sizes[a]);
        }
        if (i > 0) { /* in order, none twice */
            unsigned a = 0;
            while (a < k && rows[(size_t)i * k + a] == rows[(size_t)(i - 1) * k + a]) {
                a++;
            }
            assert_true(a < k && rows[(size_t)i * k + a] > rows[(size_t)(i - 1) * k + a]);
        }
    }
    for (unsigned x = 0; x < k; x++) {
        for (unsigned y = x + 1; y < k; y++) {
            for (unsigned v = 0; v < sizes[x] * sizes[y]; v++) {
                const unsigned a = v / sizes[y], b = v % sizes[y];
                const bool found = holds(rows, n, k, x, a, y, b);
                assert_true(found || (banned.n > 0 && !is_possible(sizes, k, x, a, y, b, &banned)));
            }
        }
    }
    if (n > most) {
        fail_msg("%u rows, more than %u", n, most);
    }
    unsigned again_n = 0;
    g_autofree unsigned *again = hp_pairwise_rows(sizes, k, allowed, &banned, 10000, &again_n);
    assert_int_equal(again_n, n);
    assert_memory_equal(again, rows, (size_t)n * k * sizeof *rows);
}

/* The best that is known: 9 for 3^4, 15 for 3^13, 6 for 2^10, 25 for 5^6, 28 for 4^10; the two longest axes multiplied
 * where they dwarf the rest. */
static void all_pairs_in_few_rows(void **state)
{
    static const unsigned three_4[] = {3, 3, 3, 3}, three_13[] = {3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3},
                          two_10[] = {2, 2, 2, 2, 2, 2, 2, 2, 2, 2}, five_6[] = {5, 5, 5, 5, 5, 5},
                          four_10[] = {4, 4, 4, 4, 4, 4, 4, 4, 4, 4}, mixed[] = {24, 24, 4, 2, 2, 3}, two[] = {7, 3},
                          ones[] = {1, 1, 1};
    check(three_4, 4, (bans){NULL, 0}, 12);
    check(three_13, 13, (bans){NULL, 0}, 23);
    check(two_10, 10, (bans){NULL, 0}, 10);
    check(five_6, 6, (bans){NULL, 0}, 38);
    check(four_10, 10, (bans){NULL, 0}, 34);
    check(mixed, 6, (bans){NULL, 0}, 580);
    check(two, 2, (bans){NULL, 0}, 21);
    check(ones, 3, (bans){NULL, 0}, 1);
}

static void what_is_forbidden_is_in_no_row(void **state)
{
    static const unsigned sizes[] = {3, 3, 2, 4};
    static const ban some[] = {{0, 0, 1, 0}, {2, 1, 3, 3}, {1, 2, 3, 0}};
    check(sizes, 4, (bans){some, 3}, 18);
    /* Value 0 of axis 0 is left with value 2 of axis 1, and that with no value of axis 2: it is in no row at all. */
    static const ban dead_end[] = {{0, 0, 1, 0}, {0, 0, 1, 1}, {1, 2, 2, 0}, {1, 2, 2, 1}};
    check(sizes, 4, (bans){dead_end, 4}, 16);
}

static bool never(const unsigned *choice, void *user)
{
    return false;
}

static void nothing_is_possible(void **state)
{
    static const unsigned sizes[] = {2, 2, 2};
    unsigned n = 9;
    g_autofree unsigned *rows = hp_pairwise_rows(sizes, 3, never, NULL, 10000, &n);
    assert_int_equal(n, 0);
}

static void one_axis_alone(void **state)
{
    static const unsigned sizes[] = {5};
    static const unsigned all[] = {0, 1, 2, 3, 4};
    bans none = {NULL, 0};
    unsigned n = 0;
    g_autofree unsigned *rows = hp_pairwise_rows(sizes, 1, allowed, &none, 10000, &n);
    assert_int_equal(n, 5);
    assert_memory_equal(rows, all, sizeof all);
}

static void too_many_rows(void **state)
{
    static const unsigned sizes[] = {9, 9};
    bans none = {NULL, 0};
    unsigned n = 0;
    assert_null(hp_pairwise_rows(sizes, 2, allowed, &none, 50, &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_pairs_in_few_rows), cmocka_unit_test(what_is_forbidden_is_in_no_row),
        cmocka_unit_test(nothing_is_possible),   cmocka_unit_test(one_axis_alone),
        cmocka_unit_test(too_many_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
