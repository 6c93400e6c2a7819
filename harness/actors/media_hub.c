/* Theory of operation: two lists that only grow. Tracks are found from the newest backwards, since a call that was made
 * anew may use an SSRC again; a run has few of them, and whoever asks for each packet keeps the answer. A certificate
 * comes from a random stream named after its peer, so that it is the same whoever is asked first.
 *
 * Tracks may lie in a table shared by several processes instead. A writer takes the next slot by counting up, fills it
 * and then marks it as there; nothing is ever changed afterwards, so readers need no lock. Names are cut to a slot's
 * size, and compared as cut. */
#include "actors/media_hub.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "base/error.h"

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

enum { SHARED_NAME = 128 };

typedef struct shared_track {
    atomic_bool there;
    char from[SHARED_NAME], to[SHARED_NAME];
    unsigned stream;
    uint32_t ssrc, rtx_ssrc;
} shared_track;

struct hp_media_tracks {
    atomic_uint n; /* slots taken; counts on when all are */
    shared_track slots[HP_MEDIA_MAX_SHARED_TRACKS];
};

struct hp_media_hub {
    hp_world *world;
    GArray *tracks; /* of track; number 1 is the first */
    hp_media_tracks *shared; /* NULL: tracks */
    bool (*is_foreign)(void *user, const char *peer);
    void *foreign_user;
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

hp_media_hub *hp_media_hub_new_shared(hp_world *world, hp_media_tracks *tracks)
{
    hp_media_hub *hub = hp_media_hub_new(world);
    hub->shared = tracks;
    return hub;
}

void hp_media_hub_set_foreign(hp_media_hub *hub, bool (*is_foreign)(void *user, const char *peer), void *user)
{
    hub->is_foreign = is_foreign;
    hub->foreign_user = user;
}

bool hp_media_hub_is_foreign(const hp_media_hub *hub, const char *peer)
{
    return hub->is_foreign && hub->is_foreign(hub->foreign_user, peer);
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

/* ---- tracks of several processes ---- */

hp_media_tracks *hp_media_tracks_new(GError **error)
{
    /* Zeroed, and pages are taken as they are used. */
    void *memory =
        mmap(NULL, sizeof(hp_media_tracks), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "no shared memory for tracks of media: %s",
                    g_strerror(errno));
        return NULL;
    }
    return memory;
}

void hp_media_tracks_free(hp_media_tracks *tracks)
{
    if (tracks) {
        munmap(tracks, sizeof *tracks);
    }
}

static unsigned add_shared(hp_media_tracks *tracks, const char *from, const char *to, unsigned stream, uint32_t ssrc,
                           uint32_t rtx_ssrc)
{
    unsigned i = atomic_fetch_add(&tracks->n, 1);
    if (i >= HP_MEDIA_MAX_SHARED_TRACKS) {
        return 0;
    }
    shared_track *t = &tracks->slots[i];
    g_strlcpy(t->from, from, sizeof t->from);
    g_strlcpy(t->to, to, sizeof t->to);
    t->stream = stream;
    t->ssrc = ssrc;
    t->rtx_ssrc = rtx_ssrc;
    atomic_store(&t->there, true);
    return i + 1;
}

static bool is_of(uint32_t ssrc, uint32_t of, uint32_t rtx)
{
    return of == ssrc || (rtx == ssrc && ssrc != 0);
}

static unsigned n_shared(const hp_media_tracks *tracks)
{
    return MIN(atomic_load(&tracks->n), HP_MEDIA_MAX_SHARED_TRACKS);
}

static unsigned find_shared(const hp_media_tracks *tracks, const char *from, const char *to, unsigned stream,
                            uint32_t ssrc)
{
    for (unsigned i = n_shared(tracks); i > 0; i--) {
        const shared_track *t = &tracks->slots[i - 1];
        if (atomic_load(&t->there) && t->stream == stream && is_of(ssrc, t->ssrc, t->rtx_ssrc) &&
            strncmp(t->from, from, sizeof t->from - 1) == 0 && strncmp(t->to, to, sizeof t->to - 1) == 0) {
            return i;
        }
    }
    return 0;
}

/* ---- tracks ---- */

unsigned hp_media_hub_add_track(hp_media_hub *hub, const char *from, const char *to, unsigned stream, uint32_t ssrc,
                                uint32_t rtx_ssrc)
{
    if (hub->shared) {
        return add_shared(hub->shared, from, to, stream, ssrc, rtx_ssrc);
    }
    track t = {.from = g_strdup(from), .to = g_strdup(to), .stream = stream, .ssrc = ssrc, .rtx_ssrc = rtx_ssrc};
    g_array_append_val(hub->tracks, t);
    return hub->tracks->len;
}

unsigned hp_media_hub_n_tracks(const hp_media_hub *hub)
{
    return hub->shared ? n_shared(hub->shared) : hub->tracks->len;
}

unsigned hp_media_hub_find_track(const hp_media_hub *hub, const char *from, const char *to, unsigned stream,
                                 uint32_t ssrc)
{
    if (hub->shared) {
        return find_shared(hub->shared, from, to, stream, ssrc);
    }
    for (unsigned i = hub->tracks->len; i > 0; i--) {
        const track *t = &g_array_index(hub->tracks, track, i - 1);
        if (t->stream == stream && is_of(ssrc, t->ssrc, t->rtx_ssrc) && strcmp(t->from, from) == 0 &&
            strcmp(t->to, to) == 0) {
            return i;
        }
    }
    return 0;
}

/* ---- certificates ---- */

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
