/* What holds whatever the input: when it does not, the fuzzer has found something. */
#ifndef HP_TESTS_FUZZ_CHECK_H
#define HP_TESTS_FUZZ_CHECK_H

#include <stdlib.h>

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

#endif
