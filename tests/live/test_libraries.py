"""aiortc, webrtcbin and pion in the live world: the shipped scenarios, and what they cannot show by themselves.

Each test is one live run of real seconds. Where the machine lacks what it needs, a library or a right, the program says
so (exit code 3), and the test is skipped with its words.
"""
import pytest
from program import ROOT

LIVE = ROOT / "scenarios" / "live"
NAMES = ("aiortc", "pion", "webrtcbin")
ALL_WAYS = [(kind, *way) for kind in ("audio", "video") for way in (("alice", "bob"), ("bob", "alice"))]


def events(run, case, kind, subject):
    return [each for each in run.events(case) if each["event"] == kind and each["subject"] == subject]


@pytest.mark.parametrize("case", [f"{name}-libnice" for name in NAMES] + [f"libnice-{name}" for name in NAMES])
def test_a_library_and_our_peer_through_two_nats(live, case):
    run = live(LIVE / f"{case}.yaml")
    assert run.code == 0, run.stdout
    foreign, ours = ("alice", "bob") if case.endswith("-libnice") else ("bob", "alice")
    # Both ends agree on the path, each with its own address as the other sees it.
    pairs = [events(run, case, "selected-pair", name)[-1] for name in (foreign, ours)]
    assert pairs[0]["local-address"] == pairs[1]["remote-address"]
    assert pairs[1]["local-address"] == pairs[0]["remote-address"]
    assert [(pair["local"], pair["remote"]) for pair in pairs] == [("srflx", "srflx")] * 2
    # Media both ways: what the library counts, and what our end hears packet by packet.
    tracks = {(track["kind"], track["from"], track["to"]): track for track in run.result(case)["tracks"]}
    assert sorted(tracks) == sorted(ALL_WAYS)
    for track in tracks.values():
        assert 0 < track["received"] <= track["sent"]
    counted = [each for each in events(run, case, "media-stats", foreign) if each["direction"] == "in"]
    assert {each["media"] for each in counted} == {"audio", "video"}
    # The data channel of the call opened at both ends.
    for name in (foreign, ours):
        assert any(each["state"] == "open" for each in events(run, case, "channel-state", name))
    assert not events(run, case, "peer-error", foreign)


@pytest.mark.parametrize("name", NAMES)
def test_a_library_by_a_relay(live, name):
    case = f"libraries-relay[alice.program={name}]"
    run = live(LIVE / "libraries-relay.yaml", "--filter", f"program={name}")
    assert run.code == 0, run.stdout
    pair = events(run, case, "selected-pair", "bob")[-1]
    assert "relay" in (pair["local"], pair["remote"]) or "prflx" in (pair["local"], pair["remote"])
    assert any(each["type"] == "relay" for each in events(run, case, "candidate", "alice"))


def test_pion_goes_deaf_at_an_icmp_error_from_the_relay(live):
    run = live(LIVE / "pion-icmp-from-relay.yaml")
    assert run.code == 0, run.stdout
    assert run.result("pion-icmp-from-relay")["verdict"] == "expected-failure"


def test_a_restart_that_a_library_cannot_do_is_told(live, tmp_path):
    path = tmp_path / "case.yaml"
    path.write_text("""
name: case
network: {internet: {delay: 5ms}}
peers: {alice: {program: aiortc}, bob: }
steps:
  - call: {from: alice, to: bob, media: audio}
  - wait-for: ready
  - ice-restart: alice
  - wait: 500ms
expect:
  - connected: {within: 10s}
until: 12s
""")
    run = live(path)
    assert "cannot restart ICE" in events(run, "case", "peer-error", "alice")[0]["message"]
