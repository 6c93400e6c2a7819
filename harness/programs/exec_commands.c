/* What a step asks of a foreign program, as lines of EXEC.md. Whom a step asks is peer_steps.h's to say. A call to
 * several peers is several commands, in the step's order. */
#include <json-glib/json-glib.h>
#include <string.h>

#include "programs/exec_lines.h"
#include "programs/peer_steps.h"

static JsonObject *command(const char *what)
{
    JsonObject *o = json_object_new();
    json_object_set_string_member(o, "do", what);
    return o;
}

static void set_name(JsonObject *o, const char *key, const char *name)
{
    if (name)
        json_object_set_string_member(o, key, name);
    else
        json_object_set_null_member(o, key);
}

/* Takes the object. */
static char *text_of(JsonObject *o)
{
    g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);
    json_node_take_object(node, o);
    return json_to_string(node, FALSE);
}

static char *call(const hp_call_config *config, const char *to)
{
    JsonObject *o = command("call");
    set_name(o, "to", to);
    json_object_set_boolean_member(o, "audio", config->media[HP_MEDIA_AUDIO]);
    json_object_set_boolean_member(o, "video", config->media[HP_MEDIA_VIDEO]);
    json_object_set_boolean_member(o, "data", config->data);
    return text_of(o);
}

static char *calls(const hp_step *step)
{
    if (step->call.broadcast)
        return call(&step->call.config, NULL);
    g_autoptr(GString) all = g_string_new(NULL);
    for (char **to = step->call.to; to && *to; to++) {
        g_autofree char *one = call(&step->call.config, *to);
        g_string_append_printf(all, "%s%s", all->len > 0 ? "\n" : "", one);
    }
    return all->len > 0 ? g_string_free(g_steal_pointer(&all), FALSE) : NULL;
}

/* The flow of this step that the peer sends. */
static char *sends(const hp_plan *plan, unsigned step, const char *name)
{
    for (unsigned back = 0; back < 2; back++) {
        hp_step_flow flow;
        if (!hp_peer_steps_flow(plan, step, back, &flow) || strcmp(flow.from, name) != 0)
            continue;
        JsonObject *o = command("send");
        set_name(o, "with", flow.to);
        set_name(o, "label", flow.step->send.channel.label);
        json_object_set_int_member(o, "size", flow.step->send.size);
        json_object_set_double_member(o, "interval-ms", (double)flow.step->send.interval / (double)HP_MS);
        json_object_set_int_member(o, "count", (gint64)flow.count);
        return text_of(o);
    }
    return NULL;
}

static char *of_session(const char *what, const char *with)
{
    JsonObject *o = command(what);
    set_name(o, "with", with);
    return text_of(o);
}

static char *hold(const hp_step *step)
{
    JsonObject *o = command(step->hold.resume ? "resume" : "hold");
    set_name(o, "with", step->hold.with);
    json_object_set_boolean_member(o, "audio", step->hold.kinds[HP_MEDIA_AUDIO]);
    json_object_set_boolean_member(o, "video", step->hold.kinds[HP_MEDIA_VIDEO]);
    return text_of(o);
}

char *hp_exec_command(const hp_plan *plan, unsigned index, unsigned peer)
{
    const hp_step *step = &plan->scenario->steps[index];
    unsigned asked[HP_PEER_STEPS_MAX];
    const unsigned n = hp_peer_steps_asked(plan, index, asked);
    bool is_asked = false;
    for (unsigned i = 0; i < n; i++)
        is_asked = is_asked || asked[i] == peer;
    if (!is_asked)
        return NULL;
    switch (step->kind) {
    case HP_STEP_CALL:
        return calls(step);
    case HP_STEP_SEND:
        return sends(plan, index, plan->peers[peer].source->name);
    case HP_STEP_ICE_RESTART:
        return of_session("restart", step->session.with);
    case HP_STEP_CLOSE:
        return of_session("close", step->session.with);
    case HP_STEP_HOLD:
        return hold(step);
    case HP_STEP_SET_MEDIA:
    case HP_STEP_MAP_PORT:
    case HP_STEP_UNMAP_PORT: /* the plan allows these three for our own peer alone */
    case HP_STEP_WAIT_FOR:
    case HP_STEP_WAIT:
    case HP_STEP_REBOOT:
    case HP_STEP_RENUMBER:
    case HP_STEP_REBIND:
    case HP_STEP_SET_NAT:
    case HP_STEP_SET_LINK:
    case HP_STEP_INTERFACE:
    case HP_STEP_STOP_SERVER:
    case HP_STEP_START_SERVER:
    case HP_STEP_SET_SIGNALING:
    case HP_STEP_INJECT:
    case HP_STEP_SET_DNS:
    case HP_STEP_SET_FIREWALL:
    case HP_STEP_RULE:
    case HP_STEP_N:
        break;
    }
    return NULL;
}

char *hp_exec_command_finish(void)
{
    return text_of(command("finish"));
}
