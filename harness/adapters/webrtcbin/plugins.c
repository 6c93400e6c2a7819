/* Which plugins a WebRTC call needs, and the Debian packages they come in.
 *
 * GStreamer looks through all its plugins when its registry is missing or old (some 250 files, some seconds)
 * and writes what it found below the home folder. A peer of a test run should start at once and leave nothing behind,
 * so the search is switched off and the few plugins are loaded by their files. */
#include "adapters/webrtcbin/plugins.h"

#include <gst/gst.h>

static const struct {
    const char *name, *package;
} plugins[] = {
    {"coreelements", "libgstreamer1.0-0"},
    {"app", "gstreamer1.0-plugins-base"},
    {"audiotestsrc", "gstreamer1.0-plugins-base"},
    {"videotestsrc", "gstreamer1.0-plugins-base"},
    {"opus", "gstreamer1.0-plugins-base"},
    {"rtp", "gstreamer1.0-plugins-good"},
    {"rtpmanager", "gstreamer1.0-plugins-good"},
    {"vpx", "gstreamer1.0-plugins-good"},
    {"dtls", "gstreamer1.0-plugins-bad"},
    {"sctp", "gstreamer1.0-plugins-bad"},
    {"srtp", "gstreamer1.0-plugins-bad"},
    {"webrtc", "gstreamer1.0-plugins-bad"},
    {"nice", "gstreamer1.0-nice"},
};

void plugins_no_registry(void)
{
    g_setenv("GST_REGISTRY_DISABLE", "yes", TRUE);
    g_setenv("GST_REGISTRY_UPDATE", "no", TRUE);
    g_setenv("GST_PLUGIN_PATH", "", TRUE);
    g_setenv("GST_PLUGIN_SYSTEM_PATH", "", TRUE);
}

static char *file_of(const char *plugin)
{
    return g_strdup_printf("%s/libgst%s.so", HAIRPIN_GST_PLUGINS, plugin);
}

static char *look(bool (*good)(const char *file))
{
    g_autoptr(GString) missing = g_string_new(NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(plugins); i++) {
        g_autofree char *file = file_of(plugins[i].name);
        if (!good(file) && !strstr(missing->str, plugins[i].package)) {
            g_string_append_printf(missing, "%s%s", missing->len ? ", " : "", plugins[i].package);
        }
    }
    return missing->len ? g_strdup(missing->str) : NULL;
}

static bool exists(const char *file)
{
    return g_file_test(file, G_FILE_TEST_EXISTS);
}

static bool load(const char *file)
{
    g_autoptr(GstPlugin) plugin = gst_plugin_load_file(file, NULL);
    return plugin && gst_registry_add_plugin(gst_registry_get(), gst_object_ref(plugin));
}

char *plugins_missing(void)
{
    return look(exists);
}

char *plugins_load(void)
{
    return look(load);
}
