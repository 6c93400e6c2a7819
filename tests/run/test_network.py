"""Out of a UDP-blocking office by ICE-TCP, by TURN over TCP and TLS; from a network without IPv4 by a relay's name."""
import subprocess

import pytest

ICE_TCP = [f"tcp/udp-blocking-office[office.preset={preset}]" for preset in ("udp-blocking-office", "tls-only-office")]
TURN_TCP = ["tcp/turn-tcp", "tcp/turn-tls"]


def frames_at(shipped, case, tap, display_filter):
    process = subprocess.run(
        ["tshark", "-r", str(shipped.out / case / "trace.pcapng"), "-Y",
         f'frame.interface_name == "{tap}" && ({display_filter})', "-T", "fields", "-e", "frame.number"],
        capture_output=True, text=True, timeout=60)
    assert process.returncode == 0, process.stderr
    return process.stdout.split()


def session(result, peer):
    [found] = [session for session in result["sessions"] if session["peer"] == peer]
    return found


def assert_media_arrives(result, kinds):
    tracks = {(track["kind"], track["from"], track["to"]): track for track in result["tracks"]}
    assert set(tracks) == {(kind, *ends) for kind in kinds for ends in (("alice", "bob"), ("bob", "alice"))}
    for key, track in tracks.items():
        assert track["received"] > 400 and track["received"] + track["in_flight"] == track["sent"], key
        assert track["lost"] == track["late"] == track["foreign"] == 0, key


@pytest.mark.parametrize("case", ICE_TCP + TURN_TCP)
def test_no_udp_leaves_the_office(shipped, case):
    assert frames_at(shipped, case, "office/out", "udp") == []
    assert frames_at(shipped, case, "alice", "udp") != []  # it was tried
    assert len(frames_at(shipped, case, "office/out", "tcp.len > 0")) > 800


@pytest.mark.parametrize("case", ICE_TCP)
def test_ice_tcp_passes_the_office(shipped, case):
    result = shipped.result(case)
    alice, bob = session(result, "alice"), session(result, "bob")
    assert (alice["local_type"], alice["remote_type"]) == ("prflx", "host")
    assert (bob["local_type"], bob["remote_type"]) == ("host", "prflx")
    assert alice["remote"] == bob["local"] == "198.51.100.10:443"
    assert alice["connected_ns"] < 10 * 10**9 and alice["state"] == bob["state"] == "ready"
    chosen = [event for event in shipped.events(case) if event["event"] == "selected-pair"]
    assert {(event["subject"], event["transport"]) for event in chosen} == {("alice", "tcp-act"), ("bob", "tcp-pass")}
    assert result["servers"] == []
    assert_media_arrives(result, ("audio", "video"))


@pytest.mark.parametrize("case, transport, kinds", [("tcp/turn-tcp", "tcp", ("audio", "video")),
                                                    ("tcp/turn-tls", "tls", ("audio",))])
def test_turn_over_streams_passes_the_office(shipped, case, transport, kinds):
    result = shipped.result(case)
    alice = session(result, "alice")
    assert (alice["local_type"], alice["state"]) == ("relay", "ready")
    assert alice["local"].startswith("203.0.113.10:")
    requests = [event for event in shipped.events(case)
                if event["event"] == "server-request" and event["client"].startswith("192.0.2.")]
    assert {event["transport"] for event in requests} == {transport}
    assert "Allocate" in {event["method"] for event in requests if event["answer"] == "success"}
    [server] = result["servers"]
    assert server["allocations"] == 1
    assert server["relayed_packets"] > sum(track["received"] for track in result["tracks"])
    assert_media_arrives(result, kinds)


def test_nat64_connects_by_the_relays_name(shipped):
    case = "ipv6/nat64-relay-by-name"
    result = shipped.result(case)
    alice = session(result, "alice")
    assert (alice["local_type"], alice["remote_type"], alice["state"]) == ("relay", "host", "ready")
    assert alice["local"].startswith("203.0.113.10:")  # IPv4, for a host that has none
    [resolved] = [event for event in shipped.events(case) if event["event"] == "dns-resolved"]
    assert (resolved["name"], resolved["address"]) == ("turn.example", "64:ff9b::cb00:710a")
    assert frames_at(shipped, case, "alice", "ip") == []
    assert frames_at(shipped, case, "carrier/out", "ipv6 && !dns") == []
    assert len(frames_at(shipped, case, "alice", "ipv6 && udp.port == 3478")) > 100
    for flow in result["flows"]:
        assert flow["sent"] == flow["received"] == 50
    assert len(result["flows"]) == 2
