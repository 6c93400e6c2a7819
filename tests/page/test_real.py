"""The page as `hairpin report` makes it from real runs: what it shows is what the evidence holds."""
import json
import subprocess
import urllib.parse

import pytest


@pytest.fixture(scope="module")
def report(hairpin_path, shipped):
    """The page of all shipped scenarios."""
    path = shipped.out / "report.html"
    subprocess.run([str(hairpin_path), "report", str(shipped.out), "--out", str(path), "--title", "Shipped"], check=True, capture_output=True, timeout=300)
    return path


def of(case):
    return "#" + urllib.parse.urlencode({"case": case})


def test_list(browser, report, shipped):
    browser.open(report)
    cases = json.loads((shipped.out / "result.json").read_text())["cases"]
    assert sorted(browser.texts(".case-row .case-name")) == sorted(case["case"] for case in cases)
    assert browser.texts(".masthead .title") == ["Shipped"]
    assert browser.complaints() == []


def test_a_message_has_the_fields_that_the_capture_has(browser, report, shipped):
    browser.open(report, of("basics/symmetric-turn"))
    number = browser.run("[...document.querySelectorAll('.row[data-n]')].find((r) => r.getAttribute('aria-label').includes('Allocate error')).dataset.n")
    browser.click(f"[data-n='{number}']")
    fields = dict(zip(browser.texts(".panel dt"), browser.texts(".panel dd")))
    packet = fields["Packet"].split()[0].replace(",", "")
    told = subprocess.run(
        ["tshark", "-r", shipped.out / "basics/symmetric-turn/trace.pcapng", "-Y", f"frame.number == {packet}", "-T", "fields", "-e", "stun.att.realm",
         "-e", "stun.att.nonce", "-e", "stun.id", "-e", "ip.src", "-e", "udp.srcport"], capture_output=True, text=True, check=True).stdout.strip().split("\t")
    realm, nonce, transaction, source, port = told
    assert (fields["REALM"], fields["NONCE"]) == (realm, nonce)
    assert f" {source}:{port} > " in fields["packet"]
    assert transaction.replace(":", "").endswith(fields["transaction id"])
    assert fields["ERROR-CODE"].startswith("401")


def test_network_and_why_are_those_of_the_result(browser, report, shipped):
    browser.open(report, of("basics/symmetric-turn"))
    result = shipped.result("basics/symmetric-turn")
    assert browser.texts(".why p") == result["path"][0]["why"]
    assert browser.texts(".command code") == [result["again"]]
    names = [one["name"] for key in ("nats", "servers", "peers") for one in result["network"][key]]
    assert sorted(browser.texts(".topology .node .name")) == sorted(names)
    assert browser.run("document.querySelectorAll('.topology .way.p-relay path').length") == 2


def test_why_names_its_pair_where_there_are_several(browser, report):
    browser.open(report, of("nat/port-blocks[carrier.port-blocks=dynamic]"))
    assert browser.texts(".why h3") == ["Why nothing connected: anna and bob"]
    assert browser.texts(".why p")[0] == "ICE at anna was left in gathering"


def test_the_way_goes_through_the_interface_that_worked(browser, report):
    browser.open(report, of("ice/two-interfaces"))
    assert browser.run("""(() => {
        const way = document.querySelector('.way path');
        const box = (name) => [...document.querySelectorAll('.node')].find((n) => n.querySelector('.name').textContent === name).querySelector('rect').getBBox();
        const within = (b) => { for (let at = 0; at < way.getTotalLength(); at += 2) { const p = way.getPointAtLength(at);
            if (p.x > b.x && p.x < b.x + b.width && p.y > b.y && p.y < b.y + b.height) return true; } return false; };
        return [within(box('carrier')), within(box('cafe'))]; })()""") == [True, False]


def test_a_long_prefix_is_inside_of_the_drawing(browser, report):
    browser.open(report, of("ipv6/nat64-clat"))
    assert "2001:db8:6e00::/64" in browser.texts(".topology .rail text")
    assert browser.run("""(() => { const box = document.querySelector('.topology').getBoundingClientRect();
        return [...document.querySelectorAll('.topology text')].filter((text) => {
            const r = text.getBoundingClientRect(); return r.left < box.left || r.right > box.right; }).map((text) => text.textContent); })()""") == []


def test_a_raw_peer_is_not_said_to_check_nobody(browser, report):
    browser.open(report, of("bugs/lite-sends-checks"))
    assert browser.texts(".pair-name b") == ["alice to mallory", "mallory"]


def test_all_packets_of_expectations_land(browser, report, shipped):
    """Every "packet N" opens that packet or a message of it, in all cases that have one."""
    browser.open(report)
    cases = json.loads((shipped.out / "result.json").read_text())["cases"]
    named = [case for case in cases if any(e["packet"] for e in case["expectations"])]
    wrong = []
    for case in named:
        browser.run(f"new Promise((done) => {{ addEventListener('hashchange', () => done(), {{once: true}}); location.hash = {json.dumps(of(case['case']))}; }})")
        browser.settled()
        for number in range(len(browser.texts(".packet"))):
            told = browser.run(f"""(() => {{ const link = document.querySelectorAll('.packet')[{number}]; link.click();
                return [link.textContent, [...document.querySelectorAll('.panel dd')].map((dd) => dd.textContent).join('|')]; }})()""")
            if f"{told[0].split()[1]} in trace.pcapng" not in told[1]:
                wrong.append((case["case"], told))
    assert len(named) > 50
    assert wrong == []


@pytest.mark.parametrize("width", [1280, 400])
def test_a_case_of_every_scenario_shows_without_complaint(browser, report, shipped, pictures, width):
    browser.resize(width, 900)
    browser.open(report)
    cases = json.loads((shipped.out / "result.json").read_text())["cases"]
    first = {case["file"]: case["case"] for case in reversed(cases)}
    wrong = []
    for case in sorted(first.values()):
        browser.run(f"new Promise((done) => {{ addEventListener('hashchange', () => done(), {{once: true}}); location.hash = {json.dumps(of(case))}; }})")
        browser.settled()
        if browser.texts("h1") != [case] or browser.run("document.documentElement.scrollWidth") > width:
            wrong.append(case)
    assert len(first) > 100
    assert wrong == []
    assert browser.complaints() == []
    for case in ("media/audio-video", "basics/symmetric-turn"):
        browser.open(report, of(case))
        browser.screenshot(pictures / f"real-{case.replace('/', '-')}-{width}.png", whole=True)
