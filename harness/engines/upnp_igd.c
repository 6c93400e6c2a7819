/* The UPnP gateway: its life, and HTTP/1.1 on byte streams (RFC 9112).
 *
 * Bytes of a stream are gathered until a head, and the body its Content-Length announces, are complete; requests are
 * served in their order, as many as have come, and their answers leave together at the end of the call. A stream ends
 * after an answer when the client says so, speaks HTTP/1.0, or sent something after which the next request could not
 * be found: then the status is 400, 411, 413, 431 or 501. Chunked bodies are not read (501).
 *
 * Two descriptions and one place for control exist; the events of UPnP do not (SUBSCRIBE gets 405). */
#include "engines/upnp_igd.h"

#include "engines/upnp_igd_private.h"

#define DEFAULT_PORT 5000
#define XML "text/xml; charset=\"utf-8\""

hp_upnp_igd *hp_upnp_igd_new(hp_leases *leases, const hp_addr *inside, const hp_rng *rng, const hp_upnp_ops *ops,
                             void *user)
{
    hp_upnp_igd *igd = g_new0(hp_upnp_igd, 1);
    igd->leases = leases;
    igd->config = hp_leases_config(leases);
    igd->inside = hp_addr_with_port(*inside, 0);
    igd->port = igd->config->upnp_port != 0 ? igd->config->upnp_port : DEFAULT_PORT;
    igd->version = igd->config->upnp_version == 2 ? 2 : 1;
    igd->rng = *rng;
    igd->ops = *ops;
    igd->user = user;
    igd->replies = g_ptr_array_new_with_free_func(hp_ssdp_reply_free);
    igd->conns = g_ptr_array_new();
    for (unsigned i = 0; i < HP_UPNP_DEVICES; i++) {
        uint8_t b[16];
        hp_rng_bytes(&igd->rng, b, sizeof b);
        b[6] = (b[6] & 0x0f) | 0x40;
        b[8] = (b[8] & 0x3f) | 0x80;
        g_snprintf(igd->uuid[i], HP_UPNP_UUID, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                   b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
                   b[15]);
    }
    return igd;
}

static void conn_free(hp_upnp_conn *conn)
{
    g_byte_array_unref(conn->in);
    g_string_free(conn->out, true);
    g_free(conn);
}

void hp_upnp_igd_free(hp_upnp_igd *igd)
{
    if (igd == NULL) {
        return;
    }
    g_ptr_array_unref(igd->replies);
    for (unsigned i = 0; i < igd->conns->len; i++) {
        conn_free(g_ptr_array_index(igd->conns, i));
    }
    g_ptr_array_unref(igd->conns);
    hp_deadlines_free(&igd->deadlines);
    g_free(igd);
}

uint16_t hp_upnp_igd_port(const hp_upnp_igd *igd)
{
    return igd->port;
}

void hp_upnp_tell(hp_upnp_igd *igd, hp_time now, const hp_upnp_event *event)
{
    if (igd->ops.event != NULL) {
        igd->ops.event(igd->user, now, event);
    }
}

hp_time hp_upnp_igd_deadline(const hp_upnp_igd *igd)
{
    return MIN(hp_deadlines_next(&igd->deadlines), hp_leases_deadline(igd->leases));
}

void hp_upnp_igd_run(hp_upnp_igd *igd, hp_time now)
{
    hp_leases_run(igd->leases, now);
    hp_deadlines_run(&igd->deadlines, now);
}

hp_upnp_conn *hp_upnp_igd_accepted(hp_upnp_igd *igd, const hp_addr *client, void *stream)
{
    hp_upnp_conn *conn = g_new0(hp_upnp_conn, 1);
    conn->igd = igd;
    conn->client = *client;
    conn->stream = stream;
    conn->in = g_byte_array_new();
    conn->out = g_string_new(NULL);
    g_ptr_array_add(igd->conns, conn);
    return conn;
}

void hp_upnp_igd_closed(hp_upnp_conn *conn)
{
    g_ptr_array_remove(conn->igd->conns, conn);
    conn_free(conn);
}

/* ---- answers ---- */

static const char *reason_of(unsigned status)
{
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 411:
        return "Length Required";
    case 413:
        return "Content Too Large";
    case 431:
        return "Request Header Fields Too Large";
    case 501:
        return "Not Implemented";
    }
    return "Internal Server Error";
}

static void respond(hp_upnp_conn *conn, unsigned status, const GString *body, bool with_body)
{
    bool xml = body != NULL && body->len > 0;
    g_string_append_printf(conn->out,
                           "HTTP/1.1 %u %s\r\n"
                           "%s"
                           "Content-Length: %" G_GSIZE_FORMAT "\r\n"
                           "%s"
                           "EXT:\r\n"
                           "Server: " HP_UPNP_SERVER "\r\n"
                           "\r\n",
                           status, reason_of(status), xml ? "Content-Type: " XML "\r\n" : "", xml ? body->len : 0,
                           conn->closing ? "Connection: close\r\n" : "");
    if (xml && with_body) {
        g_string_append_len(conn->out, body->str, (gssize)body->len);
    }
}

static void give_up(hp_upnp_conn *conn, hp_time now, unsigned status)
{
    conn->closing = true;
    respond(conn, status, NULL, true);
    hp_upnp_tell(conn->igd, now, &(hp_upnp_event){.client = conn->client, .action = "", .status = status});
}

/* ---- requests ---- */

static void control(hp_upnp_conn *conn, hp_time now, const hp_http_head *head, const uint8_t *body, size_t len)
{
    g_autoptr(GString) out = g_string_new(NULL);
    hp_soap_call call;
    const char *soap_action = hp_http_field(head, "SOAPACTION");
    hp_upnp_event event = {.client = conn->client, .action = "", .status = 200};
    if (soap_action == NULL || !hp_soap_parse(soap_action, body, len, conn->igd->version, &call)) {
        event.status = 500;
        event.error = 401;
        hp_soap_fault(out, event.error);
        respond(conn, event.status, out, true);
        hp_upnp_tell(conn->igd, now, &event);
        return;
    }
    event.action = call.action;
    event.error = hp_upnp_act(conn->igd, now, &conn->client, &call, out, &event);
    if (event.error != 0) {
        event.status = 500;
        g_string_truncate(out, 0);
        hp_soap_fault(out, event.error);
    }
    respond(conn, event.status, out, true);
    hp_upnp_tell(conn->igd, now, &event);
    hp_soap_clear(&call);
}

static const char *path_of(const char *target)
{
    const char *host = g_str_has_prefix(target, "http://") ? strchr(target + strlen("http://"), '/') : target;
    return host != NULL ? host : "/";
}

static void serve(hp_upnp_conn *conn, hp_time now, const hp_http_head *head, const uint8_t *body, size_t len)
{
    const char *path = path_of(head->target);
    const char *connection = hp_http_field(head, "Connection");
    bool get = strcmp(head->method, "GET") == 0, only_head = strcmp(head->method, "HEAD") == 0;
    conn->closing = head->version[7] == '0' || (connection != NULL && g_ascii_strcasecmp(connection, "close") == 0);
    if (strcmp(head->method, "POST") == 0 && strcmp(path, HP_UPNP_CONTROL) == 0) {
        control(conn, now, head, body, len);
        return;
    }
    unsigned status = 200;
    g_autoptr(GString) out = g_string_new(NULL);
    if (!get && !only_head) {
        status = 405;
    } else if (strcmp(path, HP_UPNP_DESCRIPTION) == 0) {
        hp_upnp_describe_device(conn->igd, out);
    } else if (strcmp(path, HP_UPNP_SERVICE_DESCRIPTION) == 0) {
        hp_upnp_describe_service(conn->igd, out);
    } else {
        status = 404;
    }
    respond(conn, status, out, get);
    hp_upnp_tell(conn->igd, now, &(hp_upnp_event){.client = conn->client, .action = head->method, .status = status});
}

/* One request from what has come. False: more is needed, or the stream is over. */
static bool step(hp_upnp_conn *conn, hp_time now)
{
    hp_http_head head;
    uint64_t body = 0;
    size_t start = hp_http_head_length(conn->in->data, conn->in->len);
    if (conn->closing) {
        return false;
    }
    if (start == 0 || start > HP_UPNP_MAX_HEAD) {
        if (conn->in->len > HP_UPNP_MAX_HEAD) {
            give_up(conn, now, 431);
        }
        return false;
    }
    if (!hp_http_head_parse(conn->in->data, start, &head)) {
        give_up(conn, now, 400);
        return false;
    }
    const char *length = hp_http_field(&head, "Content-Length");
    unsigned refused = 0;
    if (hp_http_field(&head, "Transfer-Encoding") != NULL) {
        refused = 501;
    } else if (length == NULL && strcmp(head.method, "POST") == 0) {
        refused = 411;
    } else if (length != NULL && !hp_http_number(length, INT64_MAX, &body)) {
        refused = 400;
    } else if (body > HP_UPNP_MAX_BODY) {
        refused = 413;
    }
    bool complete = refused == 0 && conn->in->len - start >= body;
    if (refused != 0) {
        give_up(conn, now, refused);
    } else if (complete) {
        serve(conn, now, &head, conn->in->data + start, (size_t)body);
        g_byte_array_remove_range(conn->in, 0, (guint)(start + body));
    }
    hp_http_head_clear(&head);
    return complete;
}

void hp_upnp_igd_stream(hp_upnp_conn *conn, hp_time now, const uint8_t *data, size_t len)
{
    hp_upnp_igd *igd = conn->igd;
    if (conn->closing) {
        return;
    }
    hp_leases_run(igd->leases, now);
    g_byte_array_append(conn->in, data, (guint)len);
    if (conn->busy) {
        return; /* the call that is sending goes on with it */
    }
    conn->busy = true;
    bool closing = false;
    while (!closing) {
        while (step(conn, now)) {
        }
        if (conn->out->len == 0) {
            break;
        }
        closing = conn->closing;
        GString *out = conn->out;
        conn->out = g_string_new(NULL);
        igd->ops.stream_send(igd->user, now, conn->stream, (const uint8_t *)out->str, out->len);
        g_string_free(out, true);
    }
    conn->busy = false;
    if (closing) {
        igd->ops.stream_close(igd->user, now, conn->stream);
    }
}
