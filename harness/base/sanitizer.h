/* HP_HAS_ASAN is defined where this program is built with the address sanitizer. */
#ifndef HP_BASE_SANITIZER_H
#define HP_BASE_SANITIZER_H

#include <glib.h>
#include <stdlib.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define HP_HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HP_HAS_ASAN 1
#endif
#endif

/* The end of a forked process, which has nothing to do that its parent set up for its own exit; but the sanitizer's leak
 * check runs at exit. */
G_NORETURN static inline void hp_leave(int code)
{
#ifdef HP_HAS_ASAN
    exit(code);
#else
    _exit(code);
#endif
}

#endif
