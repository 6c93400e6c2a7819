"""The evidence is what a user opens: Wireshark's reader must take it without complaint and see STUN and TURN in it."""
import json
import subprocess

import pytest


def tshark(path, *args):
    process = subprocess.run(["tshark", "-r", str(path), *args], capture_output=True, text=True, timeout=120)
    assert process.returncode == 0, f"{path}: {process.stderr}"
    complaints = [line for line in process.stderr.splitlines() if line and "Running as user" not in line]
    assert complaints == [], f"{path}: {complaints}"
    return process.stdout


def test_every_case_leaves_evidence(shipped):
    cases = list(shipped.out.glob("**/result.json"))
    assert len(cases) >= 25
    for case in cases:
        for name in ("trace.pcapng", "events.jsonl"):
            assert (case.parent / name).stat().st_size > 0


def malformed(path):
    lines = tshark(path, "-T", "fields", "-e", "frame.number", "-e", "frame.protocols", "-e", "_ws.malformed",
                   "-e", "ip.checksum.status", "-o", "ip.check_checksum:TRUE").splitlines()
    found = [line for line in lines if "malformed" in line.lower() or line.split("\t")[2:3] not in ([""], [])]
    # tshark 4.0 looks for SRTCP's E bit where an HMAC follows it. The AEAD profiles put it last (RFC 7714 section 9), so
    # that there it reads the ciphertext of every report as if it were clear.
    result = path.parent / "result.json"
    aead = result.exists() and any("GCM" in (dtls["profile"] or "") for dtls in json.loads(result.read_text())["dtls"])
    return [line for line in found if not (aead and ":rtcp\t" in line)]


def test_tshark_reads_every_capture_and_finds_nothing_malformed(shipped, tmp_path):
    """A capture holds a packet once for each place it passed. Where a protocol is put together from several packets
    (DTLS handshake messages in fragments) tshark takes the second sight for a bad repetition, so that there each place
    is looked at by itself."""
    captures = sorted(shipped.out.glob("**/trace.pcapng"))
    assert captures
    for path in captures:
        found = malformed(path)
        if not any("Reassembly error" in line for line in found):
            assert found == [], f"{path}: {found[:3]}"
            continue
        for interface in set(tshark(path, "-T", "fields", "-e", "frame.interface_id").split()):
            tap = tmp_path / "tap.pcapng"
            tshark(path, "-Y", f"frame.interface_id == {interface}", "-w", str(tap))
            found = malformed(tap)
            assert found == [], f"{path}, interface {interface}: {found[:3]}"


def test_captures_number_packets_as_results_do(shipped):
    for path in sorted(shipped.out.glob("basics/**/trace.pcapng")):
        result = json.loads((path.parent / "result.json").read_text())
        frames = tshark(path, "-T", "fields", "-e", "frame.number").split()
        assert len(frames) == result["counts"]["packets"]


def test_stun_and_turn_are_dissected(shipped):
    capture = shipped.out / "basics" / "symmetric-turn" / "trace.pcapng"
    rows = [line.split("\t") for line in
            tshark(capture, "-Y", "stun", "-T", "fields", "-e", "stun.type.method", "-e", "stun.type.class",
                   "-e", "stun.att.error").splitlines()]
    methods = {int(row[0], 0) for row in rows if row[0]}
    assert {0x001, 0x003, 0x008} <= methods  # Binding, Allocate, CreatePermission
    assert any("1" in row[2] for row in rows if len(row) > 2 and row[2])  # the 401 that asks for credentials


def test_interfaces_are_named_and_drops_are_told(shipped):
    capture = shipped.out / "basics" / "symmetric-stun-fails" / "trace.pcapng"
    names = set(tshark(capture, "-T", "fields", "-e", "frame.interface_name").split())
    assert {"alice", "bob", "stun", "home/in", "home/out", "office/in", "office/out"} <= names
    comments = tshark(capture, "-Y", "frame.comment", "-T", "fields", "-e", "frame.comment")
    assert "dropped at home" in comments and "dropped at office" in comments


def test_addresses_have_names(shipped):
    capture = shipped.out / "basics" / "same-network" / "trace.pcapng"
    hosts = tshark(capture, "-q", "-z", "hosts")
    assert "alice" in hosts and "bob" in hosts


@pytest.mark.parametrize("case", ["basics/same-network", "basics/symmetric-turn", "turn/stale-nonce"])
def test_events_are_in_order_and_end_with_the_run(shipped, case):
    events = shipped.events(case)
    times = [event["at"] for event in events]
    assert times == sorted(times)
    assert events[0]["event"] == "run-start" or any(event["event"] == "run-start" for event in events[:20])
    assert any(event["event"] == "run-end" for event in events)


def test_event_texts_are_those_that_scenarios_may_ask_for(hairpin, shipped, tmp_path):
    """The lists that `where` is held to know every text that comes: each is asked for again, and must load."""
    asked = {
        "ice-state": ("state", "previous"), "consent": ("state",), "ice-role": ("role",), "candidate": ("type",),
        "remote-candidate": ("type",), "selected-pair": ("local", "remote"), "signal-sent": ("type",),
        "signal-received": ("type",), "signal-dropped": ("type",), "signal-ignored": ("type",),
        "step-done": ("outcome",), "server-request": ("answer",), "nat-mapping": ("proto",),
        "nat-mapping-ended": ("proto", "reason"), "turn-allocation-ended": ("reason",)}
    seen = set()
    for path in shipped.out.glob("**/events.jsonl"):
        for line in path.read_text().splitlines():
            event = json.loads(line)
            for field in asked.get(event["event"], ()):
                seen.add((event["event"], field, event[field]))
    assert len(seen) > 30
    lines = [f"  - event: {{event: {event}, where: {{{field}: {text}}}}}\n" for event, field, text in sorted(seen)]
    scenario = tmp_path / "all.yaml"
    scenario.write_text("peers: {alice: , bob: }\nsteps:\n  - call: {from: alice, to: bob}\nexpect:\n" + "".join(lines))
    run = hairpin("check", scenario)
    assert "error" not in run.stderr, run.stderr
    assert run.code == 0
