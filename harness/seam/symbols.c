/* The table of interposed symbols: self-check and pass-through.
 *
 * A shared library's call to, say, clock_gettime() is bound by the dynamic linker to the first definition in the global
 * scope, which is the executable's when it has one in its dynamic symbol table. That can fail without a word: hidden
 * visibility under link-time optimisation, an object file that the static linker left out, a library linked with
 * -Bsymbolic. So hp_seam_check_symbols() asks dlsym() for each name as a library would see it and compares.
 *
 * Pass-through asks for the next definition after the executable's. The answers are kept in a table that is written
 * once for each entry with the same value whoever writes first; that, and nothing else here, is process-wide state.
 * The functions work before any constructor has run (the sanitizers' start-up reads the clock), so nothing here may
 * need one. */
#include "seam/symbols.h"

#include <assert.h>
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/error.h"

typedef struct symbol_entry {
    const char *name;
    void *ours;
} symbol_entry;

static const symbol_entry symbols[] = {
#define X(symbol) {.name = #symbol, .ours = (void *)&(symbol)},
    HP_SEAM_SYMBOLS(X)
#undef X
};

static_assert(G_N_ELEMENTS(symbols) == HP_SYM_N, "one entry a symbol");

void *hp_seam_next(hp_seam_symbol symbol)
{
    static _Atomic(void *) next[HP_SYM_N];
    void *found = atomic_load_explicit(&next[symbol], memory_order_relaxed);
    if (!found) {
        found = dlsym(RTLD_NEXT, symbols[symbol].name);
        if (!found) {
            abort();
        }
        atomic_store_explicit(&next[symbol], found, memory_order_relaxed);
    }
    return found;
}

bool hp_seam_check_symbols(GError **error)
{
    for (unsigned i = 0; i < HP_SYM_N; i++) {
        const void *seen = dlsym(RTLD_DEFAULT, symbols[i].name);
        if (seen != symbols[i].ours) {
            g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT,
                        "the symbol %s does not resolve to this program's own definition: libraries would see the "
                        "real one. Was it linked with LTO, or stripped of its dynamic symbols?",
                        symbols[i].name);
            return false;
        }
        if (!dlsym(RTLD_NEXT, symbols[i].name)) {
            g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "no library defines %s: is libnice a static library?",
                        symbols[i].name);
            return false;
        }
    }
    return true;
}
