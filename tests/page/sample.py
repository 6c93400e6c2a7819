"""Report pages with data that is known to the last figure, for the tests of the page and for working on it.

`small()` holds every verdict, a rich call, a case without evidence and hostile texts; `matrix(n)` an n by n grid; `many(n)`
as many cases as a big run. `write(template, document, path)` puts a document into the built page as `hairpin report` does
(contract: hairpin-page/1).
"""
import base64
import json
import pathlib
import sys
import zlib

MS = 1_000_000
HOSTILE = '</script><img src=x onerror="window.hacked=1"><svg onload="window.hacked=2">'


class Document:
    """An index and the details of its cases."""

    def __init__(self, title="All shipped scenarios", command="hairpin run scenarios --out out", axes=(), bench=None):
        self.index = {
            "format": "hairpin-page/1", "hairpin": "0.1.0", "title": title, "command": command, "totals": {}, "chunks": 0,
            "axes": list(axes), "cases": [], "bench": bench}
        self.details = []

    def add(self, name, verdict="pass", detail=None, **row):
        result = {
            "format": "hairpin-result/1", "hairpin": "0.1.0", "file": row.get("file", f"scenarios/{name}.yaml"), "case": name,
            "about": row.get("about", ""), "tags": row.get("tags", []), "seed": 1, "known_bug": row.get("known_bug"),
            "verdict": verdict, "message": None, "ended_ns": row.get("ended_ns", 60_000 * MS), "end_reason": "until",
            "expectations": [], "sessions": [], "flows": [], "tracks": [], "dtls": [], "oracle": [], "nats": [], "servers": [],
            "counts": {"packets": 12, "events": 30, "drops": 0, "drops_by_reason": {}},
            "again": f"hairpin run scenarios/{name}.yaml --seed {row.get('seed', '1')}", "matrix": [], "path": []}
        whole = {"result": result, "ladder": None, "pairs": [], "marks": []}
        for key, value in (detail or {}).items():
            if key == "result":
                result.update(value)
            else:
                whole[key] = value
        self.details.append(whole)
        self.index["cases"].append({
            "name": name, "file": f"scenarios/{name}.yaml", "verdict": verdict, "about": "", "tags": [], "seed": "1",
            "ended_ns": 60_000 * MS, "connected_ns": None, "path": None, "types": None, "oracle": None, "predicted": None,
            "failed": [], "known_bug": None, "matrix": {}, "evidence": whole["ladder"] is not None, **row})

    def blocks(self, chunk_size=200_000):
        """The data elements, with details packed several to a chunk."""
        chunks, chunk, size = [], [], 0
        for row, detail in zip(self.index["cases"], self.details):
            text = json.dumps(detail)
            if chunk and size + len(text) > chunk_size:
                chunks.append(chunk)
                chunk, size = [], 0
            row["chunk"], row["at"] = len(chunks), len(chunk)
            chunk.append(text)
            size += len(text)
        chunks.append(chunk)
        self.index["chunks"] = len(chunks)
        totals = {"cases": len(self.index["cases"])}
        for row in self.index["cases"]:
            totals[row["verdict"]] = totals.get(row["verdict"], 0) + 1
        self.index["totals"] = totals
        text = json.dumps(self.index).replace("<", "\\u003c")
        yield f'<script type="application/json" id="hairpin-index">{text}</script>\n'
        for number, chunk in enumerate(chunks):
            packer = zlib.compressobj(6, zlib.DEFLATED, -15)
            packed = packer.compress(f"[{','.join(chunk)}]".encode()) + packer.flush()
            yield f'<script type="text/plain" id="hairpin-chunk-{number}">{base64.b64encode(packed).decode()}</script>\n'


def write(template, document, path):
    page = pathlib.Path(template).read_text()
    assert page.count("<!--hairpin-data-->") == 1
    pathlib.Path(path).write_text(page.replace("<!--hairpin-data-->", "".join(document.blocks())))
    return path


# ---- a rich call ----

NETWORK = {
    "zones": [
        {"name": "internet", "of": "internet", "prefix4": "203.0.113.0/24", "prefix6": None},
        {"name": "home", "of": "nat", "prefix4": "192.168.1.0/24", "prefix6": None},
        {"name": "office", "of": "nat", "prefix4": "10.1.0.0/16", "prefix6": None}],
    "nats": [
        {"name": "home", "about": "symmetric", "zone": 0, "inside": 1, "addresses": ["192.0.2.10"], "link": "20 ms, 1% loss"},
        {"name": "office", "about": "symmetric", "zone": 0, "inside": 2, "addresses": ["192.0.2.12"], "link": None}],
    "firewalls": [],
    "servers": [{"name": "turn", "kind": "turn", "zone": 0, "addresses": ["203.0.113.10"], "link": None}],
    "peers": [
        {"name": "alice", "kind": "ice", "interfaces": [{"name": None, "zone": 1, "addresses": ["192.168.1.10"], "link": "5 ms"}]},
        {"name": "bob", "kind": "ice", "interfaces": [{"name": None, "zone": 2, "addresses": ["10.1.0.10"], "link": None}]}],
    "middleboxes": []}

PARTICIPANTS = [{"name": "alice", "role": "peer"}, {"name": "signaling", "role": "signaling"},
                {"name": "turn", "role": "server"}, {"name": "bob", "role": "peer"}]


def entry(at_ms, kind, text, origin=None, goal=None, **more):
    shape = more.pop("shape", None) or ("arrow" if goal is not None else "note" if origin is not None else "across")
    return {"at": int(at_ms * MS), "shape": shape, "from": origin, "to": goal, "kind": kind, "text": text, "count": 1, "packet": 0, **more}


ENTRIES = [
    entry(0, "step", "call alice"),
    entry(0, "ice", "ICE gathering", 0),
    entry(0, "signaling", "offer", 0, 1, fields=[["message", "1"], ["> type", "offer"], ["> sdp", "v=0 o=- 1 1 IN IP4 127.0.0.1"]]),
    entry(0, "turn", "Allocate request", 0, 2, packet=1, fields=[["REQUESTED-TRANSPORT", "UDP"]]),
    entry(40.5, "turn", "Allocate error 401 Unauthorized", 2, 0, packet=6, fields=[["ERROR-CODE", "401 Unauthorized"], ["REALM", "hairpin"], ["NONCE", "b0a1"]]),
    entry(50, "signaling", "offer", 1, 3, fields=[["from", "alice"], ["message", "1"]]),
    entry(70.5, "ice", "Binding request", 3, 0, packet=31, count=3, last=1570 * MS, fate="dropped", reason="no route at internet",
          fields=[["USERNAME", "abcd:efgh"], ["PRIORITY", "1845494271 (prflx, local 65535, component 1)"],
                  ["ICE-CONTROLLED", "0x1122334455667788"], ["MESSAGE-INTEGRITY", "present"]]),
    entry(101, "stun", "Binding success 192.0.2.10:1024", 2, 0, packet=40, fields=[["XOR-MAPPED-ADDRESS", "192.0.2.10:1024"]]),
    entry(120, "ice", "Binding request, nominating", 0, 3, packet=55, fate="dropped", reason="filtered at office",
          fields=[["USERNAME", "efgh:abcd"], ["USE-CANDIDATE", "present"]]),
    entry(333, "ice", "Binding request by turn", 0, 3, packet=90, fields=[["USERNAME", "efgh:abcd"]]),
    entry(363, "ice", "pair prflx to relay", 0),
    entry(404, "turn", "ChannelBind success", 2, 3, packet=120, fields=[["channel", "0x4000"]]),
    entry(420, "dtls", "ClientHello", 0, 3, packet=130, fields=[["version", "DTLS 1.2"], ["cipher suites", "4"]]),
    entry(4020, "media", "audio", 0, 3, packet=300, count=250, last=9000 * MS, fields=[["ssrc", "0x1234"], ["sequence", "1"]]),
    entry(6000, "nat", "home reboots", 0),
    {**entry(60000, "step", "end: until"), "skipped": 3},
]
# Named by an expectation, and one of those that are folded into the entry before the last but one.
PACKETS = [{"packet": 310, "at": 4420 * MS, "entry": len(ENTRIES) - 3, "fields": [["ssrc", "0x1234"], ["sequence", "21"]]}]


def pair(peer, other, local, remote, checks, spans, **more):
    return {"peer": peer, "with": other, "session": 1, "stream": 1, "component": 1, "local": local, "remote": remote, "via": None,
            "spans": [{"state": s, "from": int(a * MS), "to": None if b is None else int(b * MS)} for s, a, b in spans],
            "checks": [{"at": int(at * MS), "what": what, "packet": packet} for at, what, packet in checks],
            "nominated_ns": None, "selected_ns": None, **more}


PAIRS = [
    pair("alice", "bob", {"type": "host", "address": "192.168.1.10:51930"}, {"type": "host", "address": "10.1.0.10:56659"},
         [(120, "request", 50), (120, "dropped", 50), (620, "request", 101), (620, "dropped", 101), (1620, "request", 160)],
         [("waiting", 100, 120), ("checking", 120, 3520), ("failed", 3520, None)]),
    pair("alice", "bob", {"type": "prflx", "address": "192.0.2.10:1027"}, {"type": "relay", "address": "203.0.113.10:63033"},
         [(310, "request", 88), (363, "success", 92)], [("waiting", 231, 310), ("checking", 310, 363), ("selected", 363, None)],
         via="turn", nominated_ns=340 * MS, selected_ns=363 * MS),
    pair("bob", "alice", {"type": "host", "address": "10.1.0.10:56659"}, {"type": "srflx", "address": "192.0.2.10:1024"},
         [(170, "request", 66), (170, "dropped", 66), (400, "error", 119)], [("checking", 170, 3500), ("failed", 3500, None)]),
]


def series(n, latency, lost_at=(), octets=2000):
    sent = [5] * n
    lost = [2 if i in lost_at else 0 for i in range(n)]
    return {"start_ns": 4_000 * MS, "interval_ns": 100 * MS, "sent": sent, "packets": [a - b for a, b in zip(sent, lost)], "lost": lost,
            "octets": [octets - 300 * b for b in lost], "jitter_us": [300] * n,
            "latency_mean_ns": [int((latency + 4 * ((i * 37) % 11) / 11) * MS) for i in range(n)],
            "latency_max_ns": [int((latency + 8) * MS)] * n}


def distribution(mean):
    return {"count": 250, "min_ns": (mean - 1) * MS, "median_ns": mean * MS, "mean_ns": mean * MS, "p95_ns": (mean + 3) * MS, "max_ns": (mean + 9) * MS}


def track(number, kind, origin, goal, latency, **more):
    return {"track": number, "kind": kind, "from": origin, "to": goal, "ssrc": 7, "sent": 250, "received": 244, "lost": 6, "loss_ppb": 24_000_000,
            "bitrate": 160_000, "jitter_mean_ns": 300_000, "latency": distribution(latency), "mos_milli": 4210, **more}


EXPECTATIONS = [
    {"what": "connected: {within: 4s}", "finding": False, "of_oracle": False, "file": "scenarios/turn/rich.yaml", "line": 16, "column": 5,
     "passed": True, "expected": "every peer in a call connected within 4.000s", "got": "after 373ms", "at_ns": 373 * MS, "packet": 310},
    {"what": "pair: {alice: host}", "finding": False, "of_oracle": False, "file": "scenarios/turn/rich.yaml", "line": 17, "column": 5,
     "passed": False, "expected": "alice host", "got": "alice: prflx since 363ms", "at_ns": 363 * MS, "packet": 55},
    {"what": "packets: {at: turn, count: 0}", "finding": False, "of_oracle": False, "file": "scenarios/turn/rich.yaml", "line": 18, "column": 5,
     "passed": False, "expected": "none", "got": "538", "at_ns": None, "packet": 9999},
]

WHY = ["Relayed, because home gives every destination another port (address-and-port-dependent mapping) and office lets in only who was "
       "sent to (address-and-port-dependent filtering).", "14 checks were dropped at office."]

RICH = {
    "result": {
        "network": NETWORK, "expectations": EXPECTATIONS, "counts": {"packets": 4501, "events": 1116, "drops": 23,
                                                                     "drops_by_reason": {"no-route": 12, "filtered": 11}},
        "path": [{"a": "alice", "b": "bob", "kind": "relay", "a_type": "prflx", "b_type": "relay", "connected_ns": 373 * MS, "why": WHY}],
        "oracle": [{"a": "alice", "b": "bob", "verdict": "agrees", "why": None, "predicted": "relay", "at_worst": "relay", "a_types": "prflx or relay",
                    "b_types": "prflx or relay", "may_die": False, "happened": "relay", "a_type": "prflx", "b_type": "relay",
                    "reasons": ["direct is impossible because home maps per destination address and port",
                                "a relay works because alice reaches turn over UDP and bob reaches turn over UDP"]}],
        "sessions": [
            {"peer": a, "with": b, "session": 1, "stream": 1, "component": 1, "state": "ready", "gathered_ns": 2020 * MS, "connected_ns": at * MS,
             "ready_ns": 4020 * MS, "failed_ns": None, "local_type": "prflx", "remote_type": "relay", "local": "192.0.2.10:1027",
             "remote": "203.0.113.10:63033"} for a, b, at in (("alice", "bob", 363), ("bob", "alice", 373))],
        "flows": [{"flow": 1, "from": "alice", "to": "bob", "sent": 250, "received": 250, "lost": 0, "duplicates": 0, "reordered": 0,
                   "latency": distribution(41)}],
        "tracks": [track(1, "audio", "alice", "bob", 41, series=series(60, 41, (20, 21))), track(2, "audio", "bob", "alice", 44, series=series(60, 44)),
                   track(3, "video", "alice", "bob", 47, series=series(60, 47, (22,), 11000), first_frame_ns=450 * MS, freezes=1, mos_milli=0)],
        "dtls": [{"peer": "alice", "with": "bob", "session": 1, "stream": 1, "component": 1, "state": "connected", "reason": None, "role": "client",
                  "profile": "AEAD_AES_128_GCM", "started_ns": 363 * MS, "connected_ns": 520 * MS, "timeouts": 0}],
        "nats": [{"nat": "home", "mappings": 5, "mappings_ended": 0, "drops": 4}, {"nat": "office", "mappings": 4, "mappings_ended": 0, "drops": 7}],
        "servers": [{"server": "turn", "requests": 22, "errors": 2, "allocations": 2, "relayed_packets": 538, "relayed_bytes": 102812}]},
    "ladder": {"participants": PARTICIPANTS, "entries": ENTRIES, "packets": PACKETS, "left_out": 3, "complaint": None},
    "pairs": PAIRS,
    "marks": [{"at": 4000 * MS, "kind": "step", "text": "send alice"}, {"at": 6000 * MS, "kind": "nat", "text": "home reboots"},
              {"at": 8000 * MS, "kind": "step", "text": "hold"}],
}


def small():
    """Nine cases: every verdict, one rich, one hostile. Tests know these figures by heart."""
    doc = Document(bench=bench())
    doc.add("turn/rich", "fail", RICH, about="Two symmetric NATs connect by TURN, and the relay carries every byte.", tags=["turn", "nat"],
            connected_ns=373 * MS, path="relay", types="prflx/relay", oracle="agrees", predicted="relay", seed="18446744073709551615",
            failed=["pair: alice host, got prflx", "packets at turn: none, got 538"])
    doc.add("basics/one-lan", about="Two peers on one LAN.", tags=["basics"], connected_ns=20 * MS, path="direct", types="host/host",
            oracle="agrees", predicted="direct")
    doc.add("nat/hairpin", about="Behind one NAT that hairpins.", tags=["nat"], connected_ns=140 * MS, path="hairpin", types="srflx/srflx",
            oracle="shortfall", predicted="hairpin")
    doc.add("nat/closed", about="Nothing gets through.", tags=["nat"], path="none", oracle="agrees", predicted="none")
    doc.add("bugs/known", "expected-failure", about="A known bug.", tags=["bugs"], known_bug="https://example.org/issues/1")
    doc.add("bugs/gone", "fixed", about="A bug that is gone.", tags=["bugs"], known_bug="https://example.org/issues/2")
    doc.add("bugs/crash", "crashed", {"result": {"message": "signal 11 at 2.020s"}}, about="It crashes.", failed=["signal 11 at 2.020s"])
    doc.add("media/loss[internet.loss=1%]", about="A little loss.", tags=["media"], connected_ns=30 * MS, path="direct", types="host/host",
            oracle="agrees", predicted="direct")
    hostile = {
        "result": {"message": HOSTILE, "again": HOSTILE, "file": HOSTILE,
                   "path": [{"a": HOSTILE, "b": "b", "kind": HOSTILE, "a_type": None, "b_type": None, "connected_ns": None, "why": [HOSTILE]}],
                   "expectations": [{"what": HOSTILE, "passed": False, "expected": HOSTILE, "got": HOSTILE, "file": HOSTILE, "line": 1, "at_ns": None,
                                     "packet": 0}],
                   "network": {**NETWORK, "peers": [{"name": HOSTILE, "kind": HOSTILE, "interfaces": [
                       {"name": HOSTILE, "zone": 1, "addresses": [HOSTILE], "link": HOSTILE}]}]}},
        "ladder": {"participants": [{"name": HOSTILE, "role": HOSTILE}], "left_out": 0, "complaint": HOSTILE,
                   "entries": [entry(0, HOSTILE, HOSTILE, 0, fields=[[HOSTILE, HOSTILE]]), entry(1, "stun", HOSTILE, 7, 9, fate=HOSTILE)]},
        "pairs": [pair(HOSTILE, HOSTILE, {"type": HOSTILE, "address": HOSTILE}, {"type": HOSTILE, "address": HOSTILE}, [(0, HOSTILE, 0)],
                       [(HOSTILE, 0, None)])],
        "marks": [{"at": 0, "kind": HOSTILE, "text": HOSTILE}]}
    doc.add("hostile/" + HOSTILE, "error", hostile, about=HOSTILE, tags=[HOSTILE], path="constructor", types=HOSTILE, oracle=HOSTILE, failed=[HOSTILE],
            known_bug="javascript:window.hacked=3")
    return doc


# ---- many ----

PRESETS = [
    "full-cone", "restricted-cone", "port-restricted-cone", "symmetric", "linux-netfilter", "cgn-rfc6888", "no-hairpin", "openwrt", "fritzbox",
    "cisco-asa", "juniper-srx", "pfsense", "aws-nat-gateway", "azure-nat", "gcp-cloud-nat", "mobile-carrier", "starlink", "hotel", "udp-blocked",
    "docker", "windows-ics", "freebsd-ipfw", "vpn-split", "double-nat"]


def outcome(i, j):
    """A path by how strict both sides are; any rule will do that has all kinds in it."""
    if "udp-blocked" in (PRESETS[i % 24], PRESETS[j % 24]):
        return "none"
    if i == j and i % 5 == 2:
        return "hairpin"
    return "relay" if (i * j) % 7 == 3 or i % 24 == 3 or j % 24 == 3 else "direct"


def grid_names(n):
    return [PRESETS[i] if i < 24 else f"{PRESETS[i % 24]}-{i // 24 + 1}" for i in range(n)]


def matrix(n=46, servers=("turn",)):
    """n by n NATs, and another axis of servers. Cell (i, i) with i % 11 = 10 fails."""
    names = grid_names(n)
    axes = ["home.preset", "office.preset"] + (["servers"] if len(servers) > 1 else [])
    doc = Document("Every NAT against every NAT", "hairpin matrix nat-pairs.yaml --out out", axes)
    for i, a in enumerate(names):
        for j, b in enumerate(names):
            for k, server in enumerate(servers):
                kind = outcome(i, j)
                if server == "stun" and kind == "relay":
                    kind = "none"
                values = {"home.preset": a, "office.preset": b, **({"servers": server} if len(servers) > 1 else {})}
                label = ",".join(f"{key}={value}" for key, value in values.items())
                bad = i == j and i % 11 == 10 and k == 0
                doc.add(f"matrix/nat-pairs[{label}]", "fail" if bad else "pass", path=kind, matrix=values, about=f"{a} meets {b}",
                        types={"direct": "srflx/srflx", "hairpin": "srflx/srflx", "relay": "relay/prflx", "none": None}[kind],
                        connected_ns=None if kind == "none" else (80 + (i * 31 + j * 17) % 300) * MS, tags=["matrix"],
                        oracle="shortfall" if (i, j) == (1, 2) else "agrees", predicted=kind,
                        failed=["connected: within 4s, got never"] if bad else [])
    return doc


def many(n=2000):
    """n cases, all with evidence as rich as a real call's."""
    doc = Document(f"{n} cases")
    ladder = {**RICH["ladder"], "entries": (ENTRIES * 8)[:100]}
    for i in range(n):
        bad = i % 97 == 96
        doc.add(f"folder-{i % 12}/case-{i:04}[seed={i}]", "fail" if bad else "pass", {**RICH, "ladder": ladder}, seed=str(i), tags=[f"tag-{i % 7}"],
                about=f"The call of number {i}, by way of {outcome(i % 24, i // 24 % 24)}.", path=outcome(i % 24, i // 24 % 24), types="host/srflx",
                connected_ns=(20 + i % 400) * MS, oracle="agrees", failed=["connected: within 4s"] if bad else [])
    return doc


def bench():
    def point(x, mean, spread):
        return {"x": x, "n": 20, "mean": mean, "low": mean - spread, "high": mean + spread, "min": mean - 2 * spread, "max": mean + 2 * spread}

    clients = [1, 2, 4, 8, 16, 32]
    return {
        "format": "hairpin-bench/1", "hairpin": "0.1.0", "kind": "turn-vs-direct", "about": "The same calls, by TURN and direct, on identical networks.",
        "seeds": [str(i) for i in range(1, 21)], "settings": {"delay": "20 ms", "loss": "0.5%", "call": "30 s"},
        "metrics": [
            {"name": "time-to-connect", "unit": "ms", "better": "lower", "virtual": True, "x": {"name": "clients", "unit": ""}, "variants": [
                {"name": "direct", "points": [point(x, 120 + x, 4) for x in clients]},
                {"name": "turn", "points": [point(x, 205 + 3 * x, 9) for x in clients]}]},
            {"name": "server-cpu", "unit": "us", "better": "lower", "virtual": False, "x": {"name": "clients", "unit": ""}, "variants": [
                {"name": "turn", "points": [point(x, 40 + 2.5 * x, 3) for x in clients]}]},
            {"name": "memory-per-allocation", "unit": "B", "better": "lower", "virtual": False, "x": None, "variants": [
                {"name": "turn udp", "points": [point(0, 4200, 120)]}, {"name": "turn tcp", "points": [point(0, 9100, 300)]}]}]}


if __name__ == "__main__":
    made = {"small": small, "matrix": matrix, "many": many, "servers": lambda: matrix(24, ("stun", "turn"))}
    write(sys.argv[1], made[sys.argv[2]](), sys.argv[3])
