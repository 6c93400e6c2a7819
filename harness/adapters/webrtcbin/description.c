/* The few things that are read from a description's text before the library has it, or that it does not tell. */
#include <stdlib.h>
#include <string.h>

#include "adapters/webrtcbin/session.h"

char *description_find(const char *sdp, const char *prefix)
{
    size_t length = strlen(prefix);
    for (const char *line = sdp; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, prefix, length) == 0) {
            return g_strndup(line + length, strcspn(line + length, "\r\n"));
        }
    }
    return NULL;
}

char *description_origin(const char *sdp)
{
    g_autofree char *line = description_find(sdp, "o=");
    g_auto(GStrv) words = g_strsplit(line ? line : "", " ", 3);
    return g_strdup(g_strv_length(words) > 1 ? words[1] : "");
}

int description_payload_type(const char *sdp, const char *codec)
{
    size_t length = strlen(codec);
    for (const char *line = strstr(sdp, "\na=rtpmap:"); line; line = strstr(line + 1, "\na=rtpmap:")) {
        char *rest = NULL;
        long type = strtol(line + strlen("\na=rtpmap:"), &rest, 10);
        if (*rest == ' ' && g_ascii_strncasecmp(rest + 1, codec, length) == 0 && rest[1 + length] == '/') {
            return (int)type;
        }
    }
    return -1;
}

char *description_mid(const char *sdp, unsigned line)
{
    const char *section = strstr(sdp, "\nm=");
    for (unsigned i = 0; section && i < line; i++) {
        section = strstr(section + 1, "\nm=");
    }
    if (!section) {
        return NULL;
    }
    const char *end = strstr(section + 1, "\nm=");
    g_autofree char *text = end ? g_strndup(section + 1, (size_t)(end - section)) : g_strdup(section + 1);
    return description_find(text, "a=mid:");
}
