"""The view of one case: network, ladder, pairs, plots, expectations, and what can be done with each."""
import itertools

import pytest
import sample

RICH = "#case=turn/rich"


@pytest.fixture
def rich(browser, page_file):
    browser.open(page_file(sample.small), RICH)
    return browser


def test_head(rich):
    assert rich.texts(".fact dt") == ["Path", "Connected in", "Prediction", "Seed", "Lasted", "Packets"]
    assert rich.texts(".fact dd") == ["Relayprflx/relay", "373 ms", "relay: agrees", "18446744073709551615", "1 minuntil", "4,50123 dropped"]
    assert rich.texts(".why h3") == ["Why relayed"]
    assert rich.texts(".why p") == sample.WHY
    assert rich.texts(".reasons li") == ["pair: {alice: host} got alice: prflx since 363ms", "packets: {at: turn, count: 0} got 538"]
    assert rich.run("document.title") == "turn/rich · All shipped scenarios"


def test_copying_the_command(rich):
    rich.command("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    rich.click(".case-head .copy")
    rich.run("new Promise((done) => { const look = () => document.querySelector('.case-head .copy').textContent === 'Copy' ?"
             " requestAnimationFrame(look) : done(); look(); })")
    assert rich.texts(".case-head .copy") == ["Copied"]
    assert rich.run("navigator.clipboard.readText()") == "hairpin run scenarios/turn/rich.yaml --seed 18446744073709551615"


def test_network(rich):
    assert sorted(rich.texts(".topology .node .name")) == ["alice", "bob", "home", "office", "turn"]
    assert sorted(rich.texts(".topology .link tspan")) == ["1% loss", "20 ms", "5 ms"]
    assert rich.run("document.querySelectorAll('.topology .way.p-relay path').length") == 2
    boxes = rich.run("[...document.querySelectorAll('.topology .node rect')].map((r) => [r.x, r.y, r.width, r.height].map((v) => v.baseVal.value))")
    for (ax, ay, aw, ah), (bx, by, bw, bh) in itertools.combinations(boxes, 2):
        assert ax + aw <= bx or bx + bw <= ax or ay + ah <= by or by + bh <= ay
    assert "Peers: alice, bob; NATs: home (symmetric), office (symmetric); servers: turn" in \
        rich.run("document.querySelector('.topology').getAttribute('aria-label')")


def test_ladder_rows(rich):
    assert rich.run("document.querySelectorAll('.row[data-n]').length") == len(sample.ENTRIES)
    assert rich.texts(".row.gap .strip") == ["3.6 s later", "1.98 s later", "3 entries left out in 54 s"]
    assert rich.texts(".names .who b") == ["alice", "signaling", "turn", "bob"]
    assert rich.run("document.querySelector('.row.skipped').nextSibling.dataset.n") == str(len(sample.ENTRIES) - 1)
    assert rich.texts(".left-out") == ["3 entries left out of this page where the ladder says so: hairpin show tells all."]
    assert rich.run("document.querySelectorAll('.row .cross').length") == 2
    assert rich.texts(".row .reason") == ["no route at internet", "filtered at office"]
    assert rich.run("document.querySelector('[data-n=\"6\"]').getAttribute('aria-label')") == \
        "0.070 s, bob to alice: Binding request ×3, dropped: no route at internet"


@pytest.mark.parametrize("number", [3, 6, 11])
def test_a_message_opens_with_its_fields(rich, number):
    entry = sample.ENTRIES[number]
    rich.click(f"[data-n='{number}']")
    assert rich.texts(".panel h3") == [entry["text"]]
    fields = list(zip(rich.texts(".panel dt"), rich.texts(".panel dd")))
    assert fields[-len(entry["fields"]):] == [tuple(field) for field in entry["fields"]]
    assert ("Packet", f"{entry['packet']} in trace.pcapng") in fields
    assert rich.run(f"document.querySelector('[data-n=\"{number}\"]').getAttribute('aria-selected')") == "true"


def test_ladder_with_the_keyboard(rich):
    rich.run("document.querySelector('.rows').focus()")
    for _ in range(4):
        rich.key("ArrowDown")
    active = "document.getElementById(document.querySelector('.rows').getAttribute('aria-activedescendant')).dataset.n"
    assert rich.run(active) == "3"
    assert rich.run("document.querySelector('.panel').hidden")
    rich.key("Enter")
    assert rich.texts(".panel h3") == ["Allocate request"]
    rich.key("ArrowDown")
    assert rich.texts(".panel h3") == ["Allocate error 401 Unauthorized"]
    rich.key("Escape")
    assert rich.run("document.querySelector('.panel').hidden")
    assert rich.run("document.activeElement.className") == "rows"
    rich.key("End")
    assert rich.run(active) == str(len(sample.ENTRIES) - 1)
    assert rich.run("(() => { const b = document.querySelector('.ladder-box').getBoundingClientRect(), r = document.querySelector('[aria-selected=true]')"
                    ".getBoundingClientRect(); return r.bottom <= b.bottom && r.top >= b.top; })()")
    rich.key("Home")
    assert rich.run(active) == "0"


def test_the_skip_link_skips_and_stays(rich):
    rich.run("document.querySelector('.skip').focus()")
    rich.key("Enter")
    rich.settled()
    assert rich.run("[location.hash, document.activeElement.id]") == [RICH, "main"]
    assert rich.texts("h1") == ["turn/rich"]


def test_ladder_filters(rich):
    rich.click("[data-filter=signaling]")
    assert rich.run("document.querySelectorAll('.row.k-signaling').length") == 0
    assert rich.run("document.querySelectorAll('.row[data-n]').length") == len(sample.ENTRIES) - 2
    rich.click("[data-filter=signaling]")
    rich.click("[data-filter=only-drops]")
    assert rich.texts(".row .reason") == ["no route at internet", "filtered at office"]
    assert rich.run("document.querySelectorAll('.row[data-n]').length") == 4, "two drops and two steps"
    rich.click("[data-filter=only-drops]")
    assert rich.run("document.querySelectorAll('.row[data-n]').length") == len(sample.ENTRIES)


def test_names_and_times_stay_in_sight(rich):
    rich.resize(400, 900)
    rich.settled()
    place = """(() => { const b = document.querySelector('.ladder-box'); b.scrollTop = 200; b.scrollLeft = 150;
        const box = b.getBoundingClientRect(), names = document.querySelector('.names').getBoundingClientRect(),
        time = document.querySelector('[data-n="9"] .time').getBoundingClientRect();
        return [b.scrollLeft, Math.round(names.top - box.top), Math.round(time.left - box.left)]; })()"""
    assert rich.run(place) == [150, 1, 1]


def test_a_message_is_a_sheet_from_below_on_a_narrow_screen(rich):
    rich.resize(400, 900)
    rich.settled()
    rich.click("[data-n='6']")
    assert rich.run("(() => { const p = document.querySelector('.panel').getBoundingClientRect(); return [p.left, p.right, p.bottom]; })()") == [0, 400, 900]
    rich.click(".panel .button")
    assert rich.run("document.querySelector('.panel').hidden")


def test_expectations_and_their_packets(rich):
    assert rich.texts(".expectations .what") == ["pair: {alice: host}", "packets: {at: turn, count: 0}", "connected: {within: 4s}"]
    assert rich.run("document.querySelectorAll('.expectations .missed').length") == 2
    rich.click(".missed .packet")
    assert rich.texts(".panel h3") == ["Binding request, nominating"]
    assert rich.run("document.activeElement.className") == "rows"
    rich.click("[data-filter=ice]")
    rich.click(".missed .packet")
    assert rich.run("document.querySelector('[aria-selected=true]').dataset.n") == "8", "filters do not hide what is asked for"


def test_a_packet_that_is_folded_into_an_entry_is_shown_by_itself(rich):
    rich.click("[data-filter=media]")
    rich.click(".met .packet")
    assert rich.texts(".panel h3") == ["Packet 310"]
    fields = list(zip(rich.texts(".panel dt"), rich.texts(".panel dd")))
    assert ("Time", "4.4200 s") in fields and ("sequence", "21") in fields
    assert rich.run("document.querySelector('[aria-selected=true]').dataset.n") == str(len(sample.ENTRIES) - 3)


def test_a_packet_that_is_nowhere_says_so(rich):
    for _ in range(2):
        rich.click(".missed:nth-child(2) .packet")
        assert rich.texts(".missed:nth-child(2) [role=status]") == ["not among the messages that this page could read"]


def test_a_received_offer_tells_what_was_sent(rich):
    rich.click("[data-n='5']")
    assert rich.texts(".panel h4") == ["Decoded", "As it was sent"]
    assert list(zip(rich.texts(".panel dt"), rich.texts(".panel dd")))[-2:] == [tuple(field) for field in sample.ENTRIES[2]["fields"][1:]]


def test_candidate_pairs(rich):
    assert rich.texts(".pair-name b") == ["alice to bob", "alice to bob", "bob to alice"], "the selected one first"
    assert rich.run("document.querySelector('.pair').getAttribute('aria-label')") == (
        "alice to bob: prflx 192.0.2.10:1027 to relay 203.0.113.10:63033, 1 request, 1 answered, by turn, nominated at 0.340 s, selected at 0.363 s")
    assert rich.run("document.querySelectorAll('.pair .check').length") == 10
    assert rich.run("document.querySelectorAll('.pair .c-dropped').length") == 3
    assert rich.run("document.querySelectorAll('.pair .span.s-failed').length") == 2
    assert rich.run("document.querySelectorAll('.nominated').length") == rich.run("document.querySelectorAll('.selected-mark').length") == 1
    rich.run("document.querySelector('.pair').focus()")
    rich.key("ArrowDown")
    assert rich.texts(".pairs .readout")[0].startswith("alice to bob: host 192.168.1.10:51930 to host 10.1.0.10:56659, 3 requests, 2 dropped")


def test_plots(rich):
    assert [text.strip() for text in rich.texts(".plot-figure figcaption")] == ["One-way latency", "Loss", "Bit rate"]
    assert rich.texts(".legend.lines li") == ["audio alice → bob", "audio bob → alice", "video alice → bob"]
    assert rich.run("document.querySelectorAll('.plot path.line').length") == 9
    assert rich.run("document.querySelectorAll('.plot-figure:nth-of-type(1) .mark-line').length") == 3
    assert rich.run("document.querySelectorAll('.plot-figure:nth-of-type(1) .mark-line.m-nat').length") == 1
    rich.run("document.querySelectorAll('.plot')[1].focus()")
    for _ in range(21):
        rich.key("ArrowRight")
    assert rich.texts(".plot-readout")[1] == "6 s: audio alice → bob 40%, audio bob → alice 0%, video alice → bob 0% · home reboots"
    assert rich.texts(".plot-readout")[0].startswith("6 s: audio alice → bob 42"), "the cursor is at the same time in every plot"
    rich.key("Escape")
    assert [text.strip() for text in rich.texts(".plot-readout")] == ["", "", ""]


def test_figures(rich):
    assert rich.texts("table.figures caption") == ["Sessions", "Tracks", "Flows", "DTLS", "NATs", "Servers", "Drops by reason"]
    tables = rich.run("[...document.querySelectorAll('table.figures')].map((t) => [...t.tBodies[0].rows].map((r) => [...r.cells].map((c) => c.textContent)))")
    assert tables[1][2] == ["video alice → bob", "250", "244", "2.4%", "160 kbit/s", "47 ms", "50 ms", "300 µs", "–", "450 ms", "1"]
    assert tables[5] == [["turn", "22", "2", "2", "538", "103 kB"]]
    assert tables[6] == [["no-route", "12"], ["filtered", "11"]]


def test_bench(browser, page_file):
    browser.open(page_file(sample.small), "#view=bench")
    assert browser.texts("h2") == ["Time to connect", "Server cpu", "Memory per allocation"]
    assert browser.texts(".metric-note") == [
        "virtual time the same on every machine; lower is better", "this machine depends on the machine that ran it; lower is better",
        "this machine depends on the machine that ran it; lower is better"]
    assert browser.run("[...document.querySelectorAll('.metric')].map((m) => [m.querySelectorAll('path.band').length, m.querySelectorAll('.dots circle').length])") == [
        [2, 12], [1, 6], [0, 0]]
    rows = browser.run("[...document.querySelectorAll('.metric:first-child tbody tr')].map((r) => [...r.cells].map((c) => c.textContent))")
    assert rows[6] == ["turn", "1", "20", "208 ms", "199 ms to 217 ms", "190 ms", "226 ms"]
    assert browser.run("[...document.querySelectorAll('.metric')].map((m) => m.querySelector('.legend .line, .fill').classList.item(1))") == ["t0", "t1", "t2"], \
        "a variant has its style in every plot"
    assert browser.texts(".bench-bar .value") == ["4.2 kB", "9.1 kB"]
    browser.run("document.querySelector('.plot').focus()")
    browser.key("End")
    assert browser.texts(".plot-readout")[0] == "32: direct 152 ms, turn 301 ms"
