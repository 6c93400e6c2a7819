"""Names through the network: what peers resolve, what their candidates show, and what Wireshark makes of the packets."""
import pathlib
import re
import subprocess

import pytest

NAMES = pathlib.Path(__file__).resolve().parent.parent.parent / "scenarios" / "names"

CALL = """
servers:
  dns: {dns}
  turn: turn
peers:
  alice: {{dns: dns, ice: {{turn: turn}}}}
  bob:
steps:
  - call: {{from: alice, to: bob}}
expect:
  - connected: {{within: 10s}}
until: 15s
"""


def tshark(path, *args):
    process = subprocess.run(["tshark", "-r", str(path), *args], capture_output=True, text=True, timeout=120)
    assert process.returncode == 0, process.stderr
    return process.stdout


@pytest.fixture(scope="module")
def names(hairpin_path, tmp_path_factory):
    """The shipped scenarios of this folder, run once."""
    out = tmp_path_factory.mktemp("names")
    process = subprocess.run([str(hairpin_path), "run", str(NAMES), "--out", str(out)], capture_output=True, text=True,
                             timeout=300)
    assert process.returncode == 0, process.stdout
    return out


def captures(names):
    found = sorted(names.glob("**/trace.pcapng"))
    assert len(found) >= 14
    return found


def test_wireshark_finds_nothing_malformed(names):
    for path in captures(names):
        assert tshark(path, "-Y", "_ws.malformed") == "", path


def test_wireshark_reads_every_message(names):
    """Each UDP packet of ports 53 and 5353 is DNS to the last byte, and both kinds occur."""
    seen = {"dns": 0, "mdns": 0}
    for path in captures(names):
        for port, name in ((53, "dns"), (5353, "mdns")):
            packets = len(tshark(path, "-Y", f"udp.port == {port} && !icmp").splitlines())
            assert len(tshark(path, "-Y", f"udp.port == {port} && {name} && !icmp").splitlines()) == packets
            seen[name] += packets
    assert seen["dns"] > 50 and seen["mdns"] > 20


def test_the_truncated_answer_over_tcp(names, tmp_path):
    only = tmp_path / "alice.pcapng"  # with both ends in one file, Wireshark takes each segment for a retransmission
    tshark(next(names.glob("**/truncated/trace.pcapng")), "-Y", 'frame.interface_name == "alice"', "-w", str(only))
    rows = tshark(only, "-Y", "dns", "-T", "fields", "-e", "ip.proto", "-e",
                  "dns.flags.response", "-e", "dns.flags.truncated", "-e", "dns.count.answers").splitlines()
    assert [row.split("\t") for row in rows] == [["17", "0", "0", "0"], ["17", "1", "1", "0"], ["6", "0", "0", "0"],
                                                 ["6", "1", "0", "32"]]


def test_multicast_goes_by_the_book(names):
    """RFC 6762 section 11: TTL 255, from port 5353; and none of it beyond the home."""
    path = next(names.glob("**/mdns-one-lan/trace.pcapng"))
    rows = tshark(path, "-Y", "mdns", "-T", "fields", "-e", "ip.ttl", "-e", "udp.srcport", "-e", "ip.dst").splitlines()
    assert rows and set(rows) == {"255\t5353\t224.0.0.251"}


def signalled(run, peer):
    return [e["json"] for e in run.events("case") if e["event"] == "signal-sent" and e["subject"] == peer]


def test_no_address_is_shown(run_scenario):
    run = run_scenario("""
network:
  nats: {home: {preset: port-restricted-cone, families: [ipv4, ipv6]}}
servers: {turn: turn}
peers:
  alice: {behind: home, families: [ipv4, ipv6], mdns: true, ice: {stun: turn, turn: turn}}
  bob: {behind: home}
steps: [{call: {from: alice, to: bob}}]
expect: [connected]
until: 20s
""")
    text = "".join(signalled(run, "alice"))
    assert "192.168." not in text and "fd00:" not in text
    hosts = set(re.findall(r"(\S+) \d+ typ host", text))
    assert len(hosts) == 2  # one name an address
    for host in hosts:
        assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.local", host)
    assert re.search(r"typ srflx raddr 0\.0\.0\.0 rport 9", text)
    assert re.search(r"typ relay raddr 0\.0\.0\.0 rport 9", text)  # libnice's is the host's own, not the mapped one
    # bob has no mDNS: it drops the names, and its own candidates show addresses
    assert "192.168.1.11" in "".join(signalled(run, "bob"))
    failed = [e for e in run.events("case") if e["event"] == "mdns-failed"]
    assert failed and {e["reason"] for e in failed} == {"unsupported"}
    assert run.code == 0, run.stdout


def test_a_relay_does_not_show_a_public_host(run_scenario):
    run = run_scenario("""
servers: {turn: turn}
peers:
  alice: {mdns: true, ice: {turn: turn}}
  bob: {mdns: {hide: false}}
steps: [{call: {from: alice, to: bob}}]
expect: [connected]
until: 10s
""")
    text = "".join(signalled(run, "alice"))
    assert "typ relay raddr 0.0.0.0 rport 9" in text and "198.51.100.10" not in text
    assert "198.51.100.11" in "".join(signalled(run, "bob"))


def test_candidates_in_the_description(run_scenario):
    """Without trickle the names stand in the SDP, and the end of the candidates waits for them."""
    run = run_scenario("""
network: {lans: {home: }}
defaults: {mdns: {silent: true}, ice: {trickle: false}}
peers: {alice: {behind: home}, bob: {behind: home}}
steps: [{call: {from: alice, to: bob}}]
expect:
  - connected: {within: 3s}
  - pair: {alice: host, bob: host}
  - event: {event: mdns-resolved, count: 2}
until: 10s
""")
    assert run.code == 0, run.stdout


def test_a_restart_asks_nobody_again(run_scenario):
    run = run_scenario("""
network: {lans: {home: }}
servers: {dns: {kind: dns, behind: home}, turn: {kind: turn, behind: home}}
defaults: {mdns: {silent: true}, dns: dns, ice: {turn: turn}}
peers: {alice: {behind: home}, bob: {behind: home}}
steps:
  - call: {from: alice, to: bob}
  - wait-for: ready
  - ice-restart: alice
expect:
  - connected: {within: 3s}
  - state: {peer: alice, state: connected, after: ice-restart, within: 3s}
  - event: {event: dns-answer, of: alice, count: 1}
  - event: {event: mdns-resolved, of: bob, where: {sent: 1}, count: 1}
  - event: {event: mdns-resolved, of: bob, where: {sent: 0}, after: ice-restart, count: 1}
until: 20s
""")
    assert run.code == 0, run.stdout


def test_closed_while_names_are_asked_for(run_scenario):
    run = run_scenario("""
servers: {dns: {kind: dns, faults: [silence]}, turn: turn}
peers:
  alice: {dns: dns, mdns: true, ice: {turn: turn}}
  bob: {mdns: true}
steps:
  - call: {from: alice, to: bob}
  - at: 1s
    close: alice
expect:
  - event: {event: dns-resolved, count: 0}
  - event: {event: gathering-started, of: alice, count: 0}
  - event: {event: peer-closed, of: alice, count: 1}
  - event: {event: mdns-failed, of: alice, count: 0}
until: 20s
""")
    assert run.code == 0, run.stdout


@pytest.mark.parametrize("dns, reason", [
    ("{kind: dns, faults: [nxdomain]}", "`turn.example` was not found: it went without that server"),
    ("{kind: dns, stopped: true}", "`turn.example` was not found: it went without that server"),
    ("{kind: dns}", None),
])
def test_a_name_that_is_not_found_fails_the_run(run_scenario, dns, reason):
    run = run_scenario(CALL.format(dns=dns))
    if reason is None:
        assert run.code == 0, run.stdout
    else:
        assert run.code == 1
        assert reason in run.stdout and "the names of its servers are found" in run.stdout


def test_unless_the_scenario_speaks_of_it(run_scenario):
    run = run_scenario(CALL.format(dns="{kind: dns, faults: [nxdomain]}").replace(
        "until:", "  - event: {event: dns-resolved, where: {outcome: failed}, count: 1}\nuntil:"))
    assert run.code == 0, run.stdout


def test_renumbered_and_set(run_scenario):
    """DNS tells a server's new address at once; set-dns tells anything; a DNS server can move too."""
    run = run_scenario("""
servers: {dns: {kind: dns, ttl: 1s}, turn: turn}
peers:
  alice: {dns: dns, ice: {turn: turn, force-relay: true}}
  bob:
steps:
  - call: {from: alice, to: bob}
  - at: 5s
    close: alice
  - renumber: {nat: turn, to: 203.0.113.77}
  - call: {from: alice, to: bob}
  - at: 10s
    close: alice
  - set-dns: {server: dns, hosts: {turn.example: {cname: moved.example}, moved.example: 192.0.2.200}}
  - call: {from: alice, to: bob}
  - at: 20s
    close: alice
  - renumber: dns
  - call: {from: alice, to: bob}
expect:
  - order:
      - {event: dns-resolved, of: alice, where: {address: 203.0.113.11}}
      - {event: dns-resolved, of: alice, where: {address: 203.0.113.77}}
      - {event: dns-resolved, of: alice, where: {address: 192.0.2.200}}
      - {event: dns-answer, of: alice, where: {outcome: timed-out}}
  - relayed: {at: turn, allocations: 2}
until: 60s
""")
    assert run.code == 0, run.stdout


@pytest.mark.parametrize("case", ["both-families", "mdns-deaf", "truncated"])
def test_the_same_bytes_again(hairpin, tmp_path, case):
    def one(name):
        run = hairpin("run", NAMES / f"{case}.yaml", "--out", tmp_path / name, "--seed", 9)
        run.out = tmp_path / name
        assert run.code == 0, run.stdout
        return run.hashes()
    assert one("first") == one("second")


def test_the_ladder_tells_names(hairpin, names):
    shown = hairpin("show", next(names.glob("**/resolves"))).stdout
    assert "DNS A turn.example?" in shown
    assert "turn.example A 203.0.113.11, 300 s" in shown
    assert "data" not in shown.split("Allocate")[0]
