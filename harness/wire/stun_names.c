/* STUN vocabulary: methods, classes, attributes and error codes by the names that the RFCs and IANA's registry give
 * them (RFC 8489 section 18, RFC 8656 section 19, RFC 6062, RFC 5780, RFC 8445 section 21, RFC 7635, RFC 6679 for
 * ECN-CHECK; NOMINATION is an expired draft of renomination that libnice speaks).
 *
 * Tables are short and searched from the front. A name list ends with NULL, for suggestions to a user. */
#include <assert.h>
#include <glib.h>

#include "wire/stun.h"

static const uint16_t methods[] = {
    HP_STUN_BINDING,
    HP_STUN_ALLOCATE,
    HP_STUN_REFRESH,
    HP_STUN_SEND,
    HP_STUN_DATA,
    HP_STUN_CREATE_PERMISSION,
    HP_STUN_CHANNEL_BIND,
    HP_STUN_CONNECT,
    HP_STUN_CONNECTION_BIND,
    HP_STUN_CONNECTION_ATTEMPT,
};
static const char *const method_names[] = {
    "Binding", "Allocate",       "Refresh",           "Send", "Data", "CreatePermission", "ChannelBind",
    "Connect", "ConnectionBind", "ConnectionAttempt", NULL,
};
static_assert(G_N_ELEMENTS(method_names) == G_N_ELEMENTS(methods) + 1, "one name a method");

static const char *const class_names[] = {
    [HP_STUN_REQUEST] = "request",
    [HP_STUN_INDICATION] = "indication",
    [HP_STUN_SUCCESS] = "success",
    [HP_STUN_ERROR] = "error",
};
static_assert(G_N_ELEMENTS(class_names) == HP_STUN_ERROR + 1, "one name a class");

/* In the order of the numbers; the two lists are made from one table. */
#define ATTRIBUTES(X)                                                                                                  \
    X(HP_STUN_MAPPED_ADDRESS, "MAPPED-ADDRESS")                                                                        \
    X(HP_STUN_CHANGE_REQUEST, "CHANGE-REQUEST")                                                                        \
    X(HP_STUN_USERNAME, "USERNAME")                                                                                    \
    X(HP_STUN_MESSAGE_INTEGRITY, "MESSAGE-INTEGRITY")                                                                  \
    X(HP_STUN_ERROR_CODE, "ERROR-CODE")                                                                                \
    X(HP_STUN_UNKNOWN_ATTRIBUTES, "UNKNOWN-ATTRIBUTES")                                                                \
    X(HP_STUN_CHANNEL_NUMBER, "CHANNEL-NUMBER")                                                                        \
    X(HP_STUN_LIFETIME, "LIFETIME")                                                                                    \
    X(HP_STUN_XOR_PEER_ADDRESS, "XOR-PEER-ADDRESS")                                                                    \
    X(HP_STUN_DATA_ATTR, "DATA")                                                                                       \
    X(HP_STUN_REALM, "REALM")                                                                                          \
    X(HP_STUN_NONCE, "NONCE")                                                                                          \
    X(HP_STUN_XOR_RELAYED_ADDRESS, "XOR-RELAYED-ADDRESS")                                                              \
    X(HP_STUN_REQUESTED_ADDRESS_FAMILY, "REQUESTED-ADDRESS-FAMILY")                                                    \
    X(HP_STUN_EVEN_PORT, "EVEN-PORT")                                                                                  \
    X(HP_STUN_REQUESTED_TRANSPORT, "REQUESTED-TRANSPORT")                                                              \
    X(HP_STUN_DONT_FRAGMENT, "DONT-FRAGMENT")                                                                          \
    X(HP_STUN_ACCESS_TOKEN, "ACCESS-TOKEN")                                                                            \
    X(HP_STUN_MESSAGE_INTEGRITY_SHA256, "MESSAGE-INTEGRITY-SHA256")                                                    \
    X(HP_STUN_PASSWORD_ALGORITHM, "PASSWORD-ALGORITHM")                                                                \
    X(HP_STUN_USERHASH, "USERHASH")                                                                                    \
    X(HP_STUN_XOR_MAPPED_ADDRESS, "XOR-MAPPED-ADDRESS")                                                                \
    X(HP_STUN_RESERVATION_TOKEN, "RESERVATION-TOKEN")                                                                  \
    X(HP_STUN_PRIORITY, "PRIORITY")                                                                                    \
    X(HP_STUN_USE_CANDIDATE, "USE-CANDIDATE")                                                                          \
    X(HP_STUN_PADDING, "PADDING")                                                                                      \
    X(HP_STUN_RESPONSE_PORT, "RESPONSE-PORT")                                                                          \
    X(HP_STUN_CONNECTION_ID, "CONNECTION-ID")                                                                          \
    X(HP_STUN_ADDITIONAL_ADDRESS_FAMILY, "ADDITIONAL-ADDRESS-FAMILY")                                                  \
    X(HP_STUN_ADDRESS_ERROR_CODE, "ADDRESS-ERROR-CODE")                                                                \
    X(HP_STUN_PASSWORD_ALGORITHMS, "PASSWORD-ALGORITHMS")                                                              \
    X(HP_STUN_ALTERNATE_DOMAIN, "ALTERNATE-DOMAIN")                                                                    \
    X(HP_STUN_ICMP, "ICMP")                                                                                            \
    X(HP_STUN_SOFTWARE, "SOFTWARE")                                                                                    \
    X(HP_STUN_ALTERNATE_SERVER, "ALTERNATE-SERVER")                                                                    \
    X(HP_STUN_CACHE_TIMEOUT, "CACHE-TIMEOUT")                                                                          \
    X(HP_STUN_FINGERPRINT, "FINGERPRINT")                                                                              \
    X(HP_STUN_ICE_CONTROLLED, "ICE-CONTROLLED")                                                                        \
    X(HP_STUN_ICE_CONTROLLING, "ICE-CONTROLLING")                                                                      \
    X(HP_STUN_RESPONSE_ORIGIN, "RESPONSE-ORIGIN")                                                                      \
    X(HP_STUN_OTHER_ADDRESS, "OTHER-ADDRESS")                                                                          \
    X(HP_STUN_ECN_CHECK, "ECN-CHECK")                                                                                  \
    X(HP_STUN_NOMINATION, "NOMINATION")

#define X(type, name) type,
static const uint16_t attrs[] = {ATTRIBUTES(X)};
#undef X
#define X(type, name) name,
static const char *const attr_names[] = {ATTRIBUTES(X) NULL};
#undef X
static_assert(G_N_ELEMENTS(attr_names) == G_N_ELEMENTS(attrs) + 1, "one name an attribute");

static const struct {
    unsigned code;
    const char *reason;
} reasons[] = {
    {300, "Try Alternate"},
    {400, "Bad Request"},
    {401, "Unauthorized"}, /* as RFC 5389 and RFC 8656 say; RFC 8489: "Unauthenticated" */
    {403, "Forbidden"},
    {405, "Mobility Forbidden"},
    {420, "Unknown Attribute"},
    {437, "Allocation Mismatch"},
    {438, "Stale Nonce"},
    {440, "Address Family not Supported"},
    {441, "Wrong Credentials"},
    {442, "Unsupported Transport Protocol"},
    {443, "Peer Address Family Mismatch"},
    {446, "Connection Already Exists"},
    {447, "Connection Timeout or Failure"},
    {486, "Allocation Quota Reached"},
    {487, "Role Conflict"},
    {500, "Server Error"},
    {508, "Insufficient Capacity"},
};

static const char *name_of(uint16_t number, const uint16_t *numbers, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (numbers[i] == number) {
            return names[i];
        }
    }
    return NULL;
}

static bool number_of(const char *name, const uint16_t *numbers, const char *const *names, size_t n, uint16_t *ret)
{
    for (size_t i = 0; i < n; i++) {
        if (g_ascii_strcasecmp(names[i], name) == 0) {
            *ret = numbers[i];
            return true;
        }
    }
    return false;
}

const char *hp_stun_method_name(uint16_t method)
{
    return name_of(method, methods, method_names, G_N_ELEMENTS(methods));
}

const char *hp_stun_class_name(hp_stun_class cls)
{
    return (unsigned)cls < G_N_ELEMENTS(class_names) ? class_names[cls] : NULL;
}

const char *hp_stun_attr_name(uint16_t type)
{
    return name_of(type, attrs, attr_names, G_N_ELEMENTS(attrs));
}

const char *hp_stun_error_reason(unsigned code)
{
    for (size_t i = 0; i < G_N_ELEMENTS(reasons); i++) {
        if (reasons[i].code == code) {
            return reasons[i].reason;
        }
    }
    return NULL;
}

bool hp_stun_method_from_name(const char *name, uint16_t *ret)
{
    return number_of(name, methods, method_names, G_N_ELEMENTS(methods), ret);
}

bool hp_stun_class_from_name(const char *name, hp_stun_class *ret)
{
    for (size_t i = 0; i < G_N_ELEMENTS(class_names); i++) {
        if (g_ascii_strcasecmp(class_names[i], name) == 0) {
            *ret = (hp_stun_class)i;
            return true;
        }
    }
    return false;
}

bool hp_stun_attr_from_name(const char *name, uint16_t *ret)
{
    return number_of(name, attrs, attr_names, G_N_ELEMENTS(attrs), ret);
}

const char *const *hp_stun_method_names(void)
{
    return method_names;
}

const char *const *hp_stun_attr_names(void)
{
    return attr_names;
}
