"""Port mapping in whole runs: what a mapped port is worth, and that Wireshark can read every word of it."""
import collections
import pathlib
import subprocess

import pytest

SCENARIOS = pathlib.Path(__file__).resolve().parents[2] / "scenarios" / "port-mapping"

CALL = """
network:
  nats:
    home: {{preset: symmetric, {gateway}}}
    office: symmetric
servers: {{stun: stun}}
defaults: {{ice: {{stun: stun, trickle: {trickle}}}}}
peers:
  alice: {{behind: home, ice: {{port-mapping: {protocol}}}}}
  bob: {{behind: office}}
steps:
  - call: {{from: {caller}, to: {callee}}}
  - wait: 20s
expect:
  - {expected}
"""


@pytest.mark.parametrize("protocol", ["nat-pmp", "pcp", "upnp"])
@pytest.mark.parametrize("trickle", ["true", "false"])
@pytest.mark.parametrize("caller", ["alice", "bob"])
def test_a_mapped_port_alone_makes_the_call(hairpin, tmp_path, protocol, trickle, caller):
    """The same call twice: with the gateway it connects, without it does not. So the mapping is what did it."""
    callee = {"alice": "bob", "bob": "alice"}[caller]
    for gateway, expected in [(f"port-mapping: {protocol}", "connected: {within: 6s}"),
                              ("unsolicited: drop", "not-connected: {}")]:
        scenario = tmp_path / "call.yaml"
        scenario.write_text(CALL.format(gateway=gateway, protocol=protocol, trickle=trickle, caller=caller,
                                        callee=callee, expected=expected))
        result = hairpin("run", scenario)
        assert result.code == 0, result.stdout + result.stderr


@pytest.mark.parametrize("name", ["nat-pmp", "pcp", "upnp", "taken-port", "reboot"])
def test_wireshark_reads_it(hairpin, tmp_path, name):
    result = hairpin("run", SCENARIOS / f"{name}.yaml", "--out", tmp_path)
    assert result.code == 0, result.stdout
    capture = tmp_path / name / "trace.pcapng"

    def tshark(*args):
        process = subprocess.run(["tshark", "-r", str(capture), *args], capture_output=True, text=True, timeout=120)
        assert process.returncode == 0, process.stderr
        return process.stdout.splitlines()

    assert tshark("-Y", "_ws.malformed or _ws.expert.severity == error") == []
    seen = collections.Counter(tshark("-Y", "udp.port == 5351 or udp.port == 1900 or tcp.port == 5000",
                                      "-T", "fields", "-e", "_ws.col.Protocol"))
    wanted = {"nat-pmp": {"NAT-PMP"}, "pcp": {"PCP v2"}, "reboot": {"PCP v2"}, "upnp": {"SSDP", "HTTP/XML"},
              "taken-port": {"PCP v2", "SSDP", "HTTP/XML"}}[name]
    assert wanted <= set(seen), seen
    assert set(seen) <= wanted | {"HTTP", "TCP", "STUN"}, seen


def test_an_outsider_gets_in_through_a_mapped_port_only(run_scenario):
    """An inside host that nobody sent anything to: a stranger's packets reach it by the port that was asked for, and by
    no other way. The stranger is a peer whose only candidate checks go to the address it was told."""
    run = run_scenario("""
network: {nats: {home: {preset: symmetric, port-mapping: pcp}}}
peers:
  alice: {behind: home, ice: {port-mapping: pcp, stun-max-retransmissions: 1}}
  bob:
steps:
  - call: {from: alice, to: bob}
  - wait-for: connected
expect:
  - connected: {within: 3s}
  - mappings: {nat: home, count: 1, at-end: 1, external-ports: 1}
  - event: {event: gateway-mapping, of: home, where: {state: mapped}, count: 1}
""")
    assert run.code == 0, run.stdout
    events = run.events("case")
    mapping = next(e for e in events if e.get("event") == "nat-mapping")
    assert mapping["remote"] == "-"  # made for nobody in particular, before anything was sent
    sent = [e for e in events if e.get("event") == "signal-sent" and "candidate" in e.get("json", "")]
    assert any("typ srflx" in e["json"] for e in sent)


def test_a_hidden_address_stays_hidden(run_scenario):
    """With mDNS names in candidates the mapped one does not give the host's address away."""
    run = run_scenario("""
network: {nats: {home: {preset: symmetric, port-mapping: pcp}, office: symmetric}}
peers:
  alice: {behind: home, mdns: true, ice: {port-mapping: pcp}}
  bob: {behind: office}
steps:
  - call: {from: alice, to: bob}
expect:
  - connected: {within: 5s}
""")
    assert run.code == 0, run.stdout
    sent = [e["json"] for e in run.events("case") if e.get("event") == "signal-sent" and e["subject"] == "alice"]
    mapped = [json for json in sent if "typ srflx" in json]
    assert len(mapped) == 1 and "raddr 0.0.0.0 rport 9" in mapped[0]
    assert not any("192.168." in json for json in sent)


def test_a_step_without_a_gateway_fails_the_run(run_scenario):
    run = run_scenario("""
peers: {alice: , bob: }
steps:
  - map-port: {peer: alice, protocol: pcp, internal: 80}
  - call: {from: alice, to: bob}
expect: [connected]
""")
    assert run.code == 1
    assert "there is no gateway to ask for a port" in run.stdout
