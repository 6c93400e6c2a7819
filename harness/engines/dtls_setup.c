/* The setup attribute as a table: a role for every pair of values that makes one side active and the other passive.
 *
 * RFC 4145 section 4.1 gives the four values and what may answer what; RFC 8842 section 5 narrows it for DTLS (an offer
 * says actpass as a rule, and the answerer does best to be active, so that the ClientHello can leave with the answer).
 * A pair outside the table is a mistake of the signalling, or of the client behind it, and is reported with both
 * values; nothing is guessed. */
#include "engines/dtls_setup.h"

#include <assert.h>

#include "base/error.h"

static const char *const setup_names[] = {
    [HP_DTLS_SETUP_ACTPASS] = "actpass",
    [HP_DTLS_SETUP_ACTIVE] = "active",
    [HP_DTLS_SETUP_PASSIVE] = "passive",
    [HP_DTLS_SETUP_HOLDCONN] = "holdconn",
};
static_assert(G_N_ELEMENTS(setup_names) == HP_DTLS_SETUP_HOLDCONN + 1, "a name for each value");

static const char *const role_names[] = {
    [HP_DTLS_ACTIVE] = "active",
    [HP_DTLS_PASSIVE] = "passive",
};
static_assert(G_N_ELEMENTS(role_names) == HP_DTLS_PASSIVE + 1, "a name for each role");

const char *hp_dtls_setup_name(hp_dtls_setup setup)
{
    return setup_names[setup];
}

const char *hp_dtls_role_name(hp_dtls_role role)
{
    return role_names[role];
}

bool hp_dtls_setup_parse(const char *text, hp_dtls_setup *ret)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(setup_names); i++) {
        if (g_ascii_strcasecmp(text, setup_names[i]) == 0) {
            *ret = (hp_dtls_setup)i;
            return true;
        }
    }
    return false;
}

hp_dtls_setup hp_dtls_setup_answer(hp_dtls_setup offer, hp_dtls_role prefer)
{
    switch (offer) {
    case HP_DTLS_SETUP_ACTPASS:
        return prefer == HP_DTLS_ACTIVE ? HP_DTLS_SETUP_ACTIVE : HP_DTLS_SETUP_PASSIVE;
    case HP_DTLS_SETUP_ACTIVE:
        return HP_DTLS_SETUP_PASSIVE;
    case HP_DTLS_SETUP_PASSIVE:
        return HP_DTLS_SETUP_ACTIVE;
    case HP_DTLS_SETUP_HOLDCONN:
        return HP_DTLS_SETUP_HOLDCONN;
    }
    g_assert_not_reached();
}

bool hp_dtls_setup_role(hp_dtls_setup local, hp_dtls_setup remote, hp_dtls_role *ret, GError **error)
{
    if (local == HP_DTLS_SETUP_HOLDCONN || remote == HP_DTLS_SETUP_HOLDCONN) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "setup: %s puts the association off",
                    local == HP_DTLS_SETUP_HOLDCONN ? "local holdconn" : "remote holdconn");
        return false;
    }
    if (local == remote) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "setup: both sides say %s", hp_dtls_setup_name(local));
        return false;
    }
    /* The values differ and none is holdconn: at least one of them is active or passive, and decides. */
    if (local == HP_DTLS_SETUP_ACTPASS) {
        *ret = remote == HP_DTLS_SETUP_ACTIVE ? HP_DTLS_PASSIVE : HP_DTLS_ACTIVE;
    } else {
        *ret = local == HP_DTLS_SETUP_ACTIVE ? HP_DTLS_ACTIVE : HP_DTLS_PASSIVE;
    }
    return true;
}
