/* Theory of operation: two lists that only grow. Tracks are found from the newest backwards, since a call that was made
 * anew may use an SSRC again; a run has few of them, and whoever asks for each packet keeps the answer. A certificate
 * comes from a random stream named after its peer, so that it is the same whoever is asked first. */
#include "actors/media_hub.h"

#include <string.h>

/* The longest common name that X.509 allows. */
enum { MAX_COMMON_NAME = 64 };

typedef struct track {
    char *from, *to;
    unsigned stream;
    uint32_t ssrc, rtx_ssrc;
} track;

typedef struct peer_identity {
    char *peer;
    hp_dtls_identity *identity;
} peer_identity;

struct hp_media_hub {
    hp_world *world;
    GArray *tracks; /* of track; number 1 is the first */
    GArray *identities; /* of peer_identity */
};

static void clear_track(gpointer data)
{
    track *t = data;
    g_free(t->from);
    g_free(t->to);
}

static void clear_identity(gpointer data)
{
    peer_identity *p = data;
    g_free(p->peer);
    hp_dtls_identity_free(p->identity);
}

hp_media_hub *hp_media_hub_new(hp_world *world)
{
    hp_media_hub *hub = g_new0(hp_media_hub, 1);
    hub->world = world;
    hub->tracks = g_array_new(FALSE, FALSE, sizeof(track));
    g_array_set_clear_func(hub->tracks, clear_track);
    hub->identities = g_array_new(FALSE, FALSE, sizeof(peer_identity));
    g_array_set_clear_func(hub->identities, clear_identity);
    return hub;
}

void hp_media_hub_free(hp_media_hub *hub)
{
    if (!hub) {
        return;
    }
    g_array_unref(hub->tracks);
    g_array_unref(hub->identities);
    g_free(hub);
}

unsigned hp_media_hub_add_track(hp_media_hub *hub, const char *from, const char *to, unsigned stream, uint32_t ssrc,
                                uint32_t rtx_ssrc)
{
    track t = {.from = g_strdup(from), .to = g_strdup(to), .stream = stream, .ssrc = ssrc, .rtx_ssrc = rtx_ssrc};
    g_array_append_val(hub->tracks, t);
    return hub->tracks->len;
}

unsigned hp_media_hub_n_tracks(const hp_media_hub *hub)
{
    return hub->tracks->len;
}

unsigned hp_media_hub_find_track(const hp_media_hub *hub, const char *from, const char *to, unsigned stream,
                                 uint32_t ssrc)
{
    for (unsigned i = hub->tracks->len; i > 0; i--) {
        const track *t = &g_array_index(hub->tracks, track, i - 1);
        if (t->stream == stream && (t->ssrc == ssrc || (t->rtx_ssrc == ssrc && ssrc != 0)) &&
            strcmp(t->from, from) == 0 && strcmp(t->to, to) == 0) {
            return i;
        }
    }
    return 0;
}

const hp_dtls_identity *hp_media_hub_identity(hp_media_hub *hub, const char *peer, GError **error)
{
    for (unsigned i = 0; i < hub->identities->len; i++) {
        const peer_identity *p = &g_array_index(hub->identities, peer_identity, i);
        if (strcmp(p->peer, peer) == 0) {
            return p->identity;
        }
    }
    hp_rng rng;
    g_autofree char *stream = g_strdup_printf("dtls-identity:%s", peer);
    hp_world_rng(hub->world, stream, &rng);
    g_autofree char *name = g_strndup(peer, MAX_COMMON_NAME);
    const char *valid_end;
    if (!g_utf8_validate(name, -1, &valid_end)) { /* cut inside a character */
        name[valid_end - name] = '\0';
    }
    hp_dtls_identity *identity = hp_dtls_identity_new(&rng, *name != '\0' ? name : "peer", error);
    if (!identity) {
        return NULL;
    }
    peer_identity p = {.peer = g_strdup(peer), .identity = identity};
    g_array_append_val(hub->identities, p);
    return identity;
}
