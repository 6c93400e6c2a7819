/* What a UPnP control point reads and writes: SSDP, HTTP answers, descriptions, SOAP (UPnP Device Architecture 1.1
 * sections 1.3, 2 and 3).
 *
 * All of it comes from the network and is believed as little as possible: a gateway's description lies at the address
 * that announced it, what is served there at the same address; URLs name IPv4 addresses (names would have to be
 * resolved); bodies have a length, or end with their stream; chunked ones are not read. XML is read by GMarkup, which
 * knows no entities but the five and has a depth that input bounds; of a document only the text of leaf elements is
 * looked at. */
#include "engines/upnp_client_private.h"

#include "engines/upnp_igd_private.h"

#define GATEWAY HP_UPNP_URN "device:InternetGatewayDevice:"
#define SERVICE HP_UPNP_URN "service:WANIPConnection:"
#define HTTP_PORT 80

/* ---- URLs ---- */

bool hp_upnp_url_parse(const char *text, const hp_upnp_url *base, hp_upnp_url *ret)
{
    static const char scheme[] = "http://";
    for (const char *p = text; *p != '\0'; p++) {
        if ((uint8_t)*p <= ' ' || *p == 0x7f) {
            return false;
        }
    }
    if (g_ascii_strncasecmp(text, scheme, sizeof scheme - 1) != 0) {
        if (base == NULL || *text == '\0' || strstr(text, "://") != NULL) {
            return false;
        }
        *ret = (hp_upnp_url){.host = base->host, .path = g_strconcat(*text == '/' ? "" : "/", text, NULL)};
        return true;
    }
    const char *host = text + sizeof scheme - 1, *path = strchr(host, '/');
    g_autofree char *authority = path != NULL ? g_strndup(host, (size_t)(path - host)) : g_strdup(host);
    hp_addr addr;
    if (!hp_addr_parse(authority, &addr) || addr.family != HP_AF_IPV4) {
        return false;
    }
    addr.port = addr.port != 0 ? addr.port : HTTP_PORT;
    *ret = (hp_upnp_url){.host = addr, .path = g_strdup(path != NULL ? path : "/")};
    return true;
}

/* ---- SSDP ---- */

char *hp_upnp_write_search(unsigned mx_s)
{
    return g_strdup_printf("M-SEARCH * HTTP/1.1\r\n"
                           "HOST: 239.255.255.250:1900\r\n"
                           "MAN: \"ssdp:discover\"\r\n"
                           "MX: %u\r\n"
                           "ST: " GATEWAY "1\r\n"
                           "\r\n",
                           mx_s);
}

bool hp_upnp_read_presence(const uint8_t *data, size_t len, const hp_addr *from, bool *ret_alive, hp_upnp_url *ret)
{
    hp_http_head head;
    hp_upnp_url url = {0};
    unsigned status = 0;
    if (len > HP_UPNP_MAX_HEAD) {
        return false;
    }
    bool answer = hp_http_answer_parse(data, len, &status, &head);
    if (!answer && !hp_http_head_parse(data, len, &head)) {
        return false;
    }
    const char *type = hp_http_field(&head, answer ? "ST" : "NT"), *where = hp_http_field(&head, "LOCATION");
    const char *what = hp_http_field(&head, "NTS");
    bool alive = !answer && strcmp(head.method, "NOTIFY") == 0 && what != NULL && strcmp(what, "ssdp:alive") == 0;
    bool good = (alive || (answer && status == 200)) && type != NULL && g_str_has_prefix(type, GATEWAY) &&
                where != NULL && hp_upnp_url_parse(where, NULL, &url);
    hp_http_head_clear(&head);
    if (!good || !hp_addr_same_ip(&url.host, from)) {
        hp_upnp_url_clear(&url);
        return false;
    }
    *ret_alive = alive;
    *ret = url;
    return true;
}

/* ---- XML ---- */

typedef struct reader {
    GString *text;
    bool leaf; /* nothing but text since the last start of an element */
    const char *wanted; /* an element, or NULL: a service */
    char *found; /* its text, or the control URL of the service that is read */
    char *type; /* of that service */
    bool done;
} reader;

static void on_start(GMarkupParseContext *context, const char *element, const char **names, const char **values,
                     void *user, GError **error)
{
    reader *r = user;
    g_string_truncate(r->text, 0);
    r->leaf = true;
    if (r->wanted == NULL && !r->done && strcmp(hp_upnp_local_name(element), "service") == 0) {
        g_clear_pointer(&r->found, g_free);
        g_clear_pointer(&r->type, g_free);
    }
}

static void keep(reader *r, char **slot)
{
    g_free(*slot);
    *slot = g_strdup(g_strstrip(r->text->str));
}

static void on_end(GMarkupParseContext *context, const char *element, void *user, GError **error)
{
    reader *r = user;
    const char *name = hp_upnp_local_name(element);
    if (r->done) {
        return;
    }
    if (r->wanted != NULL && r->leaf && strcmp(name, r->wanted) == 0) {
        keep(r, &r->found);
        r->done = true;
    } else if (r->wanted == NULL && r->leaf && strcmp(name, "serviceType") == 0) {
        keep(r, &r->type);
    } else if (r->wanted == NULL && r->leaf && strcmp(name, "controlURL") == 0) {
        keep(r, &r->found);
    } else if (r->wanted == NULL && strcmp(name, "service") == 0) {
        /* The type is written into a header and into an attribute. */
        r->done = r->type != NULL && r->found != NULL && g_str_has_prefix(r->type, SERVICE) &&
                  strpbrk(r->type, " \t\r\n\"<>&") == NULL;
    }
    r->leaf = false;
}

static void on_text(GMarkupParseContext *context, const char *text, size_t len, void *user, GError **error)
{
    g_string_append_len(((reader *)user)->text, text, (gssize)len);
}

static void read_xml(reader *r, const char *body, size_t len)
{
    static const GMarkupParser parser = {.start_element = on_start, .end_element = on_end, .text = on_text};
    r->text = g_string_new(NULL);
    GMarkupParseContext *context = g_markup_parse_context_new(&parser, 0, r, NULL);
    if (!g_markup_parse_context_parse(context, body, (gssize)len, NULL) ||
        !g_markup_parse_context_end_parse(context, NULL)) {
        r->done = false;
    }
    g_markup_parse_context_free(context);
    g_string_free(r->text, TRUE);
}

bool hp_upnp_read_description(const char *body, size_t len, char **ret_control, char **ret_service)
{
    reader r = {0};
    read_xml(&r, body, len);
    if (!r.done) {
        g_free(r.found);
        g_free(r.type);
        return false;
    }
    *ret_control = r.found;
    *ret_service = r.type;
    return true;
}

char *hp_upnp_read_element(const char *body, size_t len, const char *name)
{
    reader r = {.wanted = name};
    read_xml(&r, body, len);
    if (!r.done) {
        g_clear_pointer(&r.found, g_free);
    }
    return r.found;
}

/* ---- HTTP ---- */

char *hp_upnp_write_get(const hp_upnp_url *url)
{
    char host[HP_ADDR_TEXT];
    return g_strdup_printf("GET %s HTTP/1.1\r\n"
                           "Host: %s\r\n"
                           "Connection: close\r\n"
                           "\r\n",
                           url->path, hp_addr_format(&url->host, host));
}

char *hp_upnp_write_call(const hp_upnp_url *control, const char *service, const char *action, const char *arguments)
{
    char host[HP_ADDR_TEXT];
    g_autofree char *body = g_strdup_printf("<?xml version=\"1.0\"?>\r\n"
                                            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "
                                            "s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\">"
                                            "<s:Body><u:%s xmlns:u=\"%s\">%s</u:%s></s:Body></s:Envelope>\r\n",
                                            action, service, arguments, action);
    return g_strdup_printf("POST %s HTTP/1.1\r\n"
                           "Host: %s\r\n"
                           "Content-Type: text/xml; charset=\"utf-8\"\r\n"
                           "Content-Length: %" G_GSIZE_FORMAT "\r\n"
                           "SOAPAction: \"%s#%s\"\r\n"
                           "Connection: close\r\n"
                           "\r\n"
                           "%s",
                           control->path, hp_addr_format(&control->host, host), strlen(body), service, action, body);
}

hp_upnp_answer_state hp_upnp_read_answer(const GByteArray *in, bool ended, unsigned *ret_status, const char **ret_body,
                                         size_t *ret_length)
{
    hp_http_head head;
    unsigned status;
    size_t start = hp_http_head_length(in->data, in->len);
    uint64_t length = 0;
    if (in->len > HP_UPNP_CLIENT_MAX_ANSWER) {
        return HP_UPNP_ANSWER_BAD;
    }
    if (start == 0) {
        return ended ? HP_UPNP_ANSWER_BAD : HP_UPNP_ANSWER_PARTIAL;
    }
    if (!hp_http_answer_parse(in->data, start, &status, &head)) {
        return HP_UPNP_ANSWER_BAD;
    }
    const char *field = hp_http_field(&head, "Content-Length");
    bool chunked = hp_http_field(&head, "Transfer-Encoding") != NULL;
    bool has_length = field != NULL && hp_http_number(field, HP_UPNP_CLIENT_MAX_ANSWER, &length);
    bool bad = chunked || (field != NULL && !has_length);
    hp_http_head_clear(&head);
    if (bad) {
        return HP_UPNP_ANSWER_BAD;
    }
    bool whole = has_length ? in->len - start >= length : ended;
    if (!whole) {
        return ended ? HP_UPNP_ANSWER_BAD : HP_UPNP_ANSWER_PARTIAL;
    }
    *ret_status = status;
    *ret_body = (const char *)in->data + start;
    *ret_length = has_length ? (size_t)length : in->len - start;
    return HP_UPNP_ANSWER_WHOLE;
}
