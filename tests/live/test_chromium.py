"""Real browsers in the live world: the shipped scenarios of scenarios/live, and what they cannot show by themselves.

Each test is one live run, of real seconds; at most two browsers are there at once. Where the machine lacks what a live
run needs, the program itself says so (exit code 3), and the test is skipped with its words.
"""
import re

import pytest
from program import ROOT

LIVE = ROOT / "scenarios" / "live"


@pytest.fixture
def live_text(live, tmp_path):
    """The same of a scenario made on the spot; its case is `case`."""

    def call(text, *args, **kwargs):
        path = tmp_path / "case.yaml"
        path.write_text(text)
        return live(path, *args, **kwargs)

    return call


def tracks(run, case):
    return {(track["kind"], track["from"], track["to"]): track for track in run.result(case)["tracks"]}


ALL_WAYS = [(kind, *way) for kind in ("audio", "video") for way in (("alice", "bob"), ("bob", "alice"))]


def assert_counted(run, case):
    """Audio and video were received both ways, as both browsers count them, and what nobody knows is null."""
    found = tracks(run, case)
    assert sorted(found) == sorted(ALL_WAYS)
    for (kind, *_), track in found.items():
        assert track["known_by"] == "counts"
        assert 0 < track["received"] <= track["sent"]
        assert track["latency"]["count"] == 0 and track["reordered"] is None and track["series"] is None
        if kind == "video":
            assert track["frames"] > 0 and track["freezes"] is None


def test_two_browsers_through_two_nats(live):
    run = live(LIVE / "chromium-chromium.yaml")
    assert run.code == 0, run.stdout
    assert_counted(run, "chromium-chromium")
    assert all(session["state"] in ("connected", "ready") for session in run.result("chromium-chromium")["sessions"])


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_two_browsers_by_relay(live, transport):
    run = live(LIVE / "chromium-relay.yaml", "--filter", f"transports={transport}")
    case = f"chromium-relay[ice.turn-transports={transport}]"
    assert run.code == 0, run.stdout
    assert_counted(run, case)
    pairs = [event for event in run.events(case) if event["event"] == "selected-pair"]
    assert pairs and all(pair["local"] == "relay" and pair["remote"] == "relay" for pair in pairs)


@pytest.mark.parametrize("case, browser, ours", [("chromium-libnice", "alice", "bob"), ("libnice-chromium", "bob", "alice")])
def test_a_browser_and_our_peer(live, case, browser, ours):
    run = live(LIVE / f"{case}.yaml")
    assert run.code == 0, run.stdout
    found = tracks(run, case)
    assert sorted(found) == sorted(ALL_WAYS)
    for (kind, sender, _), track in found.items():
        assert track["known_by"] == ("receiver" if sender == browser else "counts")
        assert track["sent"] > 0
        assert track["received"] > 0 and track["foreign"] in (0, None)
    # what the browser sends is real video, and our receiver shows its pictures
    assert found["video", browser, ours]["frames"] > 0
    dtls = {(end["peer"], end["state"]) for end in run.result(case)["dtls"]}
    assert dtls == {("alice", "connected"), ("bob", "connected")}


def test_the_sample_page(live):
    """Its page and its signalling come over the world's network, from a server there; it names nobody."""
    run = live(LIVE / "sample-page.yaml")
    assert run.code == 0, run.stdout
    assert_counted(run, "sample-page")
    events = run.events("sample-page")
    sent = [event for event in events if event["event"] == "signal-sent"]
    assert {event["subject"] for event in sent} == {"alice", "bob"}
    assert {event["type"] for event in sent} == {"offer", "answer", "candidate"}
    assert not any('"to"' in event["json"] for event in sent)


def test_steps_in_a_browser(live_text):
    """Hold, resume, restart, a message, close: each is done by the page, and seen."""
    run = live_text("""
defaults: {program: chromium}
peers:
  alice:
  bob:
steps:
  - call: {from: alice, to: bob, media: [audio], data: true}
  - wait-for: {peers: [alice, bob], state: connected, timeout: 30s}
  - wait: 1s
  - send: {from: alice, to: bob, channel: data, size: 300, interval: 200ms, count: 3, both: false, wait: true}
  - wait: 1s
  - hold: {peer: alice, with: bob}
  - wait: 1s
  - resume: {peer: alice, with: bob}
  - wait: 1s
  - ice-restart: {peer: bob, with: alice}
  - wait: 3s
  - close: {peer: alice, with: bob}
expect:
  - connected:
  - event: {event: channel-message, of: bob, count: ">= 3"}
  - event: {event: peer-closed, of: alice}
until: 45s
""")
    assert run.code == 0, run.stdout
    events = run.events("case")

    def said(kind, subject):
        return [event for event in events if event["event"] == kind and event["subject"] == subject]

    begun = [event["at"] for event in events if event["event"] == "step"]
    assert begun[4] - begun[3] >= 600_000_000, "waited for what alice sends"
    offers = [(event["subject"], event["json"]) for event in events
              if event["event"] == "signal-sent" and event["type"] == "offer"]
    assert [who for who, _ in offers] == ["alice", "alice", "alice", "bob"]
    assert "a=inactive" in offers[1][1] and "a=inactive" not in offers[2][1]
    assert [event["size"] for event in said("channel-message", "bob")] == [300, 300, 300]
    ufrags = [re.search(r"a=ice-ufrag:([^\\]+)", event["json"])[1] for event in said("signal-sent", "bob")
              if event["type"] in ("offer", "answer")]
    assert len(set(ufrags[:-1])) == 1 and ufrags[-1] != ufrags[0], "no restart"
    assert said("peer-closed", "alice")


def test_a_page_of_the_users(live_text, tmp_path):
    """A file beside the scenario is the page, with what lies beside it; its complaints are in the trace."""
    (tmp_path / "page.html").write_text('<!doctype html><script src="mine.js"></script>')
    (tmp_path / "mine.js").write_text("""
        console.error("room " + HAIRPIN.environment.ROOM);
        window.hairpinCommand = (command) => {
            alert("press OK");  // nobody is there to do it
            hairpin.log("asked to " + command.do);
        };
        hairpin.ready();
    """)
    run = live_text("""
peers:
  alice: {program: chromium, page: page.html, environment: {ROOM: "7"}}
  bob: {program: chromium, page: page.html}
steps:
  - call: {from: alice, to: bob, data: true}
expect:
  - state: {peer: bob, state: connected, never: true}
until: 1s
""")
    assert run.code == 0, run.stdout
    said = [(event["subject"], event["message"]) for event in run.events("case") if event["event"] == "sut-log"]
    assert ("alice", "console: room 7") in said
    assert ("alice", "dialog: press OK") in said and ("alice", "asked to call") in said
    assert ("bob", "asked to call") not in said


def test_a_page_that_is_not_there(live_text, tmp_path):
    """A server without the page: nothing is called, and the run says why."""
    (tmp_path / "root").mkdir()
    run = live_text("""
servers: {web: {kind: web, root: root}}
defaults: {program: chromium, page: "http://nowhere.example/"}
peers:
  alice:
  bob:
steps:
  - {at: 1s, call: {from: alice, broadcast: true, data: true}}
expect:
  - connected: {within: 3s}
until: 4s
""")
    assert run.code == 1, run.stdout
    assert "http://nowhere.example/" in run.stdout


CALL = """
defaults: {program: chromium}
peers:
  alice:
  bob:
steps:
  - call: {from: alice, to: bob, data: true}
expect:
  - connected: {within: 3s}
until: 4s
"""


def test_a_browser_that_ends(live_text):
    """It is an error of the run, at once, and says how it ended."""
    run = live_text(CALL, env={"CHROMIUM": "/bin/false"})
    assert run.code == 1
    assert "Chromium ended by itself with code 1" in run.stdout


def test_no_browser(hairpin, tmp_path):
    """What is missing is named, and nothing passes."""
    path = tmp_path / "case.yaml"
    path.write_text(CALL)
    run = hairpin("run", "--world", "live", path, env={"PATH": "/nonexistent", "CHROMIUM": ""})
    assert run.code == 3
    assert "install the package chromium" in run.stdout + run.stderr


def test_a_quiet_browser(live_text):
    """It asks a peer's DNS server for what the page needs, and for nothing else."""
    run = live_text("""
servers: {stun: stun, names: {kind: dns}}
defaults: {program: chromium, dns: names, ice: {stun: stun}}
peers:
  alice:
  bob:
steps:
  - call: {from: alice, to: bob, media: [audio]}
expect:
  - connected:
until: 45s
""")
    assert run.code == 0, run.stdout
    asked = {event["name"] for event in run.events("case") if event["event"] == "dns-query"}
    assert asked == {"stun.example"}
