/* A fixture for tests of peers: hosts on one switch, 1 ms from each other, and a broker 50 ms away. */
#ifndef TESTS_ACTORS_LAN_H
#define TESTS_ACTORS_LAN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "actors/peer.h"
#include "actors/signaling.h"
#include "world/host.h"
#include "world/link.h"
#include "world/router.h"
#include "world/world.h"

enum { LAN_MAX = 8 };

typedef struct lan_received {
    char with[32];
    unsigned count;
    size_t bytes;
    hp_time at; /* of the last */
    uint8_t last[64];
    size_t last_len;
    uint32_t record;
} lan_received;

typedef struct lan {
    hp_trace *trace;
    hp_world *world;
    hp_router *router;
    hp_signaling *signaling;
    hp_signaling_config signaling_config;
    hp_ice_config ice; /* shared by all peers unless a test makes its own */
    hp_peer_media_config media; /* the same */
    hp_media_hub *hub;
    unsigned n_hosts;
    hp_host *hosts[LAN_MAX];
    hp_link *up[LAN_MAX], *down[LAN_MAX];
    hp_peer *peers[LAN_MAX];
    lan_received received[LAN_MAX];
} lan;

static inline hp_ice_config lan_ice_default(void)
{
    return (hp_ice_config){.trickle = true,
                           .full_mode = true,
                           .ice_udp = true,
                           .stun_pacing_timer_ms = -1,
                           .stun_max_retransmissions = -1,
                           .stun_initial_timeout_ms = -1,
                           .stun_reliable_timeout_ms = -1,
                           .max_connectivity_checks = -1,
                           .idle_timeout_ms = -1,
                           .tos = -1};
}

static inline hp_peer_media_config lan_media_default(void)
{
    return (hp_peer_media_config){.track = {hp_audio_config_default(), hp_video_config_default()},
                                  .replay_loop = {true, true}};
}

static inline lan *lan_new(uint64_t seed)
{
    lan *l = g_new0(lan, 1);
    l->trace = hp_trace_new_sized(256 << 20, NULL);
    assert_non_null(l->trace);
    l->world = hp_world_new(seed, l->trace);
    hp_router_config switch_config = {0};
    l->router = hp_router_new(l->world, "lan", &switch_config);
    l->signaling_config = (hp_signaling_config){.delay = 50 * HP_MS, .echo = true};
    l->signaling = hp_signaling_new(l->world, &l->signaling_config);
    l->ice = lan_ice_default();
    l->media = lan_media_default();
    l->hub = hp_media_hub_new(l->world);
    return l;
}

/* Host number i gets 192.168.0.(i + 1). */
static inline hp_host *lan_add_host(lan *l, const char *name)
{
    unsigned i = l->n_hosts++;
    hp_addr addr = hp_addr_v4(0xc0a80001 + i, 0);
    hp_link_config link = {.delay_ns = HP_MS / 2};
    g_autofree char *up = g_strdup_printf("%s>lan", name), *down = g_strdup_printf("lan>%s", name);
    l->hosts[i] = hp_host_new(l->world, name);
    unsigned interface = hp_host_add_interface(l->hosts[i], NULL, 0);
    hp_host_add_address(l->hosts[i], interface, &addr);
    l->up[i] = hp_link_new(l->world, up, &link);
    l->down[i] = hp_link_new(l->world, down, &link);
    hp_node_connect(hp_host_node(l->hosts[i]), interface, hp_link_node(l->up[i]), 0);
    hp_node_connect(hp_link_node(l->up[i]), 0, hp_router_node(l->router), i);
    hp_node_connect(hp_router_node(l->router), i, hp_link_node(l->down[i]), 0);
    hp_node_connect(hp_link_node(l->down[i]), 0, hp_host_node(l->hosts[i]), interface);
    hp_prefix route = {.base = addr, .bits = 32};
    hp_router_add_route(l->router, &route, i);
    return l->hosts[i];
}

static inline void lan_on_data(void *user, hp_peer *peer, const char *with, unsigned stream, unsigned component,
                               const uint8_t *data, size_t len, uint32_t record)
{
    lan *l = user;
    for (unsigned i = 0; i < l->n_hosts; i++) {
        if (l->peers[i] == peer) {
            lan_received *r = &l->received[i];
            r->count++;
            r->bytes += len;
            r->at = hp_world_now(l->world);
            r->record = record;
            r->last_len = MIN(len, sizeof r->last);
            memcpy(r->last, data, r->last_len);
            g_strlcpy(r->with, with, sizeof r->with);
        }
    }
}

/* What a test does not change, config says. */
static inline hp_peer_config lan_peer_config(lan *l, const char *name)
{
    return (hp_peer_config){
        .name = name,
        .ice = &l->ice,
        .client = {.queue_early_candidates = true, .ignores_own = true, .answers_any_offer = true},
        .media = &l->media,
        .hub = l->hub,
    };
}

static inline hp_peer *lan_add_peer_of(lan *l, const hp_peer_config *config)
{
    hp_host *host = lan_add_host(l, config->name);
    hp_peer *peer = hp_peer_new(host, l->signaling, config);
    l->peers[l->n_hosts - 1] = peer;
    hp_peer_set_receive(peer, lan_on_data, l);
    return peer;
}

static inline hp_peer *lan_add_peer_with(lan *l, const char *name, const hp_ice_config *ice,
                                         const hp_peer_client *client)
{
    hp_peer_config config = lan_peer_config(l, name);
    config.ice = ice ? ice : &l->ice;
    config.client = client ? *client : config.client;
    return lan_add_peer_of(l, &config);
}

/* With media settings of its own; NULL: it takes no part in media. */
static inline hp_peer *lan_add_peer_media(lan *l, const char *name, const hp_peer_media_config *media)
{
    hp_peer_config config = lan_peer_config(l, name);
    config.media = media;
    return lan_add_peer_of(l, &config);
}

static inline hp_peer *lan_add_peer(lan *l, const char *name)
{
    return lan_add_peer_with(l, name, NULL, NULL);
}

static inline void lan_run(lan *l, hp_time until)
{
    g_autoptr(GError) error = NULL;
    if (!hp_world_run_until(l->world, until, &error)) {
        fail_msg("%s", error->message);
    }
}

static inline void lan_free(lan *l)
{
    for (unsigned i = 0; i < l->n_hosts; i++) {
        hp_peer_free(l->peers[i]);
    }
    hp_media_hub_free(l->hub);
    hp_signaling_free(l->signaling);
    hp_world_free(l->world);
    hp_trace_free(l->trace);
    g_free(l);
}

/* The n-th (from 0) event of a kind about a subject (NULL: any) whose field `key` (NULL: any) is text. */
static inline bool lan_find(const lan *l, hp_event_kind kind, const char *subject, const char *key, const char *text,
                            unsigned n, hp_record *ret)
{
    hp_trace_cursor cursor = {0};
    hp_record r;
    while (hp_trace_next(l->trace, &cursor, &r)) {
        if (r.type == HP_RECORD_EVENT && r.event.kind == kind && (!subject || strcmp(r.event.subject, subject) == 0) &&
            (!key || strcmp(hp_record_text(&r, key), text) == 0) && n-- == 0) {
            *ret = r;
            return true;
        }
    }
    return false;
}

static inline unsigned lan_count(const lan *l, hp_event_kind kind, const char *subject, const char *key,
                                 const char *text)
{
    hp_record r;
    unsigned n = 0;
    while (lan_find(l, kind, subject, key, text, n, &r)) {
        n++;
    }
    return n;
}

#endif
