/* Heads of HTTP messages, as SSDP and HTTP/1.1 share them (RFC 9112 sections 2, 3 and 5).
 *
 * Lines end in CRLF or LF alone. There is no folding of lines, no empty field name, no white space before the colon and
 * no byte of value zero; white space around values goes. More than 32 fields are refused. */
#include <glib.h>

#include "engines/upnp_igd_private.h"

bool hp_http_number(const char *text, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;
    if (*text == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        uint64_t digit = (uint64_t)(*text - '0');
        if (!g_ascii_isdigit(*text) || digit > max || value > (max - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *ret = value;
    return true;
}

void hp_http_head_clear(hp_http_head *head)
{
    g_clear_pointer(&head->text, g_free);
}

/* Cuts the next line off; NULL at the end. */
static char *next_line(char **rest)
{
    char *line = *rest;
    char *end = strchr(line, '\n');
    if (end == NULL) {
        return NULL;
    }
    *rest = end + 1;
    *end = '\0';
    if (end > line && end[-1] == '\r') {
        end[-1] = '\0';
    }
    return strchr(line, '\r') == NULL ? line : NULL;
}

static bool is_token(const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (!g_ascii_isalnum(*p) && strchr("!#$%&'*+-.^_`|~", *p) == NULL) {
            return false;
        }
    }
    return *text != '\0';
}

static bool read_start_line(char *line, hp_http_head *head)
{
    char *target = strchr(line, ' ');
    char *version = target != NULL ? strchr(target + 1, ' ') : NULL;
    if (version == NULL || strchr(version + 1, ' ') != NULL) {
        return false;
    }
    *target++ = '\0';
    *version++ = '\0';
    head->method = line;
    head->target = target;
    head->version = version;
    return is_token(line) && *target != '\0' && strlen(version) == 8 && g_str_has_prefix(version, "HTTP/1.") &&
           g_ascii_isdigit(version[7]);
}

/* "HTTP/1.1 200 OK": the status stands where a request has its target. */
static bool read_status_line(char *line, hp_http_head *head)
{
    char *status = strchr(line, ' ');
    uint64_t number;
    if (status == NULL) {
        return false;
    }
    *status++ = '\0';
    char *reason = strchr(status, ' ');
    if (reason != NULL) {
        *reason = '\0';
    }
    head->version = line;
    head->target = status;
    return strlen(line) == 8 && g_str_has_prefix(line, "HTTP/1.") && g_ascii_isdigit(line[7]) && strlen(status) == 3 &&
           hp_http_number(status, 999, &number);
}

static bool read_field(char *line, hp_http_head *head)
{
    char *colon = strchr(line, ':');
    if (colon == NULL || head->n_fields >= HP_HTTP_MAX_FIELDS) {
        return false;
    }
    *colon = '\0';
    head->fields[head->n_fields].name = line;
    head->fields[head->n_fields].value = g_strstrip(colon + 1);
    head->n_fields++;
    return is_token(line);
}

static bool parse(const uint8_t *data, size_t len, bool (*read_first)(char *line, hp_http_head *head),
                  hp_http_head *ret)
{
    hp_http_head head = {0};
    if (len == 0 || memchr(data, '\0', len) != NULL) {
        return false;
    }
    head.text = g_strndup((const char *)data, len);
    char *rest = head.text;
    char *line = next_line(&rest);
    bool good = line != NULL && read_first(line, &head);
    while (good && (line = next_line(&rest)) != NULL && *line != '\0') {
        good = read_field(line, &head);
    }
    /* The empty line must be there, and be the end. */
    if (!good || line == NULL || *rest != '\0') {
        hp_http_head_clear(&head);
        return false;
    }
    *ret = head;
    return true;
}

bool hp_http_head_parse(const uint8_t *data, size_t len, hp_http_head *ret)
{
    return parse(data, len, read_start_line, ret);
}

bool hp_http_answer_parse(const uint8_t *data, size_t len, unsigned *ret_status, hp_http_head *ret)
{
    uint64_t status = 0;
    if (!parse(data, len, read_status_line, ret)) {
        return false;
    }
    hp_http_number(ret->target, 999, &status);
    *ret_status = (unsigned)status;
    return true;
}

size_t hp_http_head_length(const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] != '\n') {
            continue;
        }
        if (i + 1 < len && data[i + 1] == '\n') {
            return i + 2;
        }
        if (i + 2 < len && data[i + 1] == '\r' && data[i + 2] == '\n') {
            return i + 3;
        }
    }
    return 0;
}

const char *hp_http_field(const hp_http_head *head, const char *name)
{
    for (unsigned i = 0; i < head->n_fields; i++) {
        if (g_ascii_strcasecmp(head->fields[i].name, name) == 0) {
            return head->fields[i].value;
        }
    }
    return NULL;
}
