/* Names of the model's own enums that other folders need: events and findings call a step by them. */
#include "scenario/model.h"

#include <assert.h>

static const char *const step_names[] = {
    [HP_STEP_CALL] = "call",
    [HP_STEP_SEND] = "send",
    [HP_STEP_WAIT_FOR] = "wait-for",
    [HP_STEP_WAIT] = "wait",
    [HP_STEP_REBOOT] = "reboot",
    [HP_STEP_RENUMBER] = "renumber",
    [HP_STEP_REBIND] = "rebind",
    [HP_STEP_SET_NAT] = "set-nat",
    [HP_STEP_SET_LINK] = "set-link",
    [HP_STEP_INTERFACE] = "interface",
    [HP_STEP_ICE_RESTART] = "ice-restart",
    [HP_STEP_CLOSE] = "close",
    [HP_STEP_STOP_SERVER] = "stop-server",
    [HP_STEP_START_SERVER] = "start-server",
    [HP_STEP_SET_SIGNALING] = "set-signaling",
};
static_assert(G_N_ELEMENTS(step_names) == HP_STEP_N, "a step kind lacks its name");

const char *hp_step_kind_name(hp_step_kind kind)
{
    g_assert((unsigned)kind < HP_STEP_N);
    return step_names[kind];
}

const char *hp_step_label(const hp_step *step)
{
    return step->label ? step->label : hp_step_name(step);
}
