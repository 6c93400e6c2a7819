/* What part of a whole some results are. See shard.h. */
#include "report/shard.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "base/error.h"
#include "report/evidence.h"
#include "trace/output.h"

#define SHARD_FORMAT "hairpin-shard/1"

void hp_shard_of_whole(hp_plan *const *plans, unsigned n_plans, hp_shard *ret)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    for (unsigned i = 0; i < n_plans; i++) {
        g_autofree char *line = g_strdup_printf("%s %" G_GUINT64_FORMAT "\n", plans[i]->case_name, plans[i]->seed);
        g_checksum_update(sum, (const guchar *)line, (gssize)strlen(line));
    }
    *ret = (hp_shard){.n_cases = n_plans, .n_all = n_plans};
    g_strlcpy(ret->list, g_checksum_get_string(sum), sizeof ret->list);
}

bool hp_shard_write(const hp_shard *shard, const char *folder, GError **error)
{
    g_autofree char *path = g_build_filename(folder, HP_SHARD_FILE, NULL);
    if (shard->of == 0) {
        if (g_unlink(path) != 0 && errno != ENOENT) {
            g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s: cannot remove it: %s", path, g_strerror(errno));
            return false;
        }
        return true;
    }
    hp_output *o = hp_output_open(path, error);
    if (o == NULL) {
        return false;
    }
    hp_output_printf(o, "{\"format\": \"%s\", \"shard\": %u, \"of\": %u, \"cases\": %u, \"all\": %u, ", SHARD_FORMAT,
                     shard->index, shard->of, shard->n_cases, shard->n_all);
    hp_output_printf(o, "\"list\": \"%s\"}\n", shard->list);
    return hp_output_close(o, error);
}

static bool read_unsigned(JsonObject *object, const char *key, unsigned *ret)
{
    const uint64_t value = hp_evidence_u64(object, key);
    *ret = (unsigned)value;
    return value <= G_MAXUINT;
}

bool hp_shard_read(const char *folder, hp_shard *ret, GError **error)
{
    g_autofree char *path = g_build_filename(folder, HP_SHARD_FILE, NULL);
    hp_shard shard = {0};
    if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        *ret = shard;
        return true;
    }
    g_autoptr(JsonNode) root = hp_evidence_load_json(path, error);
    if (root == NULL) {
        return false;
    }
    JsonObject *object = json_node_get_object(root);
    const char *list = hp_evidence_text(object, "list");
    const bool numbers = read_unsigned(object, "shard", &shard.index) && read_unsigned(object, "of", &shard.of) &&
                         read_unsigned(object, "cases", &shard.n_cases) && read_unsigned(object, "all", &shard.n_all);
    if (strcmp(hp_evidence_text(object, "format"), SHARD_FORMAT) != 0 || !numbers || shard.index < 1 ||
        shard.index > shard.of || strlen(list) != sizeof shard.list - 1) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: does not say which shard of what this is (format `%s`)",
                    path, SHARD_FORMAT);
        return false;
    }
    g_strlcpy(shard.list, list, sizeof shard.list);
    *ret = shard;
    return true;
}
