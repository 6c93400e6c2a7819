/* Theory of operation: the browser's requests for its page are answered over the DevTools (Fetch.fulfillRequest), so no
 * server is needed for it, and the page is there before the world's network is. Our own page is part of the program, as
 * the page of reports is; HAIRPIN_PEER_PAGE is the folder it is read from when building, and is not used later. */
#include "programs/chromium_pages.h"

#include <string.h>

/* Each file as hp_page_NAME_begin and _end in read-only data, with a NUL behind it. */
#define FILE_OF(name, file)                                                                                            \
    __asm__(".pushsection .rodata\n"                                                                                   \
            ".global hp_page_" #name "_begin\n"                                                                        \
            ".global hp_page_" #name "_end\n"                                                                          \
            "hp_page_" #name "_begin:\n"                                                                               \
            ".incbin \"" HAIRPIN_PEER_PAGE "/" file "\"\n"                                                             \
            "hp_page_" #name "_end:\n"                                                                                 \
            ".byte 0\n"                                                                                                \
            ".popsection\n");                                                                                          \
    extern const char hp_page_##name##_begin[], hp_page_##name##_end[]

FILE_OF(observer, "observer.js");
FILE_OF(peer_html, "peer.html");
FILE_OF(peer_js, "peer.js");

const char *hp_chromium_observer(size_t *ret_length)
{
    *ret_length = (size_t)(hp_page_observer_end - hp_page_observer_begin);
    return hp_page_observer_begin;
}

const char *hp_media_type_of_file(const char *name)
{
    static const struct {
        const char *end, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".mjs", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".json", "application/json"},
        {".txt", "text/plain; charset=utf-8"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".jpg", "image/jpeg"},
        {".webm", "video/webm"},
        {".mp4", "video/mp4"},
        {".wav", "audio/wav"},
        {".wasm", "application/wasm"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(types); i++) {
        if (g_str_has_suffix(name, types[i].end)) {
            return types[i].type;
        }
    }
    return "application/octet-stream";
}

char *hp_file_below(const char *folder, const char *path)
{
    g_autofree char *bare = g_strndup(path, strcspn(path, "?#"));
    g_autofree char *name = g_uri_unescape_string(bare, "/"); /* an escaped slash or NUL is no name */
    if (!name) {
        return NULL;
    }
    if (*name == '\0' || g_str_has_suffix(name, "/")) {
        char *index = g_strconcat(name, "index.html", NULL);
        g_free(name);
        name = index;
    }
    g_auto(GStrv) parts = g_strsplit(name, "/", -1);
    if (g_strv_contains((const char *const *)parts, "..")) {
        return NULL;
    }
    return g_build_filename(folder, name, NULL);
}

static GBytes *read_file(const char *file, const char **ret_type)
{
    char *text = NULL;
    gsize length = 0;
    if (!g_file_get_contents(file, &text, &length, NULL)) {
        return NULL;
    }
    *ret_type = hp_media_type_of_file(file);
    return g_bytes_new_take(text, length);
}

static GBytes *own_file(const char *path, const char **ret_type)
{
    const struct {
        const char *path, *begin, *end;
    } files[] = {
        {"/", hp_page_peer_html_begin, hp_page_peer_html_end},
        {"/peer.js", hp_page_peer_js_begin, hp_page_peer_js_end},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(files); i++) {
        if (strcmp(files[i].path, path) == 0) {
            *ret_type = hp_media_type_of_file(i == 0 ? ".html" : path);
            return g_bytes_new_static(files[i].begin, (gsize)(files[i].end - files[i].begin));
        }
    }
    return NULL;
}

GBytes *hp_chromium_file(const char *page, const char *path, const char **ret_type)
{
    if (!page) {
        return own_file(path, ret_type);
    }
    if (strcspn(path, "?#") == strlen("/") && path[0] == '/') {
        return read_file(page, ret_type);
    }
    g_autofree char *folder = g_path_get_dirname(page);
    g_autofree char *file = hp_file_below(folder, path);
    return file ? read_file(file, ret_type) : NULL;
}
