/* DTLS before a built-in server: datagrams of the TLS port go through engines/dtls_server.h and come out as messages of
 * a path of their own kind.
 *
 * OpenSSL reads a clock for its retransmission timer; a seam environment shows it the world's. The IP fields of a
 * client's datagram are those of the one message in it, so that what RFC 8656 sections 13 and 14 say of UDP holds for
 * DTLS too.
 *
 * Secrets go into the trace, and with them a capture can be decrypted. */
#include "actors/server_private.h"

static void on_send(void *user, hp_time now, const hp_stun_path *path, const uint8_t *data, size_t len)
{
    hp_server *server = user;
    if (!server->finishing) {
        hp_server_send_datagram(server, path, data, len, &server->meta_out);
    }
}

static void on_data(void *user, hp_time now, const hp_stun_path *path, const uint8_t *data, size_t len)
{
    hp_server *server = user;
    hp_stun_meta meta = server->meta_in;
    hp_server_meter_enter(server->meter);
    hp_turn_server_input(server->engine, now, path, data, len, &meta);
    hp_server_meter_leave(server->meter);
}

static void on_event(void *user, hp_time now, const hp_stun_path *path, const hp_dtls_event *event)
{
    hp_server *server = user;
    const char *state = NULL;
    switch (event->kind) {
    case HP_DTLS_EV_HANDSHAKE:
        state = "secure";
        break;
    case HP_DTLS_EV_ALERT_SENT:
        state = "alert-sent";
        break;
    case HP_DTLS_EV_ALERT_RECEIVED:
        state = "alert-received";
        break;
    case HP_DTLS_EV_KEYLOG:
        hp_trace_event(hp_world_trace(server->world), now, HP_EV_DTLS_SECRET, server->name,
                       HP_FS("line", event->detail));
        break;
    case HP_DTLS_EV_CONNECTED:
    case HP_DTLS_EV_DATA:
    case HP_DTLS_EV_TIMEOUT:
    case HP_DTLS_EV_FAILED:
    case HP_DTLS_EV_CLOSED:
    case HP_DTLS_EV_DROPPED:
        break;
    }
    if (state != NULL) {
        hp_server_trace_stream(server, now, &path->client, path->transport, state, event->detail);
    }
}

static void on_ended(void *user, hp_time now, const hp_stun_path *path, const char *reason)
{
    hp_server *server = user;
    hp_server_trace_stream(server, now, &path->client, path->transport, "closed", reason);
    hp_turn_server_path_ended(server->engine, now, path);
}

static void on_enter(void *user)
{
    hp_seam_enter(((hp_server *)user)->env);
}

static void on_leave(void *user)
{
    hp_seam_leave(((hp_server *)user)->env);
}

bool hp_server_dtls_start(hp_server *server, GError **error)
{
    static const hp_dtls_server_ops ops = {
        .send = on_send, .data = on_data, .event = on_event, .ended = on_ended, .enter = on_enter, .leave = on_leave};
    if (server->env == NULL) {
        g_autofree char *name = g_strconcat("server-dtls:", server->name, NULL);
        server->env = hp_seam_env_new(server->host, name);
    }
    hp_rng rng;
    hp_rng_init(&rng, hp_rng_u64(&server->security_rng), "dtls");
    server->dtls = hp_dtls_server_new(server->identity, &rng, &ops, server);
    return true;
}

void hp_server_dtls_input(hp_server *server, hp_time now, const hp_stun_path *path, const uint8_t *data, size_t len,
                          const hp_stun_meta *meta)
{
    server->meta_in = *meta;
    hp_dtls_server_input(server->dtls, now, path, data, len);
    server->meta_in = (hp_stun_meta){0};
}

bool hp_server_dtls_send(hp_server *server, hp_time now, const hp_stun_path *path, const uint8_t *data, size_t len,
                         const hp_stun_meta *meta)
{
    server->meta_out = *meta;
    bool sent = hp_dtls_server_send(server->dtls, now, path, data, len);
    server->meta_out = (hp_stun_meta){0};
    return sent;
}

hp_time hp_server_dtls_deadline(const hp_server *server)
{
    return server->dtls != NULL ? hp_dtls_server_deadline(server->dtls) : HP_NEVER;
}

void hp_server_dtls_run(hp_server *server, hp_time now)
{
    if (server->dtls != NULL) {
        hp_dtls_server_run(server->dtls, now);
    }
}

void hp_server_dtls_close(hp_server *server, hp_time now)
{
    if (server->dtls != NULL) {
        hp_dtls_server_close_all(server->dtls, now);
    }
}

void hp_server_dtls_stop(hp_server *server)
{
    g_clear_pointer(&server->dtls, hp_dtls_server_free);
}

void hp_server_dtls_free(hp_server *server)
{
    hp_server_dtls_stop(server);
    g_clear_pointer(&server->env, hp_seam_env_free);
}
