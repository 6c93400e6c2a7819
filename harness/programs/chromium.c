/* Theory of operation: a browser as a peer.
 *
 *   STARTING   the browser runs; a tab is made, watched (Page, Runtime), its requests for the page are answered by us
 *              (chromium_pages.c), and observer.js is put before every document. With a page of our own or of a file the
 *              page is opened now: it has its camera and the broker when it says `ready`, and so does the program. A page
 *              at a URL needs the world's network: the program is ready when the tab is, and begin() opens the page.
 *   LOADING    a remote page is on its way. Commands wait in a queue: they are carried out in their order once it is there.
 *   OPEN       commands become hairpinDo(command) in the page; what the page calls hairpinTell() with is a line of the
 *              protocol of foreign programs (EXEC.md), and becomes events as those of any other.
 *   ENDING     the page looks at its statistics once more, then the browser is told to close; one that does not is killed.
 *
 * browser.c has the process and the pipe to it.
 *
 * A page knows nothing of Hairpin unless it wants to. A cookie (hairpin-peer) on a remote page's origin says which peer
 * it is, for a server that hands the page's WebSocket on to the broker (web.c). */
#include "programs/chromium.h"

#include <string.h>

#include "base/error.h"
#include "programs/browser.h"
#include "programs/chromium_command.h"
#include "programs/chromium_pages.h"
#include "programs/exec_environment.h"
#include "programs/exec_trace.h"
#include "programs/foreign_flows.h"
#include "programs/resolv_conf.h"

enum { LAST_LOOK_MS = 1500 }; /* for the last statistics, then the browser is closed */

typedef enum state { STARTING, LOADING, OPEN, ENDING } state;

typedef struct chromium {
    hp_program *program;
    state state;
    char *url, *page; /* page: the file of the scenario's; NULL */
    bool remote; /* the page comes over the world's network */
    hp_browser *browser;
    hp_exec_trace *trace;
    hp_foreign_flows *flows;
    guint timer; /* a source */
    char *tab; /* the session's name */
    GPtrArray *waiting; /* char*: commands before the page is there */
} chromium;

static void give_up(chromium *c, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void give_up(chromium *c, const char *format, ...)
{
    if (c->state == ENDING) {
        return;
    }
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    hp_program_failed(c->program, "%s", text);
}

/* What is not the page's word but ours about the browser. */
static void note(chromium *c, hp_exec_event_kind kind, const char *text)
{
    hp_exec_trace_event(c->trace, hp_world_now(c->program->world),
                        &(hp_exec_event){.kind = kind, .text = (char *)text});
}

/* ---- commands to the browser ---- */

static void command(chromium *c, const char *method, JsonObject *params, hp_devtools_answer answer)
{
    hp_devtools_command(hp_browser_devtools(c->browser), c->tab, method, params, answer, c);
}

static JsonObject *with_text(const char *key, const char *value)
{
    JsonObject *object = json_object_new();
    json_object_set_string_member(object, key, value);
    return object;
}

/* What must not be refused. */
static void needed(void *user, JsonObject *result, const char *error)
{
    chromium *c = user;
    (void)result;
    if (error) {
        give_up(c, "Chromium refuses to be driven: %s", error);
    }
}

/* In the page, a command of the protocol. how: "userGesture", "awaitPromise". */
static void do_in_page(chromium *c, const char *line, const char *how, hp_devtools_answer answer)
{
    g_autofree char *expression = g_strconcat("hairpinDo(", line, ")", NULL);
    JsonObject *params = with_text("expression", expression);
    json_object_set_boolean_member(params, how, TRUE);
    command(c, "Runtime.evaluate", params, answer);
}

static void carry_out(chromium *c, const char *line)
{
    do_in_page(c, line, "userGesture", NULL);
}

static void page_is_there(chromium *c)
{
    c->state = OPEN;
    for (unsigned i = 0; i < c->waiting->len; i++) {
        carry_out(c, c->waiting->pdata[i]);
    }
    g_ptr_array_set_size(c->waiting, 0);
}

/* ---- the page's requests ---- */

static void respond(chromium *c, const char *request, int code, GBytes *body, const char *type)
{
    gsize length = 0;
    const guchar *data = body ? g_bytes_get_data(body, &length) : NULL;
    g_autofree char *encoded = g_base64_encode(data, length);
    JsonObject *params = with_text("requestId", request), *header = with_text("name", "Content-Type");
    JsonArray *headers = json_array_new();
    json_object_set_string_member(header, "value", type);
    json_array_add_object_element(headers, header);
    json_object_set_int_member(params, "responseCode", code);
    json_object_set_array_member(params, "responseHeaders", headers);
    json_object_set_string_member(params, "body", encoded);
    command(c, "Fetch.fulfillRequest", params, NULL);
}

static void serve(chromium *c, JsonObject *params)
{
    const char *id = hp_devtools_text(params, "requestId");
    const char *url = hp_devtools_text(hp_devtools_object(params, "request"), "url");
    const char *type = "text/plain";
    if (!id || !url || !g_str_has_prefix(url, c->url)) {
        return;
    }
    g_autoptr(GBytes) body = hp_chromium_file(c->page, url + strlen(c->url) - 1, &type);
    respond(c, id, body ? 200 : 404, body, type);
}

/* ---- what the browser tells ---- */

static void console(chromium *c, JsonObject *params)
{
    const char *type = hp_devtools_text(params, "type");
    JsonNode *args = json_object_get_member(params, "args");
    if (g_strcmp0(type, "error") != 0 && g_strcmp0(type, "warning") != 0) {
        return;
    }
    g_autoptr(GString) text = g_string_new("console:");
    JsonArray *array = args && JSON_NODE_HOLDS_ARRAY(args) ? json_node_get_array(args) : NULL;
    for (unsigned i = 0; array && i < json_array_get_length(array); i++) {
        JsonNode *node = json_array_get_element(array, i);
        JsonObject *object = JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
        const char *value = hp_devtools_text(object, "value");
        value = value ? value : hp_devtools_text(object, "description");
        g_string_append_printf(text, " %s", value ? value : "...");
    }
    note(c, HP_EXEC_LOG, text->str);
}

/* The browser's own words: a connection that was refused, a file that is not there. */
static void browser_log(chromium *c, JsonObject *params)
{
    JsonObject *entry = hp_devtools_object(params, "entry");
    const char *level = hp_devtools_text(entry, "level"), *said = hp_devtools_text(entry, "text");
    const char *url = hp_devtools_text(entry, "url");
    if (said && (g_strcmp0(level, "error") == 0 || g_strcmp0(level, "warning") == 0)) {
        g_autofree char *text = g_strdup_printf("browser: %s%s%s", said, url ? " " : "", url ? url : "");
        note(c, HP_EXEC_LOG, text);
    }
}

/* alert(), confirm(), prompt(): nobody is there to press a button, and the page stands still until somebody does. */
static void press_ok(chromium *c, JsonObject *params)
{
    const char *said = hp_devtools_text(params, "message");
    g_autofree char *text = g_strdup_printf("dialog: %s", said ? said : "");
    JsonObject *answer = json_object_new();
    json_object_set_boolean_member(answer, "accept", TRUE);
    command(c, "Page.handleJavaScriptDialog", answer, NULL);
    note(c, HP_EXEC_LOG, text);
}

static void frame_is_gone(chromium *c, JsonObject *params)
{
    const char *reason = hp_devtools_text(params, "errorText");
    if (c->state == LOADING && g_strcmp0(hp_devtools_text(params, "type"), "Document") == 0) {
        g_autofree char *text = g_strdup_printf("%s cannot be opened: %s", c->url, reason ? reason : "failed");
        note(c, HP_EXEC_ERROR, text);
    }
}

static void browser_tells(void *user, const char *session, const char *method, JsonObject *params)
{
    chromium *c = user;
    if (strcmp(method, "Inspector.targetCrashed") == 0 || strcmp(method, "Target.targetCrashed") == 0) {
        give_up(c, "Chromium's page crashed");
    } else if (!params || g_strcmp0(session, c->tab) != 0) {
        return;
    } else if (strcmp(method, "Runtime.bindingCalled") == 0) {
        const char *line = hp_devtools_text(params, "payload");
        if (line && g_strcmp0(hp_devtools_text(params, "name"), "hairpinTell") == 0) {
            hp_exec_trace_line(c->trace, hp_world_now(c->program->world), line, strlen(line));
        }
    } else if (strcmp(method, "Fetch.requestPaused") == 0) {
        serve(c, params);
    } else if (strcmp(method, "Page.loadEventFired") == 0) {
        if (c->state == LOADING) {
            page_is_there(c);
        }
    } else if (strcmp(method, "Page.javascriptDialogOpening") == 0) {
        press_ok(c, params);
    } else if (strcmp(method, "Network.loadingFailed") == 0) {
        frame_is_gone(c, params);
    } else if (strcmp(method, "Runtime.consoleAPICalled") == 0) {
        console(c, params);
    } else if (strcmp(method, "Log.entryAdded") == 0) {
        browser_log(c, params);
    }
}

/* ---- the tab ---- */

static void navigated(void *user, JsonObject *result, const char *error)
{
    chromium *c = user;
    const char *text = error ? error : hp_devtools_text(result, "errorText");
    if (text && !c->remote) {
        give_up(c, "Chromium cannot open its page: %s", text);
    }
}

static void open_page(chromium *c)
{
    command(c, "Page.navigate", with_text("url", c->url), navigated);
}

/* The last of the tab's settings is in force: the browser carries commands of a session out in order. */
static void tab_is_set(void *user, JsonObject *result, const char *error)
{
    chromium *c = user;
    needed(c, result, error);
    if (error) {
        return;
    }
    if (c->remote) {
        hp_program_ready(c->program);
    } else {
        open_page(c);
    }
}

static void intercept(chromium *c)
{
    g_autofree char *pattern = g_strconcat(c->url, "*", NULL);
    JsonArray *patterns = json_array_new();
    JsonObject *params = json_object_new();
    json_array_add_object_element(patterns, with_text("urlPattern", pattern));
    json_object_set_array_member(params, "patterns", patterns);
    command(c, "Fetch.enable", params, needed);
}

static void say_who_it_is(chromium *c)
{
    JsonObject *params = with_text("name", "hairpin-peer");
    json_object_set_string_member(params, "value", c->program->name);
    json_object_set_string_member(params, "url", c->url);
    command(c, "Network.setCookie", params, needed);
}

static void tab_is_attached(void *user, JsonObject *result, const char *error)
{
    chromium *c = user;
    c->tab = g_strdup(hp_devtools_text(result, "sessionId"));
    if (error || !c->tab) {
        give_up(c, "Chromium gives no tab: %s", error ? error : "no session");
        return;
    }
    static const char *const domains[] = {"Page.enable", "Runtime.enable", "Network.enable", "Log.enable",
                                          "Inspector.enable"};
    for (unsigned i = 0; i < G_N_ELEMENTS(domains); i++) {
        command(c, domains[i], NULL, needed);
    }
    command(c, "Runtime.addBinding", with_text("name", "hairpinTell"), needed);
    if (c->remote) {
        say_who_it_is(c);
    } else {
        intercept(c);
    }
    size_t length;
    const char *observer = hp_chromium_observer(&length);
    g_autofree char *preamble = hp_chromium_preamble(c->program->plan, c->program->index);
    g_autofree char *code = g_strdup_printf("%s%.*s", preamble, (int)length, observer);
    command(c, "Page.addScriptToEvaluateOnNewDocument", with_text("source", code), tab_is_set);
}

static void tab_is_made(void *user, JsonObject *result, const char *error)
{
    chromium *c = user;
    const char *target = hp_devtools_text(result, "targetId");
    if (error || !target) {
        give_up(c, "Chromium makes no tab: %s", error ? error : "no target");
        return;
    }
    JsonObject *params = with_text("targetId", target);
    json_object_set_boolean_member(params, "flatten", TRUE);
    command(c, "Target.attachToTarget", params, tab_is_attached);
}

/* ---- the program ---- */

static void page_is_ready(void *user)
{
    chromium *c = user;
    c->state = c->state == STARTING ? OPEN : c->state;
    hp_program_ready(c->program);
}

static void ice_state(void *user, const char *worst)
{
    chromium *c = user;
    hp_program_set_state(c->program, worst);
}

static void cancel_timer(chromium *c)
{
    if (c->timer) {
        g_source_remove(c->timer);
        c->timer = 0;
    }
}

static void browser_ended(void *user, const char *how)
{
    chromium *c = user;
    cancel_timer(c);
    if (c->state == ENDING) {
        hp_program_finished(c->program);
    } else {
        give_up(c, "Chromium %s", how);
    }
}

static void browser_is_broken(void *user, const char *why)
{
    give_up(user, "%s", why);
}

static char *find_browser(GError **error)
{
    char *browser = hp_chromium_find();
    if (!browser) {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "there is no Chromium: install the package chromium");
    }
    return browser;
}

static bool start_browser(chromium *c, GError **error)
{
    static const hp_browser_ops ops = {.event = browser_tells, .broken = browser_is_broken, .ended = browser_ended};
    hp_program *program = c->program;
    g_autofree char *browser = find_browser(error);
    if (!browser || !hp_resolv_conf_use(program->plan, program->index, program->folder, error)) {
        return false;
    }
    g_auto(GStrv) arguments = hp_chromium_command(program->plan, program->index, browser, program->folder, c->url);
    g_auto(GStrv) environment = hp_exec_peer_environment(program->plan, program->index, program->folder);
    environment = g_environ_setenv(environment, "HOME", program->folder, TRUE);
    environment = g_environ_setenv(environment, "TMPDIR", program->folder, TRUE);
    environment = g_environ_setenv(environment, "DBUS_SESSION_BUS_ADDRESS", "unix:path=/dev/null", TRUE);
    c->browser =
        hp_browser_start(program, (const char *const *)arguments, (const char *const *)environment, &ops, c, error);
    return c->browser != NULL;
}

static void chromium_free(void *self)
{
    chromium *c = self;
    cancel_timer(c);
    hp_browser_free(c->browser);
    hp_exec_trace_free(c->trace);
    hp_foreign_flows_free(c->flows);
    g_ptr_array_unref(c->waiting);
    g_free(c->url);
    g_free(c->page);
    g_free(c->tab);
    g_free(c);
}

static char *page_file(const hp_plan *plan, unsigned peer)
{
    const char *page = plan->peers[peer].source->program.page;
    return page && !hp_chromium_page_is_remote(plan, peer) ? hp_plan_path(plan, page) : NULL;
}

static void *chromium_start(hp_program *program, GError **error)
{
    static const hp_exec_trace_ops trace_ops = {.ready = page_is_ready, .state = ice_state};
    chromium *c = g_new0(chromium, 1);
    c->program = program;
    c->remote = hp_chromium_page_is_remote(program->plan, program->index);
    c->url = hp_chromium_url(program->plan, program->index);
    c->page = page_file(program->plan, program->index);
    c->waiting = g_ptr_array_new_with_free_func(g_free);
    c->flows = hp_foreign_flows_new(program);
    c->trace = hp_exec_trace_new(program->trace, program->name, &trace_ops, c);
    if (!start_browser(c, error)) {
        chromium_free(c);
        return NULL;
    }
    command(c, "Target.createTarget", with_text("url", "about:blank"), tab_is_made);
    return c;
}

static void chromium_begin(void *self)
{
    chromium *c = self;
    if (c->remote && c->state == STARTING) {
        c->state = LOADING;
        open_page(c);
    }
}

static void chromium_step(void *self, const hp_step *step, unsigned index)
{
    chromium *c = self;
    g_autofree char *lines = hp_exec_command(c->program->plan, index, c->program->index);
    if (lines && step->kind == HP_STEP_SEND) {
        hp_foreign_flows_begin(c->flows, step);
    }
    g_auto(GStrv) each = lines ? g_strsplit(lines, "\n", -1) : NULL;
    for (unsigned i = 0; each && each[i]; i++) {
        if (c->state == OPEN) {
            carry_out(c, each[i]);
        } else {
            g_ptr_array_add(c->waiting, g_strdup(each[i]));
        }
    }
}

/* ---- the end ---- */

static void close_browser(chromium *c)
{
    cancel_timer(c);
    hp_browser_close(c->browser);
}

static void last_look(void *user, JsonObject *result, const char *error)
{
    (void)result;
    (void)error;
    close_browser(user);
}

static gboolean no_last_look(gpointer user)
{
    chromium *c = user;
    c->timer = 0;
    close_browser(c);
    return G_SOURCE_REMOVE;
}

static void chromium_finish(void *self)
{
    chromium *c = self;
    const bool open = c->state == OPEN;
    if (c->state == LOADING) {
        g_autofree char *text = g_strdup_printf("%s was never loaded", c->url);
        note(c, HP_EXEC_ERROR, text);
    }
    c->state = ENDING;
    if (!hp_browser_runs(c->browser)) {
        hp_program_finished(c->program);
        return;
    }
    if (!open) {
        close_browser(c);
        return;
    }
    c->timer = g_timeout_add(LAST_LOOK_MS, no_last_look, c);
    g_autofree char *finish = hp_exec_command_finish();
    do_in_page(c, finish, "awaitPromise", last_look);
}

static bool chromium_available(const hp_plan *plan, hp_program_role role, unsigned index, GError **error)
{
    (void)plan;
    (void)role;
    (void)index;
    g_autofree char *browser = find_browser(error);
    return browser != NULL;
}

const hp_program_ops hp_chromium_program = {
    .name = "chromium",
    .available = chromium_available,
    .start = chromium_start,
    .begin = chromium_begin,
    .step = chromium_step,
    .finish = chromium_finish,
    .free = chromium_free,
};
