/* How a browser is started and what its page is told, from the plan alone; the files behind its page. */
#include "planned.h"

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>

#include "programs/chromium_command.h"
#include "programs/chromium_pages.h"
#include "programs/resolv_conf.h"

static const char scenario_text[] = "servers:\n"
                                    "  turn: {kind: turn, program: coturn, transports: [udp, tls]}\n"
                                    "  web: {kind: web, root: sample}\n"
                                    "  names: {kind: dns}\n"
                                    "defaults: {program: chromium}\n"
                                    "peers:\n"
                                    "  alice: {ice: {turn: turn, force-relay: true}, environment: {ROOM: \"7\"}}\n"
                                    "  bob: {page: \"http://web/call/\"}\n"
                                    "  carol: {page: sample/index.html, dns: names}\n";

static planned made;
static hp_plan *plan;

static int load(void **state)
{
    (void)state;
    made = planned_of(HAIRPIN_SOURCE_DIR "/scenarios/live/t.yaml", scenario_text);
    plan = made.plan;
    return 0;
}

static int unload(void **state)
{
    (void)state;
    planned_clear(&made);
    return 0;
}

static unsigned peer(const char *name)
{
    return (unsigned)hp_plan_find_peer(plan, name);
}

static bool has(char **command, const char *argument)
{
    return g_strv_contains((const char *const *)command, argument);
}

static void addresses_of_pages(void **state)
{
    (void)state;
    g_autofree char *own = hp_chromium_url(plan, peer("alice")), *url = hp_chromium_url(plan, peer("bob"));
    g_autofree char *file = hp_chromium_url(plan, peer("carol"));
    assert_string_equal(own, "http://127.0.0.1:7880/");
    assert_string_equal(url, "http://web/call/");
    assert_string_equal(file, "http://127.0.0.1:7880/");
    assert_false(hp_chromium_page_is_remote(plan, peer("alice")));
    assert_true(hp_chromium_page_is_remote(plan, peer("bob")));
    assert_false(hp_chromium_page_is_remote(plan, peer("carol")));
}

/* A page at a URL is a secure context by its origin alone, and the server's name leads to its address. */
static void the_command_line(void **state)
{
    (void)state;
    g_auto(GStrv) command = hp_chromium_command(plan, peer("bob"), "/usr/bin/browser", "/tmp/x", "http://web/call/");
    char rule[HP_ADDR_TEXT];
    const hp_plan_server *web = &plan->servers[hp_plan_find_server(plan, "web")];
    hp_addr_format_ip(&web->attachment.addresses[0], rule);
    g_autofree char *map = g_strdup_printf("MAP web %s", rule);
    assert_string_equal(command[0], "/bin/sh");
    assert_true(has(command, "/usr/bin/browser"));
    assert_true(has(command, "--remote-debugging-pipe"));
    assert_true(has(command, "--user-data-dir=/tmp/x/profile"));
    assert_true(has(command, "--unsafely-treat-insecure-origin-as-secure=http://web"));
    unsigned rules = 0;
    for (unsigned i = 0; command[i]; i++) {
        if (g_str_has_prefix(command[i], "--host-resolver-rules=")) {
            assert_non_null(strstr(command[i], map));
            rules++;
        }
    }
    assert_int_equal(rules, 1);
}

static void what_the_page_is_told(void **state)
{
    (void)state;
    static const char begin[] = "window.HAIRPIN = ";
    g_autofree char *code = hp_chromium_preamble(plan, peer("alice"));
    assert_true(g_str_has_prefix(code, begin));
    assert_true(g_str_has_suffix(code, "};\n"));
    code[strlen(code) - 2] = '\0';
    g_autoptr(JsonNode) root = json_from_string(code + strlen(begin), NULL);
    assert_non_null(root);
    JsonObject *told = json_node_get_object(root);
    assert_string_equal(json_object_get_string_member(told, "name"), "alice");
    assert_string_equal(json_object_get_string_member(told, "signaling"), "ws://127.0.0.1:7880/");
    assert_string_equal(json_object_get_string_member(told, "iceTransportPolicy"), "relay");
    JsonArray *servers = json_object_get_array_member(told, "iceServers");
    assert_int_equal(json_array_get_length(servers), 1);
    JsonArray *others = json_object_get_array_member(told, "others");
    assert_int_equal(json_array_get_length(others), 2);
    assert_string_equal(json_array_get_string_element(others, 0), "bob");
    JsonObject *environment = json_object_get_object_member(told, "environment");
    assert_string_equal(json_object_get_string_member(environment, "ROOM"), "7");
}

static void dns_servers_of_its_own(void **state)
{
    (void)state;
    char address[HP_ADDR_TEXT];
    const hp_plan_server *names = &plan->servers[hp_plan_find_server(plan, "names")];
    g_autofree char *none = hp_resolv_conf_text(plan, peer("alice")), *text = hp_resolv_conf_text(plan, peer("carol"));
    hp_addr_format_ip(&names->attachment.addresses[0], address);
    g_autofree char *line = g_strdup_printf("nameserver %s\n", address);
    assert_null(none);
    assert_non_null(strstr(text, line));
    g_autoptr(GError) error = NULL; /* without any nothing is mounted, and nothing can fail */
    assert_true(hp_resolv_conf_use(plan, peer("alice"), "/nowhere", &error));
}

/* ---- files ---- */

static void assert_below(const char *path, const char *expected)
{
    g_autofree char *file = hp_file_below("/srv", path);
    if (!expected) {
        assert_null(file);
        return;
    }
    assert_non_null(file);
    assert_string_equal(file, expected);
}

static void no_path_leads_out(void **state)
{
    (void)state;
    assert_below("/", "/srv/index.html");
    assert_below("", "/srv/index.html");
    assert_below("/a/", "/srv/a/index.html");
    assert_below("/a/b.js?x=/../..#y", "/srv/a/b.js");
    assert_below("/with%20space", "/srv/with space");
    assert_below("/..hidden/a..b", "/srv/..hidden/a..b");
    assert_below("/../etc/passwd", NULL);
    assert_below("/a/../../etc/passwd", NULL);
    assert_below("/%2e%2e/etc/passwd", NULL);
    assert_below("/a%2fb", NULL);
    assert_below("/a%00b", NULL);
    assert_below("/..", NULL);
}

static void assert_file(const char *page, const char *path, const char *content, const char *type)
{
    const char *said = NULL;
    g_autoptr(GBytes) bytes = hp_chromium_file(page, path, &said);
    if (!content) {
        assert_null(bytes);
        return;
    }
    assert_non_null(bytes);
    assert_non_null(g_strstr_len(g_bytes_get_data(bytes, NULL), (gssize)g_bytes_get_size(bytes), content));
    assert_string_equal(said, type);
}

static void files_of_pages(void **state)
{
    (void)state;
    g_autofree char *folder = g_dir_make_tmp("hairpin-page-XXXXXX", NULL);
    g_autofree char *page = g_build_filename(folder, "own.html", NULL),
                    *style = g_build_filename(folder, "s.css", NULL);
    assert_true(g_file_set_contents(page, "<p>mine", -1, NULL) && g_file_set_contents(style, "p {}", -1, NULL));
    assert_file(NULL, "/", "peer.js", "text/html; charset=utf-8");
    assert_file(NULL, "/peer.js", "RTCPeerConnection", "text/javascript; charset=utf-8");
    assert_file(NULL, "/other", NULL, NULL);
    assert_file(page, "/", "mine", "text/html; charset=utf-8");
    assert_file(page, "/?room=1", "mine", "text/html; charset=utf-8");
    assert_file(page, "/s.css", "p {}", "text/css; charset=utf-8");
    assert_file(page, "/peer.js", NULL, NULL);
    assert_file(page, "/../etc/passwd", NULL, NULL);
    size_t length;
    const char *observer = hp_chromium_observer(&length);
    assert_true(length > 1000 && observer[length] == '\0' && strlen(observer) == length);
    g_unlink(page);
    g_unlink(style);
    g_rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_pages),    cmocka_unit_test(the_command_line),
        cmocka_unit_test(what_the_page_is_told), cmocka_unit_test(dns_servers_of_its_own),
        cmocka_unit_test(no_path_leads_out),     cmocka_unit_test(files_of_pages),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
