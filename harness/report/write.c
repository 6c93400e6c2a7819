/* The evidence folder of a case: trace.pcapng, events.jsonl, result.json.
 *
 * Each file is written under another name and renamed when whole (trace/output.h). result.json of an earlier run goes
 * first and the new one comes last, so that a folder with a result.json holds the three files of one run, also when
 * this one is interrupted. */
#include "report/report.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "trace/output.h"

static const char *const evidence_names[] = {"result.json", "trace.pcapng", "events.jsonl"};

static bool write_text(const char *path, const char *text, GError **error)
{
    hp_output *o = hp_output_open(path, error);
    if (o == NULL) {
        return false;
    }
    hp_output_text(o, text);
    return hp_output_close(o, error);
}

/* result.json first, for the reason above; the folder last, if nothing else is in it. What a writer that was killed has
 * left goes too. */
bool hp_report_clear_evidence(const char *folder, GError **error)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(evidence_names); i++) {
        g_autofree char *path = g_build_filename(folder, evidence_names[i], NULL);
        g_autofree char *part = g_strconcat(path, HP_OUTPUT_PART, NULL);
        (void)g_unlink(part);
        if (g_unlink(path) != 0 && errno != ENOENT && errno != ENOTDIR) {
            g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s: cannot remove it: %s", path, g_strerror(errno));
            return false;
        }
    }
    (void)g_rmdir(folder);
    return true;
}

bool hp_report_write_evidence(const char *folder, const hp_plan *plan, const hp_trace *trace, const hp_result *result,
                              GError **error)
{
    if (g_mkdir_with_parents(folder, 0777) != 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s: cannot create this folder: %s", folder, g_strerror(errno));
        return false;
    }
    g_autofree char *result_path = g_build_filename(folder, "result.json", NULL);
    if (g_unlink(result_path) != 0 && errno != ENOENT) {
        g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s: cannot replace it: %s", result_path, g_strerror(errno));
        return false;
    }
    g_autofree char *capture_path = g_build_filename(folder, "trace.pcapng", NULL);
    g_autofree char *comment = g_strdup_printf("%s, seed %" G_GUINT64_FORMAT, plan->case_name, plan->seed);
    if (!hp_trace_write_pcapng(trace, capture_path, comment, error)) {
        return false;
    }
    g_autofree char *events_path = g_build_filename(folder, "events.jsonl", NULL);
    if (!hp_trace_write_events(trace, events_path, error)) {
        return false;
    }
    g_autofree char *text = hp_report_json(result);
    return write_text(result_path, text, error);
}

static bool copy_file(const char *from, const char *to, GError **error)
{
    g_autoptr(GMappedFile) map = g_mapped_file_new(from, FALSE, NULL);
    if (map == NULL) {
        g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s: cannot read it", from);
        return false;
    }
    hp_output *o = hp_output_open(to, error);
    if (o == NULL) {
        return false;
    }
    if (g_mapped_file_get_length(map) > 0) {
        hp_output_bytes(o, g_mapped_file_get_contents(map), g_mapped_file_get_length(map));
    }
    return hp_output_close(o, error);
}

static bool is_same_folder(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* result.json last, as when it was written. */
bool hp_report_adopt_evidence(const char *from, const char *to, GError **error)
{
    if (is_same_folder(from, to)) { /* by way of a link: to clear the one would be to lose the other */
        return true;
    }
    if (!hp_report_clear_evidence(to, error)) {
        return false;
    }
    if (g_mkdir_with_parents(to, 0777) != 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s: cannot create this folder: %s", to, g_strerror(errno));
        return false;
    }
    for (unsigned i = G_N_ELEMENTS(evidence_names); i-- > 0;) {
        g_autofree char *source = g_build_filename(from, evidence_names[i], NULL);
        g_autofree char *target = g_build_filename(to, evidence_names[i], NULL);
        const bool linked = linkat(AT_FDCWD, source, AT_FDCWD, target, AT_SYMLINK_FOLLOW) == 0;
        if (!linked && !copy_file(source, target, error)) {
            return false;
        }
    }
    return true;
}

bool hp_report_write_junit(const hp_report *report, const char *path, GError **error)
{
    g_autofree char *text = hp_report_junit(report);
    return write_text(path, text, error);
}

bool hp_report_write_tap(const hp_report *report, const char *path, GError **error)
{
    g_autofree char *text = hp_report_tap(report);
    return write_text(path, text, error);
}
