/* SOAP 1.1 as UPnP uses it (UPnP Device Architecture 1.0 section 3): control requests read, answers and faults written.
 *
 * A request is Envelope / Body / the action's element / one element an argument, each with text alone. Prefixes are cut
 * off names; which service is meant is taken from SOAPACTION, whose action must be the element's. Nothing deeper, no
 * DOCTYPE, at most 16 arguments, none twice. Argument values keep their white space, as addresses and numbers have
 * none anyway. */
#include "engines/upnp_igd_private.h"

#define SERVICE HP_UPNP_URN "service:WANIPConnection:"

typedef struct reader {
    hp_soap_call *call;
    const char *expected; /* the action of SOAPACTION */
    unsigned depth;
    bool seen_action;
    GString *text;
} reader;

void hp_soap_clear(hp_soap_call *call)
{
    g_clear_pointer(&call->action, g_free);
    for (unsigned i = 0; i < call->n_arguments; i++) {
        g_free(call->arguments[i].name);
        g_free(call->arguments[i].value);
    }
    call->n_arguments = 0;
}

const char *hp_soap_argument(const hp_soap_call *call, const char *name)
{
    for (unsigned i = 0; i < call->n_arguments; i++) {
        if (strcmp(call->arguments[i].name, name) == 0) {
            return call->arguments[i].value;
        }
    }
    return NULL;
}

const char *hp_upnp_local_name(const char *name)
{
    const char *colon = strrchr(name, ':');
    return colon != NULL ? colon + 1 : name;
}

static void refuse(GError **error)
{
    g_set_error_literal(error, G_MARKUP_ERROR, G_MARKUP_ERROR_INVALID_CONTENT, "no control request");
}

static void on_start(GMarkupParseContext *context, const char *element, const char **names, const char **values,
                     void *user, GError **error)
{
    reader *r = user;
    const char *name = hp_upnp_local_name(element);
    bool good = false;
    switch (r->depth) {
    case 0:
        good = strcmp(name, "Envelope") == 0;
        break;
    case 1:
        good = strcmp(name, "Body") == 0;
        break;
    case 2:
        good = !r->seen_action && strcmp(name, r->expected) == 0;
        r->seen_action = true;
        break;
    case 3:
        good = r->call->n_arguments < HP_SOAP_MAX_ARGUMENTS && hp_soap_argument(r->call, name) == NULL;
        if (good) {
            r->call->arguments[r->call->n_arguments++].name = g_strdup(name);
            r->call->arguments[r->call->n_arguments - 1].value = g_strdup("");
        }
        g_string_truncate(r->text, 0);
        break;
    }
    r->depth++;
    if (!good) {
        refuse(error);
    }
}

static void on_end(GMarkupParseContext *context, const char *element, void *user, GError **error)
{
    reader *r = user;
    r->depth--;
    if (r->depth == 3) {
        char **value = &r->call->arguments[r->call->n_arguments - 1].value;
        g_free(*value);
        *value = g_strdup(r->text->str);
    }
}

static void on_text(GMarkupParseContext *context, const char *text, gsize len, void *user, GError **error)
{
    reader *r = user;
    if (r->depth == 4) {
        g_string_append_len(r->text, text, (gssize)len);
    }
}

static void on_passthrough(GMarkupParseContext *context, const char *text, gsize len, void *user, GError **error)
{
    if (len >= 2 && text[0] == '<' && text[1] == '!' && (len < 4 || strncmp(text, "<!--", 4) != 0)) {
        refuse(error);
    }
}

/* "urn:schemas-upnp-org:service:WANIPConnection:1#AddPortMapping", with or without quotes. Caller frees the action. */
static char *read_soap_action(const char *header, unsigned version, unsigned *ret_version)
{
    g_autofree char *text = g_strdup(header);
    size_t n = strlen(text);
    char *p = text;
    if (n >= 2 && p[0] == '"' && p[n - 1] == '"') {
        p[n - 1] = '\0';
        p++;
    }
    if (!g_str_has_prefix(p, SERVICE)) {
        return NULL;
    }
    p += strlen(SERVICE);
    if (p[0] < '1' || p[0] > (char)('0' + version) || p[1] != '#' || p[2] == '\0') {
        return NULL;
    }
    *ret_version = (unsigned)(p[0] - '0');
    return g_strdup(p + 2);
}

bool hp_soap_parse(const char *soap_action, const uint8_t *body, size_t len, unsigned version, hp_soap_call *ret)
{
    static const GMarkupParser parser = {
        .start_element = on_start,
        .end_element = on_end,
        .text = on_text,
        .passthrough = on_passthrough,
    };
    hp_soap_call call = {0};
    call.action = read_soap_action(soap_action, version, &call.version);
    if (call.action == NULL) {
        return false;
    }
    g_autoptr(GString) text = g_string_new(NULL);
    reader r = {.call = &call, .expected = call.action, .text = text};
    g_autoptr(GMarkupParseContext) context =
        g_markup_parse_context_new(&parser, G_MARKUP_PREFIX_ERROR_POSITION, &r, NULL);
    if (!g_markup_parse_context_parse(context, (const char *)body, (gssize)len, NULL) ||
        !g_markup_parse_context_end_parse(context, NULL) || !r.seen_action) {
        hp_soap_clear(&call);
        return false;
    }
    *ret = call;
    return true;
}

/* ---- answers ---- */

#define OPENING                                                                                                        \
    "<?xml version=\"1.0\"?>\r\n"                                                                                      \
    "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "                                               \
    "s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body>"
#define CLOSING "</s:Body></s:Envelope>\r\n"

void hp_soap_begin(GString *out, const hp_soap_call *call)
{
    g_string_append_printf(out, OPENING "<u:%sResponse xmlns:u=\"" SERVICE "%u\">", call->action, call->version);
}

void hp_soap_add(GString *out, const char *name, const char *value)
{
    g_autofree char *escaped = g_markup_escape_text(value, -1);
    g_string_append_printf(out, "<%s>%s</%s>", name, escaped, name);
}

void hp_soap_add_number(GString *out, const char *name, uint64_t value)
{
    g_string_append_printf(out, "<%s>%" G_GUINT64_FORMAT "</%s>", name, value, name);
}

void hp_soap_end(GString *out, const hp_soap_call *call)
{
    g_string_append_printf(out, "</u:%sResponse>" CLOSING, call->action);
}

static const char *error_text(unsigned error)
{
    static const struct {
        unsigned error;
        const char *text;
    } texts[] = {
        {401, "Invalid Action"},
        {402, "Invalid Args"},
        {501, "Action Failed"},
        {606, "Action not authorized"},
        {713, "SpecifiedArrayIndexInvalid"},
        {714, "NoSuchEntryInArray"},
        {716, "WildCardNotPermittedInExtPort"},
        {718, "ConflictInMappingEntry"},
        {724, "SamePortValuesRequired"},
        {725, "OnlyPermanentLeasesSupported"},
        {726, "RemoteHostOnlySupportsWildcard"},
        {728, "NoPortMapsAvailable"},
        {729, "ConflictWithOtherMechanisms"},
        {732, "WildCardNotPermittedInIntPort"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        if (texts[i].error == error) {
            return texts[i].text;
        }
    }
    return "Unknown";
}

void hp_soap_fault(GString *out, unsigned error)
{
    g_string_append_printf(out,
                           OPENING "<s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring>"
                                   "<detail><UPnPError xmlns=\"urn:schemas-upnp-org:control-1-0\">"
                                   "<errorCode>%u</errorCode><errorDescription>%s</errorDescription>"
                                   "</UPnPError></detail></s:Fault>" CLOSING,
                           error, error_text(error));
}
