/* Fuzzes what a UPnP control point reads from a gateway: SSDP, HTTP answers, descriptions, SOAP. (The gateways' side,
 * and the clients of NAT-PMP and PCP, are in fuzz_dns.c.)
 *
 * An input is a sequence of actions, a byte each: what happens, and how far the clock goes on before it; data, where an
 * action has any, behind two bytes of length. Besides not crashing, these must hold: one stream at a time is open,
 * bytes are sent on an open one alone, the control point never wants to run in the past, nor for ever at one instant,
 * and every mapping ends with at most one event that says so. */
#include <glib.h>
#include <string.h>

#include "check.h"
#include "engines/upnp_client.h"

enum { STEPS_AT_ONCE = 10000, MAX_MAPPINGS = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct state {
    hp_upnp_client *client;
    hp_time now;
    bool open, refuses;
    bool ended[MAX_MAPPINGS + 1];
    uint64_t made;
} state;

static void on_send(void *user, hp_time now, const hp_addr *to, const uint8_t *data, size_t len)
{
    CHECK(to->port == HP_SSDP_PORT && len > 0);
}

static bool on_connect(void *user, hp_time now, const hp_addr *to)
{
    state *s = user;
    CHECK(!s->open && to->port != 0);
    s->open = !s->refuses;
    return s->open;
}

static void on_stream_send(void *user, hp_time now, const uint8_t *data, size_t len)
{
    CHECK(((state *)user)->open);
    /* One request, whose header lines are ours. */
    CHECK(g_strstr_len((const char *)data, (gssize)len, "\r\n\r\n") != NULL);
}

static void on_stream_close(void *user, hp_time now)
{
    state *s = user;
    CHECK(s->open);
    s->open = false;
}

static void on_event(void *user, hp_time now, const hp_upnp_client_event *e)
{
    state *s = user;
    CHECK(e->mapping <= s->made && !s->ended[e->mapping]);
    switch (e->kind) {
    case HP_UPNP_CLIENT_UNMAPPED:
    case HP_UPNP_CLIENT_REFUSED:
    case HP_UPNP_CLIENT_EXPIRED:
        CHECK(e->mapping != 0);
        s->ended[e->mapping] = true;
        break;
    case HP_UPNP_CLIENT_MAPPED:
    case HP_UPNP_CLIENT_RENEWED:
        CHECK(e->external.family == HP_AF_IPV4 && e->external.port != 0);
        break;
    case HP_UPNP_CLIENT_NO_ANSWER:
    case HP_UPNP_CLIENT_REBOOTED:
        break;
    }
}

static void settle(state *s)
{
    for (unsigned i = 0; hp_upnp_client_deadline(s->client) <= s->now; i++) {
        CHECK(i < STEPS_AT_ONCE);
        hp_upnp_client_run(s->client, s->now);
    }
}

/* What a sound gateway says, so that inputs get beyond each of these, with bytes of the input in its middle. */
static void say(state *s, unsigned which, const uint8_t *data, size_t len)
{
    static const char *const before[] = {
        "HTTP/1.1 200 OK\r\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n"
        "LOCATION: http://192.168.1.1:5000/d.xml",
        "NOTIFY * HTTP/1.1\r\nNTS: ssdp:alive\r\nNT: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n"
        "LOCATION: http://192.168.1.1:5000/d.xml",
        "HTTP/1.1 200 "
        "OK\r\n\r\n<root><service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType>"
        "<controlURL>/ctl",
        "HTTP/1.1 200 OK\r\n\r\n<a><NewExternalIPAddress>203.0.113.5",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 500 X\r\n\r\n<a><errorCode>7",
    };
    static const char *const after[] = {
        "\r\n\r\n", "\r\n\r\n",        "</controlURL></service></root>", "</NewExternalIPAddress></a>",
        "",         "</errorCode></a>"};
    hp_addr gateway = hp_addr_v4(0xc0a80101, 1900);
    g_autoptr(GString) text = g_string_new(before[which]);
    g_string_append_len(text, (const char *)data, (gssize)len);
    g_string_append(text, after[which]);
    if (which < 2) {
        hp_upnp_client_input(s->client, s->now, &gateway, (const uint8_t *)text->str, text->len);
    } else if (s->open) {
        hp_upnp_client_connected(s->client, s->now);
        settle(s);
        if (s->open) {
            hp_upnp_client_stream(s->client, s->now, (const uint8_t *)text->str, text->len);
        }
        settle(s);
        if (s->open) {
            hp_upnp_client_ended(s->client, s->now);
        }
    }
}

static void act(state *s, uint8_t what, const uint8_t *data, size_t len)
{
    hp_addr gateway = hp_addr_v4(0xc0a80101, 1900);
    hp_upnp_wish wish = {.protocol = what & 0x10 ? HP_LEASE_TCP : HP_LEASE_UDP,
                         .internal_port = 5000,
                         .external_port = what & 0x20 ? 80 : 0,
                         .exact = (what & 0x40) != 0,
                         .lifetime = what & 0x80 ? 100 * HP_S : 0};
    switch (what & 7) {
    case 0:
        if (s->made < MAX_MAPPINGS) {
            s->made = hp_upnp_client_map(s->client, s->now, &wish);
        }
        break;
    case 1:
        hp_upnp_client_unmap(s->client, s->now, what >> 3);
        break;
    case 2:
        hp_upnp_client_input(s->client, s->now, &gateway, data, len);
        break;
    case 3:
    case 4:
        if (s->open) {
            hp_upnp_client_stream(s->client, s->now, data, len);
        }
        break;
    case 5:
        if (s->open) {
            hp_upnp_client_connected(s->client, s->now);
        }
        break;
    case 6:
        if (s->open) {
            hp_upnp_client_ended(s->client, s->now);
        }
        break;
    case 7:
        if (what >> 3 & 7 && (what >> 3 & 7) < 7) {
            say(s, (what >> 3 & 7) - 1, data, len);
        } else {
            s->refuses = !s->refuses;
        }
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const hp_upnp_client_ops ops = {.send = on_send,
                                           .connect = on_connect,
                                           .stream_send = on_stream_send,
                                           .stream_close = on_stream_close,
                                           .event = on_event};
    state s = {0};
    hp_addr local = hp_addr_v4(0xc0a8010a, 0);
    hp_port_client_config config = {0};
    s.client = hp_upnp_client_new(&config, &local, &ops, &s);
    while (size >= 4) {
        size_t len = MIN((size_t)data[2] << 8 | data[3], size - 4);
        g_autofree uint8_t *exact = g_memdup2(data + 4, len);
        s.now = hp_time_add(s.now, (hp_time)data[1] * data[1] * data[1] * HP_MS / 4);
        settle(&s);
        act(&s, data[0], exact, len);
        settle(&s);
        data += 4 + len;
        size -= 4 + len;
    }
    hp_upnp_client_free(s.client);
    return 0;
}
