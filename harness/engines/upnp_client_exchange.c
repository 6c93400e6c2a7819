/* The exchanges of a UPnP control point with its gateway: what is asked next, what an answer means, and what it means
 * that there is none (see upnp_client.c for the life of a mapping). */
#include "engines/upnp_client_private.h"

#define SEARCH_MX_S 1
#define PORT_TRIES 8

enum { PERMANENT_ONLY = 725, SAME_PORT = 724, CONFLICT = 718, NO_SUCH_ENTRY = 714 };

static void set_renewal(hp_upnp_mapping *m, hp_time now)
{
    hp_time half = m->expires != HP_NEVER && m->expires > now ? (m->expires - now) / 2 : 0;
    m->renew = half >= HP_S ? hp_time_add(now, half) : HP_NEVER;
}

/* ---- failing ---- */

void hp_upnp_client_end_exchange(hp_upnp_client *client, hp_time now)
{
    if (!client->busy) {
        return;
    }
    client->busy = false;
    client->connected = false;
    g_clear_pointer(&client->request, g_free);
    g_byte_array_set_size(client->in, 0);
    client->ended = false;
    client->timeout = HP_NEVER;
    client->ops.stream_close(client->user, now);
}

/* Nothing can be asked of the gateway now. What lives may be renewed later. */
static void fail_all(hp_upnp_client *client, hp_time now, hp_upnp_client_event_kind kind, unsigned code)
{
    uint64_t newest = client->next_number - 1;
    for (uint64_t number = 1; number <= newest; number++) {
        hp_upnp_mapping *m = hp_upnp_client_find(client, number);
        if (m == NULL || !m->wanted) {
            continue;
        }
        m->wanted = false;
        if (m->state == HP_UPNP_LIVE) {
            set_renewal(m, now);
            hp_upnp_client_tell(client, now, HP_UPNP_CLIENT_NO_ANSWER, m, code);
        } else {
            hp_upnp_client_drop(client, now, m, kind, code);
        }
    }
}

void hp_upnp_client_fail(hp_upnp_client *client, hp_time now, hp_upnp_client_event_kind kind, unsigned code)
{
    hp_upnp_mapping *m = client->subject == HP_UPNP_OF_MAPPING ? hp_upnp_client_find(client, client->number) : NULL;
    hp_upnp_client_end_exchange(client, now);
    switch (client->subject) {
    case HP_UPNP_OF_DESCRIPTION:
        client->phase = HP_UPNP_IDLE;
        fail_all(client, now, kind, code);
        return;
    case HP_UPNP_OF_ADDRESS:
        fail_all(client, now, kind, code);
        return;
    case HP_UPNP_OF_MAPPING:
        break;
    }
    if (m == NULL) {
        return;
    }
    m->wanted = false;
    if (m->state == HP_UPNP_LIVE && kind == HP_UPNP_CLIENT_NO_ANSWER) {
        set_renewal(m, now);
        hp_upnp_client_tell(client, now, kind, m, code);
    } else {
        hp_upnp_client_drop(client, now, m, kind, code);
    }
}

/* ---- asking ---- */

void hp_upnp_client_search(hp_upnp_client *client, hp_time now)
{
    if (client->searches >= client->config.attempts) {
        client->phase = HP_UPNP_IDLE;
        client->search_at = HP_NEVER;
        fail_all(client, now, HP_UPNP_CLIENT_NO_ANSWER, 0);
        return;
    }
    g_autofree char *text = hp_upnp_write_search(SEARCH_MX_S);
    hp_addr group = hp_ssdp_group();
    client->search_at = hp_time_add(now, client->config.first_timeout << MIN(client->searches, 20));
    client->searches++;
    client->ops.send(client->user, now, &group, (const uint8_t *)text, strlen(text));
}

static char *write_mapping(const hp_upnp_client *client, const hp_upnp_mapping *m)
{
    char remote[HP_ADDR_TEXT] = "", local[HP_ADDR_TEXT];
    const char *protocol = m->wish.protocol == HP_LEASE_TCP ? "TCP" : "UDP";
    if (m->wish.remote.family != HP_AF_NONE) {
        hp_addr_format_ip(&m->wish.remote, remote);
    }
    g_autofree char *key = g_strdup_printf("<NewRemoteHost>%s</NewRemoteHost><NewExternalPort>%u</NewExternalPort>"
                                           "<NewProtocol>%s</NewProtocol>",
                                           remote, m->external_port, protocol);
    if (m->state == HP_UPNP_LEAVING) {
        return hp_upnp_write_call(&client->control, client->service, "DeletePortMapping", key);
    }
    g_autofree char *all =
        g_strdup_printf("%s<NewInternalPort>%u</NewInternalPort><NewInternalClient>%s</NewInternalClient>"
                        "<NewEnabled>1</NewEnabled><NewPortMappingDescription>Hairpin</NewPortMappingDescription>"
                        "<NewLeaseDuration>%u</NewLeaseDuration>",
                        key, m->wish.internal_port, hp_addr_format_ip(&client->local, local), m->lease);
    return hp_upnp_write_call(&client->control, client->service, "AddPortMapping", all);
}

/* Takes the request. */
static void begin(hp_upnp_client *client, hp_time now, hp_upnp_subject about, uint64_t number, const hp_addr *to,
                  char *request)
{
    client->busy = true;
    client->connected = false;
    client->subject = about;
    client->number = number;
    client->request = request;
    client->ended = false;
    client->timeout = hp_time_add(now, client->config.give_up);
    if (!client->ops.connect(client->user, now, to)) {
        client->busy = false;
        g_clear_pointer(&client->request, g_free);
        client->timeout = HP_NEVER;
        hp_upnp_client_fail(client, now, HP_UPNP_CLIENT_NO_ANSWER, 0);
    }
}

bool hp_upnp_client_begin(hp_upnp_client *client, hp_time now)
{
    hp_upnp_mapping *m = hp_upnp_client_next(client);
    if (m != NULL && m->state == HP_UPNP_LEAVING && !m->asked) {
        hp_upnp_client_drop(client, now, m, HP_UPNP_CLIENT_UNMAPPED, 0);
        return true;
    }
    switch (client->phase) {
    case HP_UPNP_IDLE:
        if (m == NULL) {
            return false;
        }
        client->phase = HP_UPNP_SEARCHING;
        client->searches = 0;
        client->search_at = now;
        return true;
    case HP_UPNP_SEARCHING:
        return false;
    case HP_UPNP_FOUND:
        begin(client, now, HP_UPNP_OF_DESCRIPTION, 0, &client->description.host,
              hp_upnp_write_get(&client->description));
        return true;
    case HP_UPNP_READY:
        break;
    }
    if (m == NULL) {
        return false;
    }
    bool ask_address = client->address_wanted || client->external.family == HP_AF_NONE;
    if (ask_address && m->state != HP_UPNP_LEAVING) {
        client->address_wanted = false;
        begin(client, now, HP_UPNP_OF_ADDRESS, 0, &client->control.host,
              hp_upnp_write_call(&client->control, client->service, "GetExternalIPAddress", ""));
        return true;
    }
    m->wanted = false;
    m->asked = true;
    begin(client, now, HP_UPNP_OF_MAPPING, m->number, &client->control.host, write_mapping(client, m));
    return true;
}

/* ---- answers ---- */

static void take_description(hp_upnp_client *client, hp_time now, const char *body, size_t len)
{
    g_autofree char *control = NULL, *service = NULL;
    hp_upnp_url url;
    if (!hp_upnp_read_description(body, len, &control, &service) ||
        !hp_upnp_url_parse(control, &client->description, &url)) {
        client->phase = HP_UPNP_IDLE;
        fail_all(client, now, HP_UPNP_CLIENT_REFUSED, 0);
        return;
    }
    hp_upnp_url_clear(&client->control);
    client->control = url;
    g_free(client->service);
    client->service = g_steal_pointer(&service);
    client->phase = HP_UPNP_READY;
    client->address_wanted = true;
}

static void take_address(hp_upnp_client *client, hp_time now, const char *body, size_t len)
{
    g_autofree char *text = hp_upnp_read_element(body, len, "NewExternalIPAddress");
    hp_addr external;
    if (text == NULL || !hp_addr_parse(text, &external) || external.family != HP_AF_IPV4) {
        fail_all(client, now, HP_UPNP_CLIENT_REFUSED, 0);
        return;
    }
    client->external = hp_addr_with_port(external, 0);
}

static void granted(hp_upnp_client *client, hp_time now, hp_upnp_mapping *m)
{
    hp_addr external = hp_addr_with_port(client->external, m->external_port);
    bool renewed = m->state == HP_UPNP_LIVE && hp_addr_equal(&external, &m->told);
    m->state = HP_UPNP_LIVE;
    m->told = external;
    m->tries = 0;
    m->expires = m->lease == 0 ? HP_NEVER : hp_time_add(now, m->lease * HP_S);
    set_renewal(m, now);
    hp_upnp_client_tell(client, now, renewed ? HP_UPNP_CLIENT_RENEWED : HP_UPNP_CLIENT_MAPPED, m, 0);
}

/* Whether asking in another way may help; prepares it. */
static bool try_otherwise(hp_upnp_mapping *m, unsigned error)
{
    if (++m->tries > PORT_TRIES) {
        return false;
    }
    if (error == PERMANENT_ONLY && m->lease != 0) {
        m->lease = 0;
        return true;
    }
    if (error == SAME_PORT && !m->wish.exact && m->external_port != m->wish.internal_port) {
        m->external_port = m->wish.internal_port;
        return true;
    }
    if (error == CONFLICT && !m->wish.exact && m->state == HP_UPNP_NEW) {
        m->external_port = m->external_port == UINT16_MAX ? 1024 : (uint16_t)(m->external_port + 1);
        return true;
    }
    return false;
}

static void take_mapping(hp_upnp_client *client, hp_time now, hp_upnp_mapping *m, unsigned error)
{
    if (m->state == HP_UPNP_LEAVING && m->wanted) { /* given up while it was being asked for: its deletion follows */
        return;
    }
    if (m->state == HP_UPNP_LEAVING) {
        bool gone = error == 0 || error == NO_SUCH_ENTRY;
        hp_upnp_client_drop(client, now, m, gone ? HP_UPNP_CLIENT_UNMAPPED : HP_UPNP_CLIENT_REFUSED, gone ? 0 : error);
    } else if (error == 0) {
        granted(client, now, m);
    } else if (try_otherwise(m, error)) {
        m->wanted = true;
    } else {
        hp_upnp_client_drop(client, now, m, HP_UPNP_CLIENT_REFUSED, error);
    }
}

static unsigned error_of(unsigned status, const char *body, size_t len)
{
    if (status == 200) {
        return 0;
    }
    g_autofree char *text = hp_upnp_read_element(body, len, "errorCode");
    guint64 code;
    return text != NULL && g_ascii_string_to_unsigned(text, 10, 1, 999, &code, NULL) ? (unsigned)code : status;
}

static void take_answer(hp_upnp_client *client, hp_time now, unsigned status, const char *body, size_t len)
{
    hp_upnp_subject about = client->subject;
    unsigned error = error_of(status, body, len);
    g_autofree char *copy = g_strndup(body, len);
    hp_upnp_mapping *m = about == HP_UPNP_OF_MAPPING ? hp_upnp_client_find(client, client->number) : NULL;
    if (about != HP_UPNP_OF_MAPPING && error != 0) {
        hp_upnp_client_fail(client, now, HP_UPNP_CLIENT_REFUSED, error);
        return;
    }
    hp_upnp_client_end_exchange(client, now);
    switch (about) {
    case HP_UPNP_OF_DESCRIPTION:
        take_description(client, now, copy, len);
        return;
    case HP_UPNP_OF_ADDRESS:
        take_address(client, now, copy, len);
        return;
    case HP_UPNP_OF_MAPPING:
        if (m != NULL) {
            take_mapping(client, now, m, error);
        }
        return;
    }
}

void hp_upnp_client_look(hp_upnp_client *client, hp_time now)
{
    unsigned status = 0;
    const char *body = NULL;
    size_t length = 0;
    if (!client->busy) {
        return;
    }
    if (client->connected && client->request != NULL) {
        g_autofree char *request = g_steal_pointer(&client->request);
        client->ops.stream_send(client->user, now, (const uint8_t *)request, strlen(request));
    }
    switch (hp_upnp_read_answer(client->in, client->ended, &status, &body, &length)) {
    case HP_UPNP_ANSWER_PARTIAL:
        break;
    case HP_UPNP_ANSWER_WHOLE:
        take_answer(client, now, status, body, length);
        break;
    case HP_UPNP_ANSWER_BAD:
        hp_upnp_client_fail(client, now, HP_UPNP_CLIENT_NO_ANSWER, 0);
        break;
    }
}
