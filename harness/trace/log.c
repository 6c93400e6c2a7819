/* The arena under the trace: records in one sparse shared mapping, and strings kept once.
 *
 * The mapping is a memfd of HP_TRACE_CAPACITY bytes, of which only written pages take memory. It is made before the
 * process that runs a scenario is forked, so that the parent reads the same bytes after that process exits, crashes or
 * is killed. log.h has the layout.
 *
 * Invariants:
 *   - A record is written beyond the end of the log first, then made visible by one store to hp_log.last. A writer
 *     that dies half-way leaves bytes nobody looks at; the next writer overwrites them.
 *   - Records are never changed or moved once visible; a reader needs no lock. There is one writer at a time.
 *   - Nothing outside the mapping is needed to read it. The intern tables are one process's caches: a second process
 *     (a parent that adds an event after its child died) at worst writes a string twice.
 *   - Padding is zeroed, because after a reset the pages still hold an earlier run.
 *   - A seal belongs to the handle, not to the mapping: another process goes on writing.
 *
 * Limits: HP_TRACE_CAPACITY bytes, 2^32 records. The first record that finds no room ends the log; from then on
 * records are counted only, so that a reader never sees a log with a hole in it. Text values are cut at
 * HP_TRACE_MAX_TEXT bytes, at a character's edge.
 *
 * Cost: a page costs more to fault in than the packets it holds cost to write, so a reset keeps the pages, and a log that
 * grows has the kernel find the next ones in batches: zeroes are written beyond its end through the descriptor, which
 * takes no fault a page, and one read maps sixteen pages at a time. Measured, bulk TCP into a fresh trace went from 42 to
 * 62 times real time. MADV_POPULATE_WRITE gained nothing, nor did fallocate(); huge pages for shared memory are not to
 * be had everywhere. At most an eighth more than the log has, and 256 kB, is taken ahead; before half a megabyte is
 * written, nothing. How far pages are there is remembered in the log's head, for the process that writes the next run:
 * to ask the kernel (SEEK_HOLE) takes as long as the file has pages, at every step. Where the kernel refuses, pages come
 * by faults as ever. */
#include "trace/log.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"

static_assert(sizeof(hp_log) <= HP_LOG_TAPS, "the head fits its page");
static_assert(HP_LOG_RECORDS % 8 == 0, "records are 8-byte aligned");
static_assert(sizeof(hp_log_packet) % 8 == 0 && sizeof(hp_log_drop) % 8 == 0 && sizeof(hp_log_note) % 8 == 0 &&
                  sizeof(hp_log_event) % 8 == 0 && sizeof(hp_log_media) % 8 == 0 && sizeof(hp_log_string) % 8 == 0 &&
                  sizeof(hp_log_name) % 8 == 0 && sizeof(hp_log_field) % 8 == 0,
              "what follows a fixed part is aligned");
static_assert((int)HP_LOG_PACKET == (int)HP_RECORD_PACKET && (int)HP_LOG_DROP == (int)HP_RECORD_DROP &&
                  (int)HP_LOG_NOTE == (int)HP_RECORD_NOTE && (int)HP_LOG_EVENT == (int)HP_RECORD_EVENT &&
                  (int)HP_LOG_MEDIA == (int)HP_RECORD_MEDIA,
              "public kinds keep their numbers in the log");
static_assert(sizeof(hp_media_record) == 32, "a media record has no padding, whose bytes would be anybody's");
static_assert(HP_TRACE_CAPACITY + HP_LOG_RECORDS < (UINT64_C(8) << 32), "a reference reaches every record");

enum {
    PAGE = 4096,
    READY_FROM = 512 * 1024, /* a short run pays for what it writes, and nothing else */
    READY_SHARE = 8, /* no more than this part of the log again is made ready ahead */
    READY_MOST = 256 * 1024,
    READY_AROUND = 64 * 1024,
};

/* ---- life ---- */

hp_trace *hp_trace_new_sized(size_t capacity, GError **error)
{
    capacity = MIN(capacity, HP_TRACE_CAPACITY);
    uint64_t size = HP_LOG_RECORDS + (capacity + 7) / 8 * 8;
    /* A limit on file sizes holds for shared memory too, and to pass it is a deadly signal, not an error. */
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < size) {
        size = limit.rlim_cur / 8 * 8;
        if (size <= HP_LOG_RECORDS) {
            g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT,
                        "no shared memory for the trace: the file size limit (ulimit -f) is %" G_GUINT64_FORMAT
                        " bytes: %s",
                        (uint64_t)limit.rlim_cur, g_strerror(EFBIG));
            return NULL;
        }
    }
    const int fd = memfd_create("hairpin-trace", MFD_CLOEXEC);
    if (fd < 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "no shared memory for the trace: memfd_create: %s",
                    g_strerror(errno));
        return NULL;
    }
    if (ftruncate(fd, (off_t)size) != 0) {
        const int saved = errno;
        close(fd);
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT,
                    "no shared memory for the trace: ftruncate to %" G_GUINT64_FORMAT " bytes: %s", size,
                    g_strerror(saved));
        return NULL;
    }
    void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    const int saved = errno;
    if (base == MAP_FAILED) {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT,
                    "no shared memory for the trace: mmap of %" G_GUINT64_FORMAT " bytes: %s", size, g_strerror(saved));
        close(fd);
        return NULL;
    }
    hp_trace *trace = g_new0(hp_trace, 1);
    trace->base = base;
    trace->size = size;
    trace->fd = fd;
    trace->ready = HP_LOG_RECORDS + READY_FROM + PAGE;
    trace->log->magic = HP_LOG_MAGIC;
    trace->refs_mask = 255;
    trace->refs = g_new0(hp_log_ref, trace->refs_mask + 1);
    trace->taps = g_hash_table_new(g_str_hash, g_str_equal);
    return trace;
}

hp_trace *hp_trace_new(GError **error)
{
    return hp_trace_new_sized(HP_TRACE_CAPACITY, error);
}

void hp_trace_free(hp_trace *trace)
{
    if (trace == NULL) {
        return;
    }
    g_hash_table_unref(trace->taps);
    g_free(trace->refs);
    munmap(trace->base, trace->size);
    close(trace->fd);
    g_free(trace);
}

static void forget_caches(hp_trace *trace)
{
    memset(trace->seen, 0, sizeof trace->seen);
    memset(trace->refs, 0, (trace->refs_mask + 1) * sizeof *trace->refs);
    trace->n_refs = 0;
    g_hash_table_remove_all(trace->taps);
    trace->n_taps = 0;
    trace->generation = trace->log->generation;
}

void hp_trace_reset(hp_trace *trace)
{
    if (trace == NULL) {
        return;
    }
    trace->log->generation++;
    __atomic_store_n(&trace->log->last, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&trace->log->n_taps, 0, __ATOMIC_RELEASE);
    trace->log->lost = 0;
    trace->sealed = false;
    forget_caches(trace);
}

void hp_trace_mend(hp_trace *trace)
{
    hp_log *log = trace->log;
    if (log->last != 0 && hp_log_end(trace) == HP_LOG_RECORDS) {
        __atomic_store_n(&log->last, 0, __ATOMIC_RELEASE);
    }
    log->filled = MIN(log->filled, trace->size);
}

void hp_trace_keep_from_forks(hp_trace *trace)
{
    madvise(trace->base, trace->size, MADV_DONTFORK);
}

void hp_trace_seal(hp_trace *trace)
{
    if (trace != NULL) {
        trace->sealed = true;
    }
}

bool hp_trace_overflowed(const hp_trace *trace)
{
    return trace->log->lost > 0;
}

uint64_t hp_trace_n_lost(const hp_trace *trace)
{
    return trace->log->lost;
}

/* ---- appending ---- */

uint32_t hp_log_kept_length(const char *text, size_t length)
{
    if (length <= HP_TRACE_MAX_TEXT) {
        return (uint32_t)length;
    }
    size_t n = HP_TRACE_MAX_TEXT;
    while (n > HP_TRACE_MAX_TEXT - 4 && ((uint8_t)text[n] & 0xc0) == 0x80) {
        n--;
    }
    return (uint32_t)n;
}

size_t hp_log_padded_text(uint32_t length)
{
    return ((size_t)length + 8) / 8 * 8;
}

void hp_log_put_text(char *to, const char *text, uint32_t length)
{
    const size_t padded = hp_log_padded_text(length);
    memset(to + padded - 8, 0, 8);
    memcpy(to, text, length);
}

void hp_log_lose(hp_trace *trace)
{
    trace->log->lost++;
}

/* Has the kernel find the pages that come next, beyond the log's end at `offset`. */
static void make_ready(hp_trace *trace, uint64_t offset)
{
    static const uint8_t zeroes[READY_MOST];
    const uint64_t page_end = (offset + PAGE - 1) / PAGE * PAGE, used = offset - HP_LOG_RECORDS;
    const uint64_t from = MAX(page_end, trace->ready);
    const uint64_t wanted = CLAMP(used / READY_SHARE / PAGE * PAGE, PAGE, READY_MOST);
    if (used < READY_FROM) {
        trace->ready = HP_LOG_RECORDS + READY_FROM + PAGE;
        return;
    }
    if (from + wanted > trace->log->filled) {
        if (from + wanted > trace->size || pwrite(trace->fd, zeroes, wanted, (off_t)from) != (ssize_t)wanted) {
            trace->ready = UINT64_MAX;
            return;
        }
        trace->log->filled = from + wanted;
    }
    /* Reading one page of several maps all that the kernel has at hand around it. */
    for (uint64_t at = from; at < from + wanted; at += READY_AROUND) {
        (void)*(volatile uint8_t *)(trace->base + at);
    }
    trace->ready = from + wanted;
}

void *hp_log_begin(hp_trace *trace, uint64_t need)
{
    hp_log *log = trace->log;
    if (G_UNLIKELY(trace->sealed)) {
        return NULL;
    }
    if (G_UNLIKELY(log->lost > 0)) {
        hp_log_lose(trace);
        return NULL;
    }
    uint64_t offset = HP_LOG_RECORDS;
    hp_log_head previous = {0};
    if (log->last != 0) {
        previous = *hp_log_head_at(trace, log->last);
        offset = log->last + previous.size;
    }
    if (G_UNLIKELY(need > trace->size - offset || previous.records == UINT32_MAX)) {
        hp_log_lose(trace);
        return NULL;
    }
    if (G_UNLIKELY(offset + need > trace->ready)) {
        make_ready(trace, offset);
    }
    hp_log_head *head = (hp_log_head *)(void *)(trace->base + offset);
    head->records = previous.records;
    head->packets = previous.packets;
    head->at = previous.at;
    return head;
}

uint64_t hp_log_room_after(const hp_trace *trace, const void *record)
{
    return trace->size - (uint64_t)((const uint8_t *)record - trace->base);
}

void hp_log_commit(hp_trace *trace, hp_log_head *head, hp_log_kind kind, size_t size)
{
    head->size = (uint32_t)size;
    head->kind = kind;
    __atomic_store_n(&trace->log->last, (uint64_t)((uint8_t *)head - trace->base), __ATOMIC_RELEASE);
}

void hp_log_commit_visible(hp_trace *trace, hp_log_head *head, hp_log_kind kind, size_t size, hp_time at)
{
    head->records++;
    head->at = MAX(head->at, at);
    hp_log_commit(trace, head, kind, size);
}

/* ---- strings ---- */

static uint32_t hash_text(const char *text, uint32_t length)
{
    uint32_t h = 0x811c9dc5;
    for (uint32_t i = 0; i < length; i++) {
        h = (h ^ (uint8_t)text[i]) * 0x01000193;
    }
    return h ^ h >> 15;
}

static void insert_ref(hp_trace *trace, hp_log_ref entry)
{
    uint32_t i = entry.hash & trace->refs_mask;
    while (trace->refs[i].ref != 0) {
        i = (i + 1) & trace->refs_mask;
    }
    trace->refs[i] = entry;
}

static void grow_refs(hp_trace *trace)
{
    g_autofree hp_log_ref *old = trace->refs;
    const uint32_t n_old = trace->refs_mask + 1;
    trace->refs_mask = n_old * 2 - 1;
    trace->refs = g_new0(hp_log_ref, n_old * 2);
    for (uint32_t i = 0; i < n_old; i++) {
        if (old[i].ref != 0) {
            insert_ref(trace, old[i]);
        }
    }
}

/* Looks text up by content and writes it when it is new. 0 when there was no room. */
static uint32_t intern_content(hp_trace *trace, const char *text)
{
    const uint32_t length = hp_log_kept_length(text, strlen(text));
    const uint32_t hash = hash_text(text, length);
    for (uint32_t i = hash & trace->refs_mask; trace->refs[i].ref != 0; i = (i + 1) & trace->refs_mask) {
        const hp_log_string *s = hp_log_string_at(trace, trace->refs[i].ref);
        if (trace->refs[i].hash == hash && s->length == length && memcmp(s->text, text, length) == 0) {
            return trace->refs[i].ref;
        }
    }
    const size_t size = sizeof(hp_log_string) + hp_log_padded_text(length);
    hp_log_string *s = hp_log_begin(trace, size);
    if (s == NULL) {
        return 0;
    }
    s->hash = hash;
    s->length = length;
    hp_log_put_text(s->text, text, length);
    hp_log_commit(trace, &s->head, HP_LOG_STRING, size);
    const uint32_t ref = (uint32_t)(((uint8_t *)s - trace->base) / 8);
    if (++trace->n_refs * 2 > trace->refs_mask) {
        grow_refs(trace);
    }
    insert_ref(trace, (hp_log_ref){hash, ref});
    return ref;
}

uint32_t hp_log_intern(hp_trace *trace, const char *text)
{
    if (G_UNLIKELY(trace->generation != trace->log->generation)) {
        forget_caches(trace);
    }
    if (text == NULL) {
        text = "";
    }
    const uintptr_t place = (uintptr_t)text;
    hp_log_seen *seen = &trace->seen[(place ^ place >> 9) % HP_LOG_N_SEEN];
    if (G_LIKELY(seen->text == text && strcmp(hp_log_string_at(trace, seen->ref)->text, text) == 0)) {
        return seen->ref;
    }
    const uint32_t ref = intern_content(trace, text);
    if (ref != 0) {
        *seen = (hp_log_seen){text, ref};
    }
    return ref;
}
