/* Files that belong to a link: lists of delays, traces of opportunities to send.
 *
 * A path is relative to the folder of the scenario's file, so that a scenario can be moved together with its files, and
 * run from anywhere. Each file is read once, however many links, directions and cases of a matrix name it: they all
 * point at one array, which lives until the last case of the scenario's file is freed. So it is with a file that cannot
 * be used: every place that names it is told why, from memory.
 *
 * Only regular files, of at most MAX_BYTES: a scenario may come from anybody, and must not make the loader wait for a
 * pipe or fill the memory from a device. What the lines mean is config/link_files.h's. */
#include "scenario/link_file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/link_files.h"

enum { MAX_BYTES = 64 << 20 };

typedef struct link_file {
    hp_time *times;
    unsigned n;
    char *wrong; /* NULL when it could be read */
} link_file;

static void free_link_file(void *data)
{
    link_file *file = data;
    g_free(file->times);
    g_free(file->wrong);
    g_free(file);
}

GHashTable *hp_link_files_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_link_file);
}

bool hp_link_file_is_named(const char *text)
{
    const char *first = text + (*text != '\0' && strchr("+-.", *text) != NULL ? 1 : 0);
    return !g_ascii_isdigit(*first);
}

/* ---- reading ---- */

/* Takes the descriptor. NULL with *ret_wrong. */
static char *contents(int fd, size_t *ret_len, const char **ret_wrong)
{
    struct stat about;
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        *ret_wrong = "cannot be read: it is no regular file";
        close(fd);
        return NULL;
    }
    if (about.st_size > MAX_BYTES) {
        *ret_wrong = "cannot be read: it is larger than 64 MiB";
        close(fd);
        return NULL;
    }
    FILE *stream = fdopen(fd, "rb");
    g_assert(stream != NULL);
    size_t size = (size_t)about.st_size;
    char *text = g_malloc(size + 1);
    size_t len = fread(text, 1, size, stream); /* what was appended meanwhile is not looked at */
    bool failed = ferror(stream) != 0;
    (void)fclose(stream);
    if (failed) {
        *ret_wrong = "cannot be read";
        g_free(text);
        return NULL;
    }
    *ret_len = len;
    return text;
}

static link_file *read_file(const char *path, hp_value_type type)
{
    link_file *file = g_new0(link_file, 1);
    g_autoptr(GError) error = NULL;
    const char *wrong = NULL;
    size_t len = 0;

    int fd = g_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    if (fd < 0) {
        file->wrong = g_strdup_printf("%s cannot be read: %s", path, g_strerror(errno));
        return file;
    }
    g_autofree char *text = contents(fd, &len, &wrong);
    if (text == NULL) {
        file->wrong = g_strdup_printf("%s %s", path, wrong);
        return file;
    }
    file->times = type == HP_V_DELAYS ? hp_link_file_delays(text, len, path, &file->n, &error)
                                      : hp_link_file_opportunities(text, len, path, &file->n, &error);
    if (file->times == NULL) {
        file->wrong = g_strdup(error->message);
    }
    return file;
}

static char *full_path(const hp_loader *l, const char *path)
{
    if (g_path_is_absolute(path)) {
        return g_strdup(path);
    }
    g_autofree char *folder = g_path_get_dirname(l->load->source.path);
    return strcmp(folder, ".") == 0 ? g_strdup(path) : g_build_filename(folder, path, NULL);
}

bool hp_link_file_read(hp_loader *l, const hp_key *key, const hp_tree *node, void *base)
{
    if (*node->text == '\0') {
        return hp_value_mistake(l, key, node, NULL);
    }
    g_autofree char *path = full_path(l, node->text);
    /* One file may be read in both ways; only one of them can be right, mostly. */
    char *known_as = g_strdup_printf("%s:%s", key->name, path);
    link_file *file = g_hash_table_lookup(l->load->link_files, known_as);
    if (file == NULL) {
        file = read_file(path, key->type);
        g_hash_table_insert(l->load->link_files, known_as, file);
    } else {
        g_free(known_as);
    }
    if (file->wrong != NULL) {
        g_autofree char *valid = g_utf8_make_valid(file->wrong, -1);
        hp_loader_error(l, node, NULL, "`%s`: %s", key->name, valid);
        return false;
    }
    memcpy((char *)base + key->offset, &file->times, sizeof file->times);
    memcpy((char *)base + key->count, &file->n, sizeof file->n);
    return true;
}
