/* SSDP (UPnP Device Architecture 1.0 section 1): searches answered, presence announced.
 *
 * A search names what it looks for: everything, root devices, one UUID, or a type with a version. A type is found in
 * its own version or a lower one, and answered in the version asked for. Answers to a multicast search leave at one
 * random time within MX, at most 5 s; without MX a multicast search is dropped. A search whose HOST is no group was
 * sent to this host alone and is answered at once. The number of waiting answers is bound; what comes then is dropped.
 *
 * Announcements are sent once, all targets in their order; a scenario that wants them again asks again. */
#include "engines/upnp_igd_private.h"

#define MAX_AGE 1800
#define MAX_MX 5
#define MAX_REPLIES 64

const hp_upnp_target hp_upnp_targets[HP_UPNP_TARGETS] = {
    {HP_UPNP_ROOT_DEVICE, HP_UPNP_ROOT, NULL},
    {HP_UPNP_BY_UUID, HP_UPNP_ROOT, NULL},
    {HP_UPNP_BY_TYPE, HP_UPNP_ROOT, "device:InternetGatewayDevice"},
    {HP_UPNP_BY_UUID, HP_UPNP_WAN, NULL},
    {HP_UPNP_BY_TYPE, HP_UPNP_WAN, "device:WANDevice"},
    {HP_UPNP_BY_UUID, HP_UPNP_WAN_CONNECTION, NULL},
    {HP_UPNP_BY_TYPE, HP_UPNP_WAN_CONNECTION, "device:WANConnectionDevice"},
    {HP_UPNP_BY_TYPE, HP_UPNP_WAN_CONNECTION, "service:WANIPConnection"},
};

struct reply {
    hp_deadline due;
    hp_upnp_igd *igd;
    hp_addr to;
    char *text;
};

hp_addr hp_ssdp_group(void)
{
    return hp_addr_v4(0xeffffffa, HP_SSDP_PORT);
}

void hp_ssdp_reply_free(void *reply)
{
    struct reply *r = reply;
    hp_deadlines_clear(&r->igd->deadlines, &r->due);
    g_free(r->text);
    g_free(r);
}

static void reply_due(void *owner, hp_time now)
{
    struct reply *r = owner;
    hp_upnp_igd *igd = r->igd;
    hp_addr to = r->to;
    g_autofree char *text = g_steal_pointer(&r->text);
    g_ptr_array_remove(igd->replies, r);
    igd->ops.send(igd->user, now, &to, (const uint8_t *)text, strlen(text));
}

/* Takes the text. */
static void post(hp_upnp_igd *igd, hp_time at, const hp_addr *to, char *text)
{
    if (igd->replies->len >= MAX_REPLIES) {
        g_free(text);
        return;
    }
    struct reply *r = g_new0(struct reply, 1);
    r->due.fire = reply_due;
    r->due.owner = r;
    r->igd = igd;
    r->to = *to;
    r->text = text;
    g_ptr_array_add(igd->replies, r);
    hp_deadlines_set(&igd->deadlines, &r->due, at);
}

/* "upnp:rootdevice", "uuid:...", "urn:schemas-upnp-org:device:WANDevice:1". Caller frees. */
static char *target_name(const hp_upnp_igd *igd, const hp_upnp_target *t, unsigned version)
{
    switch (t->kind) {
    case HP_UPNP_ROOT_DEVICE:
        return g_strdup("upnp:rootdevice");
    case HP_UPNP_BY_UUID:
        return g_strdup_printf("uuid:%s", igd->uuid[t->device]);
    case HP_UPNP_BY_TYPE:
        return g_strdup_printf(HP_UPNP_URN "%s:%u", t->type, version);
    }
    return NULL;
}

static char *unique_name(const hp_upnp_igd *igd, const hp_upnp_target *t, const char *name)
{
    return t->kind == HP_UPNP_BY_UUID ? g_strdup(name) : g_strdup_printf("uuid:%s::%s", igd->uuid[t->device], name);
}

static char *location(const hp_upnp_igd *igd)
{
    char text[HP_ADDR_TEXT];
    hp_addr at = hp_addr_with_port(igd->inside, igd->port);
    return g_strdup_printf("http://%s" HP_UPNP_DESCRIPTION, hp_addr_format(&at, text));
}

static char *write_answer(const hp_upnp_igd *igd, const hp_upnp_target *t, unsigned version)
{
    g_autofree char *name = target_name(igd, t, version);
    g_autofree char *usn = unique_name(igd, t, name);
    g_autofree char *url = location(igd);
    return g_strdup_printf("HTTP/1.1 200 OK\r\n"
                           "CACHE-CONTROL: max-age=%u\r\n"
                           "EXT:\r\n"
                           "LOCATION: %s\r\n"
                           "SERVER: " HP_UPNP_SERVER "\r\n"
                           "ST: %s\r\n"
                           "USN: %s\r\n"
                           "\r\n",
                           MAX_AGE, url, name, usn);
}

static char *write_notice(const hp_upnp_igd *igd, const hp_upnp_target *t)
{
    g_autofree char *name = target_name(igd, t, igd->version);
    g_autofree char *usn = unique_name(igd, t, name);
    g_autofree char *url = location(igd);
    return g_strdup_printf("NOTIFY * HTTP/1.1\r\n"
                           "HOST: 239.255.255.250:1900\r\n"
                           "CACHE-CONTROL: max-age=%u\r\n"
                           "LOCATION: %s\r\n"
                           "NT: %s\r\n"
                           "NTS: ssdp:alive\r\n"
                           "SERVER: " HP_UPNP_SERVER "\r\n"
                           "USN: %s\r\n"
                           "\r\n",
                           MAX_AGE, url, name, usn);
}

/* Does a search for `st` find it? *ret_version: to answer in. */
static bool is_found(const hp_upnp_igd *igd, const hp_upnp_target *t, const char *st, unsigned *ret_version)
{
    g_autofree char *name = target_name(igd, t, igd->version);
    uint64_t version;
    *ret_version = igd->version;
    if (strcmp(st, "ssdp:all") == 0 || strcmp(st, name) == 0) {
        return true;
    }
    if (t->kind != HP_UPNP_BY_TYPE) {
        return false;
    }
    size_t stem = strlen(name) - 1; /* versions have one digit */
    if (strncmp(st, name, stem) != 0 || !hp_http_number(st + stem, igd->version, &version) || version == 0) {
        return false;
    }
    *ret_version = (unsigned)version;
    return true;
}

static void search(hp_upnp_igd *igd, hp_time now, const hp_addr *from, const hp_http_head *head)
{
    const char *host = hp_http_field(head, "HOST"), *man = hp_http_field(head, "MAN");
    const char *st = hp_http_field(head, "ST"), *mx = hp_http_field(head, "MX");
    bool multicast = host == NULL || g_str_has_prefix(host, "239.255.255.250");
    uint64_t seconds = 0;
    if (man == NULL || strcmp(man, "\"ssdp:discover\"") != 0 || st == NULL || strcmp(head->target, "*") != 0) {
        return;
    }
    if (multicast && (mx == NULL || !hp_http_number(mx, UINT32_MAX, &seconds) || seconds == 0)) {
        return;
    }
    hp_time at = now;
    bool any = false;
    for (unsigned i = 0; i < HP_UPNP_TARGETS; i++) {
        unsigned version;
        if (!is_found(igd, &hp_upnp_targets[i], st, &version)) {
            continue;
        }
        if (!any && multicast) {
            at = hp_time_add(now, hp_rng_below(&igd->rng, MIN(seconds, MAX_MX) * HP_S));
        }
        any = true;
        post(igd, at, from, write_answer(igd, &hp_upnp_targets[i], version));
    }
    if (any) {
        hp_upnp_tell(igd, now, &(hp_upnp_event){.client = *from, .action = "M-SEARCH"});
    }
}

void hp_upnp_igd_input(hp_upnp_igd *igd, hp_time now, const hp_addr *from, const uint8_t *data, size_t len)
{
    hp_http_head head;
    if (igd->config->upnp_silent || len > HP_UPNP_MAX_HEAD || !hp_http_head_parse(data, len, &head)) {
        return;
    }
    if (strcmp(head.method, "M-SEARCH") == 0) {
        search(igd, now, from, &head);
    }
    hp_http_head_clear(&head);
}

void hp_upnp_igd_announce(hp_upnp_igd *igd, hp_time now)
{
    hp_addr group = hp_ssdp_group();
    for (unsigned i = 0; i < HP_UPNP_TARGETS && !igd->config->upnp_silent && !igd->config->no_announce; i++) {
        post(igd, now, &group, write_notice(igd, &hp_upnp_targets[i]));
    }
}
