/* The result of a whole run, written.
 *
 * Documents come in any order and stand in that of the names; the totals stand before them. So they are kept until the
 * end: in a buffer, and what does not fit it in a file without a name beside the result to be, which goes when it is
 * closed. What stays in memory of a case are twelve bytes and its verdict, however much media its document tells of. */
#include "report/run_json.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "base/error.h"
#include "report/report.h"
#include "trace/output.h"

enum { BUFFER = 1 << 20 };

typedef struct place {
    uint64_t offset; /* of what was added, in the order of addition */
    uint32_t length; /* 0: nothing was added */
    hp_verdict verdict;
} place;

struct hp_run_json {
    char *folder;
    place *places; /* by index */
    unsigned n_cases;
    uint64_t spilled; /* bytes in the file; what follows is in the buffer */
    GString *buffer;
    int fd; /* -1: nothing was spilled */
    int error; /* errno of the first failure to keep something */
};

hp_run_json *hp_run_json_new(const char *folder, unsigned n_cases, GError **error)
{
    g_autofree char *path = g_build_filename(folder, HP_RUN_JSON_FILE, NULL);
    if (g_unlink(path) != 0 && errno != ENOENT) {
        g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s: cannot replace it: %s", path, g_strerror(errno));
        return NULL;
    }
    hp_run_json *run = g_new0(hp_run_json, 1);
    run->folder = g_strdup(folder);
    run->places = g_new0(place, n_cases);
    run->n_cases = n_cases;
    run->buffer = g_string_new(NULL);
    run->fd = -1;
    return run;
}

void hp_run_json_free(hp_run_json *run)
{
    if (run == NULL) {
        return;
    }
    if (run->fd >= 0) {
        close(run->fd);
    }
    g_string_free(run->buffer, TRUE);
    g_free(run->places);
    g_free(run->folder);
    g_free(run);
}

static bool open_spill(hp_run_json *run)
{
    if (run->fd < 0) {
        g_autofree char *path = g_build_filename(run->folder, ".result-XXXXXX", NULL);
        run->fd = g_mkstemp(path);
        if (run->fd >= 0) {
            (void)g_unlink(path);
        }
    }
    return run->fd >= 0;
}

static void spill(hp_run_json *run)
{
    size_t done = 0;
    if (run->error == 0 && !open_spill(run)) {
        run->error = errno;
    }
    while (run->error == 0 && done < run->buffer->len) {
        const ssize_t n = write(run->fd, run->buffer->str + done, run->buffer->len - done);
        if (n > 0) {
            done += (size_t)n;
        } else if (n == 0 || errno != EINTR) {
            run->error = n == 0 ? EIO : errno;
        }
    }
    run->spilled += run->buffer->len;
    g_string_truncate(run->buffer, 0);
}

void hp_run_json_add_document(hp_run_json *run, unsigned index, hp_verdict verdict, const char *line, size_t length)
{
    g_assert(index < run->n_cases && run->places[index].length == 0 && length > 0 && length <= UINT32_MAX);
    run->places[index] = (place){run->spilled + run->buffer->len, (uint32_t)length, verdict};
    g_string_append_len(run->buffer, line, (gssize)length);
    if (run->buffer->len >= BUFFER) {
        spill(run);
    }
}

void hp_run_json_add(hp_run_json *run, unsigned index, const hp_result *result)
{
    size_t length = 0;
    g_autofree char *line = hp_report_json_line(result, &length);
    hp_run_json_add_document(run, index, result->verdict, line, length);
}

static void put_head(const hp_run_json *run, hp_output *o)
{
    unsigned n = 0, by_verdict[HP_VERDICT_N] = {0};
    for (unsigned i = 0; i < run->n_cases; i++) {
        if (run->places[i].length > 0) {
            n++;
            by_verdict[run->places[i].verdict]++;
        }
    }
    hp_output_literal(o, "{\n\"format\": ");
    hp_output_json(o, HP_RUN_JSON_FORMAT);
    hp_output_literal(o, ",\n\"hairpin\": ");
    hp_output_json(o, HAIRPIN_VERSION);
    hp_output_printf(o, ",\n\"totals\": {\"cases\": %u", n);
    for (unsigned v = 0; v < HP_VERDICT_N; v++) {
        if (by_verdict[v] == 0 && hp_verdict_says_nothing((hp_verdict)v)) {
            continue; /* only in the live world */
        }
        hp_output_printf(o, ", \"%s\": %u", hp_verdict_name((hp_verdict)v), by_verdict[v]);
    }
    hp_output_literal(o, "},\n\"cases\": [");
}

/* From the buffer or from the file: nothing is ever half in one and half in the other. */
static bool put_document(const hp_run_json *run, hp_output *o, const place *at)
{
    if (at->offset >= run->spilled) {
        hp_output_bytes(o, run->buffer->str + (at->offset - run->spilled), at->length);
        return true;
    }
    char piece[65536];
    for (uint32_t done = 0; done < at->length;) {
        const size_t want = MIN(sizeof piece, at->length - done);
        const ssize_t n = pread(run->fd, piece, want, (off_t)(at->offset + done));
        if (n <= 0 && !(n < 0 && errno == EINTR)) {
            errno = n == 0 ? EIO : errno;
            return false;
        }
        if (n > 0) {
            hp_output_bytes(o, piece, (size_t)n);
            done += (uint32_t)n;
        }
    }
    return true;
}

bool hp_run_json_write(hp_run_json *run, const char *folder, GError **error)
{
    g_autofree char *path = g_build_filename(folder, HP_RUN_JSON_FILE, NULL);
    g_autoptr(hp_output) o = hp_output_open(path, error);
    if (o == NULL) {
        return false;
    }
    put_head(run, o);
    bool first = true;
    for (unsigned i = 0; i < run->n_cases && run->error == 0; i++) {
        if (run->places[i].length == 0) {
            continue;
        }
        hp_output_text(o, first ? "\n" : ",\n");
        first = false;
        if (!put_document(run, o, &run->places[i])) {
            run->error = errno;
        }
    }
    if (run->error != 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s: cannot write: %s", path, g_strerror(run->error));
        return false;
    }
    hp_output_literal(o, "\n]\n}\n");
    return hp_output_close(g_steal_pointer(&o), error);
}
