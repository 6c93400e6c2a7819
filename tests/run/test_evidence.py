"""The evidence is what a user opens: Wireshark's reader must take it without complaint and see STUN and TURN in it."""
import concurrent.futures
import itertools
import json
import re
import shutil
import subprocess
import typing

import pytest

from program import ROOT


def tshark(path, *args):
    process = subprocess.run(["tshark", "-r", str(path), *args], capture_output=True, text=True, timeout=120)
    assert process.returncode == 0, f"{path}: {process.stderr}"
    complaints = [line for line in process.stderr.splitlines() if line and "Running as user" not in line]
    assert complaints == [], f"{path}: {complaints}"
    return process.stdout


def test_every_case_leaves_evidence(shipped):
    cases = list(shipped.out.glob("*/**/result.json"))
    assert len(cases) >= 25
    for case in cases:
        for name in ("trace.pcapng", "events.jsonl"):
            assert (case.parent / name).stat().st_size > 0


SUSPECT = ('_ws.malformed || _ws.expert.group == "Malformed" || _ws.expert.group == "Checksum"'
           ' || ip.checksum.status == "Bad" || udp.checksum.status == "Bad" || tcp.checksum.status == "Bad"'
           ' || icmp.checksum.status == "Bad" || icmpv6.checksum.status == "Bad"')
CHECKED = ("ip", "udp", "tcp")  # checksums that tshark only looks at when told
VALIDATE = [arg for proto in CHECKED for arg in ("-o", f"{proto}.check_checksum:TRUE")]
FIELDS = ("frame.number", "frame.protocols", "_ws.expert.message", "udp.payload", "tcp.payload", "stun.id")
# What a raw peer's action says when it sends something that is wrong on purpose, or may be.
WRONG_ON_PURPOSE = re.compile(r"\b(length|through-length|no-padding|type|cookie|bytes|random|hex|body|wrong)\b")


class Sharkd:
    """Wireshark's dissectors in one process for many captures: starting tshark takes longer than most captures do."""

    def __init__(self):
        self.process = subprocess.Popen(["sharkd", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        self.calls = 0
        for proto in CHECKED:
            self.call("setconf", name=f"{proto}.check_checksum", value="TRUE")

    def call(self, method, **params):
        self.calls += 1
        request = {"jsonrpc": "2.0", "id": self.calls, "method": method, "params": params}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert answer["id"] == self.calls and "error" not in answer, f"{params}: {answer}"
        return answer["result"]

    def finds_suspects(self, path):
        self.call("load", file=str(path))
        # sharkd remembers what a filter has found, over the end of a file: no filter is the same twice.
        unique = f"{SUSPECT} || frame.number == {0xffffffff - self.calls}"
        return self.call("frames", filter=unique, column0="frame.number:1") != []

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)


class Suspect(typing.NamedTuple):
    number: int
    protocols: str
    message: str
    payload: str  # in hexadecimal digits
    transaction: str


def suspects(path):
    """What tshark finds malformed, or with a wrong checksum or FINGERPRINT; for both its expert group is asked."""
    args = [arg for field in FIELDS for arg in ("-e", field)]
    rows = [line.split("\t") for line in
            tshark(path, *VALIDATE, "-Y", SUSPECT, "-T", "fields", *args).splitlines()]
    found = [Suspect(int(row[0]), row[1], row[2], row[3] or row[4], row[5]) for row in rows]
    # tshark 4.0 looks for SRTCP's E bit where an HMAC follows it. The AEAD profiles put it last (RFC 7714 section 9),
    # so that there it reads the ciphertext of every report as if it were clear.
    result = json.loads((path.parent / "result.json").read_text())
    aead = any("GCM" in (dtls["profile"] or "") for dtls in result["dtls"])
    return [suspect for suspect in found if not (aead and suspect.protocols.endswith(":rtcp"))]


def events_of(path, *kinds):
    lines = (path.parent / "events.jsonl").read_text().splitlines()
    return [event for event in (json.loads(line) for line in lines if any(f'"{kind}"' in line for kind in kinds))
            if event["event"] in kinds]


def item_at(lines, number):
    """The item of a YAML list that begins at a line, as text."""
    indent = len(lines[number - 1]) - len(lines[number - 1].lstrip())
    rest = itertools.takewhile(lambda line: len(line) - len(line.lstrip()) > indent, lines[number:])
    return "\n".join([lines[number - 1], *rest])


def frames(path, filter, *fields):
    args = [arg for field in fields for arg in ("-e", field)]
    return [line.split("\t") for line in tshark(path, "-Y", filter, "-T", "fields", *args).splitlines()]


def seen_again(path, found):
    """A capture holds a packet once for each place it passed. Where a protocol is put together from several packets
    (TCP, or DTLS handshake messages in fragments) tshark takes the second sight for a bad repetition. Those are the
    suspects that are nothing but that, and whose very bytes came before."""
    overlapping = [suspect for suspect in found if "fragment overlaps" in suspect.message
                   and "Malformed Packet" not in suspect.message and "hecksum" not in suspect.message]
    if not overlapping:
        return []
    first = {}
    for number, udp, tcp in frames(path, "tcp.len > 0 || dtls", "frame.number", "udp.payload", "tcp.payload"):
        first.setdefault(udp or tcp, int(number))
    return [suspect for suspect in overlapping if first.get(suspect.payload, suspect.number) < suspect.number]


def payloads_sent_wrong(path, scenario):
    """The payloads of what raw peers were told to send wrong."""
    lines = scenario.splitlines()
    numbers = {event["packet"] for event in events_of(path, "raw-sent")
               if event["packet"] and WRONG_ON_PURPOSE.search(item_at(lines, event["line"]))}
    if not numbers:
        return set()
    return {row[0] for row in frames(path, f"frame.number in {{{','.join(map(str, sorted(numbers)))}}}", "udp.payload")}


def excused(path, found):
    """Those of the suspects that the scenario asked for:
    - the very bytes that a raw peer's action spells out with something wrong in them;
    - a STUN message whose FINGERPRINT is stale, and which is elsewhere in the capture with one that is right, when a
      rule has rewritten it or a NAT's gateway rewrites addresses;
    - anything, once a rule has truncated or corrupted a packet, but no more kinds of bytes than it did that;
    - packets that a link has corrupted, which the receiver dropped for that."""
    result = json.loads((path.parent / "result.json").read_text())
    scenario = (ROOT / result["file"]).read_text()
    sent_wrong = payloads_sent_wrong(path, scenario)
    hits = events_of(path, "rule-hit")
    rewriting = any(hit["do"] == "rewrite" for hit in hits) or re.search(r"\balg:", scenario)
    damaging = [hit["packet"] for hit in hits if hit["do"] in ("truncate", "corrupt")]
    sound = set()
    if rewriting:
        sound = {row[0] for row in frames(path, f"stun && !({SUSPECT})", "stun.id")}
    corrupted = sum(event.get("reason") == "corrupt" for event in events_of(path, "drop"))
    damaged = set()
    yes = []
    for suspect in found:
        stale = "Bad Fingerprint" in suspect.message and suspect.transaction in sound
        if suspect.payload and suspect.payload in sent_wrong or stale and rewriting:
            yes.append(suspect)
        elif damaging and suspect.number >= min(damaging) or corrupted:
            damaged.add(suspect.payload)
            if len(damaged) <= len(damaging) + corrupted:
                yes.append(suspect)
    return yes


def complaints(path):
    found = suspects(path)
    for forgiven in (seen_again, excused):
        yes = forgiven(path, found) if found else []
        found = [suspect for suspect in found if suspect not in yes]
    return found


def test_tshark_reads_every_capture_and_finds_nothing_malformed(shipped):
    captures = sorted(shipped.out.glob("**/trace.pcapng"))
    assert len(captures) >= 290

    def look(paths):
        sharkd = Sharkd()
        found = [(path, complaints(path)) for path in paths if sharkd.finds_suspects(path)]
        sharkd.close()
        return found

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        looked_at = [case for half in pool.map(look, (captures[0::2], captures[1::2])) for case in half]
    # There are scenarios about damage, so that a look that finds none has not looked.
    assert {"rules/corrupt-fingerprint", "turn/malformed-requests"} <= {
        str(path.parent.relative_to(shipped.out)) for path, _ in looked_at}
    for path, found in looked_at:
        assert found == [], f"{path}: {found[:3]}"


def test_damage_that_no_scenario_asked_for_is_found(shipped, tmp_path):
    case = shipped.out / "basics" / "symmetric-turn"
    for name in ("result.json", "events.jsonl"):
        shutil.copy(case / name, tmp_path)
    sound = (case / "trace.pcapng").read_bytes()
    cookie = sound.index(b"\x21\x12\xa4\x42")
    damaged = tmp_path / "trace.pcapng"
    for at, message in ((cookie - 1, "STUN"), (cookie + 4, "checksum")):  # the length's low byte; the transaction id
        damaged.write_bytes(sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1:])
        sharkd = Sharkd()
        assert sharkd.finds_suspects(damaged), message
        sharkd.close()
        assert len(complaints(damaged)) == 1, message


def test_damage_is_excused_by_the_rule_that_did_it(run_scenario):
    run = run_scenario("""\
peers: {alice: , bob: }
rules:
  - {at: bob, match: {stun: {class: request}}, nth: 1..2,
     do: {corrupt: {bits: 8, first: 24, fix-checksum: true}}}
steps:
  - call: {from: alice, to: bob}
expect: [connected]
""")
    assert run.code == 0, run.stdout + run.stderr
    folder = run.out / "case"
    assert suspects(folder / "trace.pcapng") != []
    assert complaints(folder / "trace.pcapng") == []
    events = (folder / "events.jsonl").read_text().splitlines()
    hits = [line for line in events if '"rule-hit"' in line]
    (folder / "events.jsonl").write_text("\n".join(line for line in events if line not in hits))
    assert complaints(folder / "trace.pcapng") == suspects(folder / "trace.pcapng")


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
