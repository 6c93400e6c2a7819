"""`hairpin report`: the data that report.html carries."""
import base64
import json
import re
import shutil
import subprocess
import zlib

import pytest

CALL = """\
name: paged
about: A call by TURN.
tags: [slow]
network: {nats: {home: symmetric, office: symmetric}}
servers: {turn: turn}
defaults: {ice: {stun: turn, turn: turn}}
peers: {alice: {behind: home}, bob: {behind: office}}
steps:
  - call: {from: alice, to: bob}
  - wait-for: connected
  - send: {from: alice, to: bob, for: 1s}
  - wait: 500ms
  - reboot: home
expect:
  - connected: {within: 4s}
until: 10s
"""

INDEX = re.compile(r'<script type="application/json" id="hairpin-index">(.*?)</script>', re.S)
CHUNK = re.compile(r'<script type="text/plain" id="hairpin-chunk-(\d+)">([A-Za-z0-9+/=]*)</script>')


class Page:
    """What a browser would read of a page."""

    def __init__(self, path):
        self.text = path.read_text()
        (index,) = INDEX.findall(self.text)
        self.index = json.loads(index)
        packed = CHUNK.findall(self.text)
        assert [int(number) for number, _ in packed] == list(range(self.index["chunks"]))
        self.chunks = [json.loads(zlib.decompress(base64.b64decode(data, validate=True), -15)) for _, data in packed]

    def row(self, name):
        (row,) = [row for row in self.index["cases"] if row["name"] == name]
        return row

    def detail(self, name):
        row = self.row(name)
        return self.chunks[row["chunk"]][row["at"]]


@pytest.fixture
def report(hairpin, tmp_path):
    """report(folder, ...) -> (Run, Page)"""

    def call(folder, *args):
        path = tmp_path / "made.html"
        run = hairpin("report", folder, "--out", path, *args)
        assert run.code == 0, run.stderr
        return run, Page(path)

    return call


@pytest.fixture
def case(run_scenario):
    run = run_scenario(CALL)
    assert run.code == 0
    return run


def fields_of(entry):
    return dict(entry["fields"])


def test_the_index(case, report):
    _, page = report(case.out, "--title", "Tuesday's")
    assert page.index["format"] == "hairpin-page/1"
    assert page.index["title"] == "Tuesday's"
    assert page.index["command"] is None
    assert page.index["axes"] == []
    assert page.index["bench"] is None
    assert page.index["totals"] == {"cases": 1, "pass": 1, "fail": 0, "expected-failure": 0, "fixed": 0, "crashed": 0,
                                    "hung": 0, "error": 0}
    result = case.result("case")
    (path,) = result["path"]
    assert page.index["cases"] == [{
        "name": "case", "file": result["file"], "verdict": "pass", "about": "A call by TURN.", "tags": ["slow"],
        "seed": "1", "ended_ns": result["ended_ns"], "connected_ns": path["connected_ns"], "path": "relay",
        "types": f"{path['a_type']}/{path['b_type']}", "oracle": "agrees", "predicted": "relay", "failed": [],
        "known_bug": None, "matrix": {}, "evidence": True, "chunk": 0, "at": 0}]


def test_the_result_is_whole(case, report):
    _, page = report(case.out)
    assert page.detail("case")["result"] == case.result("case")


def test_the_ladder_and_its_fields(case, report):
    _, page = report(case.out)
    ladder = page.detail("case")["ladder"]
    assert ladder["complaint"] is None
    assert ladder["left_out"] == 0
    assert ladder["participants"] == [
        {"name": "alice", "role": "peer"}, {"name": "signaling", "role": "signaling"},
        {"name": "turn", "role": "server"}, {"name": "bob", "role": "peer"}]
    entries = ladder["entries"]
    assert [e["at"] for e in entries] == sorted(e["at"] for e in entries)
    first = next(e for e in entries if e["text"] == "Allocate request")
    assert (first["at"], first["from"], first["to"], first["kind"], first["packet"]) == (0, 0, 2, "turn", 1)
    assert fields_of(first)["STUN"] == "Allocate request"
    assert fields_of(first)["REQUESTED-TRANSPORT"] == "udp"
    refused = next(e for e in entries if e["text"] == "Allocate error 401 Unauthorized")
    assert (refused["from"], refused["to"], refused.get("bad")) == (2, 0, None)
    assert fields_of(refused)["transaction id"] == fields_of(first)["transaction id"]
    offers = [e for e in entries if e["text"] == "offer"]
    assert [(e["from"], e["to"], e["kind"]) for e in offers] == [(0, 1, "signaling"), (1, 3, "signaling")]
    assert fields_of(offers[0])["> to"] == "bob" and "> sdp" in fields_of(offers[0])
    assert fields_of(offers[1])["message"] == fields_of(offers[0])["message"]
    lost = [e for e in entries if e.get("fate") == "dropped"]
    assert {e["reason"] for e in lost} >= {"no-route at internet", "filtered at home", "filtered at office"}
    reboot = next(e for e in entries if e["kind"] == "step" and "reboot home" in e["text"])
    assert (reboot["shape"], reboot["from"], reboot["packet"]) == ("across", None, 0)
    data = [e for e in entries[:entries.index(reboot)] if e["text"] == "data"]
    assert {(e["from"], e.get("via"), e["to"]) for e in data} == {(0, 2, 3), (3, 2, 0)}
    assert [sum(e["count"] for e in data if e["from"] == sender) for sender in (0, 3)] == [25, 25]


def test_packet_numbers_are_those_of_the_capture(case, report):
    """Every message that has one says the same bytes as the capture does there."""
    tshark = shutil.which("tshark")
    if tshark is None:
        pytest.skip("no tshark here")
    _, page = report(case.out)
    rows = subprocess.run([tshark, "-r", str(case.out / "case" / "trace.pcapng"), "-Y", "stun", "-T", "fields",
                           "-e", "frame.number", "-e", "stun.id"],
                          capture_output=True, text=True, check=True).stdout.splitlines()
    ids = {}
    for row in rows:
        number, found = row.split("\t")[:2]
        ids[int(number)] = found.split(",")
    seen = 0
    for entry in page.detail("case")["ladder"]["entries"]:
        wanted = fields_of(entry).get("transaction id")
        if wanted is not None and entry["packet"] in ids:
            assert any(wanted == found.removeprefix("0x").replace(":", "")[-24:] for found in ids[entry["packet"]])
            seen += 1
    assert seen > 20


def test_marks(case, report):
    _, page = report(case.out)
    marks = page.detail("case")["marks"]
    assert [(m["kind"], m["text"].split(":")[0]) for m in marks] == [
        ("step", "call alice"), ("step", "send alice"), ("step", "reboot home"), ("nat", "home")]
    assert marks[0]["at"] == 0
    assert marks[2]["at"] == marks[3]["at"] > marks[1]["at"]


def test_pairs_agree_with_the_events(case, report):
    _, page = report(case.out)
    pairs = page.detail("case")["pairs"]
    events = case.events("case")
    selected = [e for e in events if e["event"] == "selected-pair"]
    for event in selected:
        (pair,) = [p for p in pairs if p["peer"] == event["subject"] and
                   p["local"]["address"] == event["local-address"] and p["remote"]["address"] == event["remote-address"]
                   and p["selected_ns"] is not None]
        assert {"state": "selected", "from": event["at"]}.items() <= next(
            s for s in pair["spans"] if s["state"] == "selected" and s["from"] == event["at"]).items()
        assert pair["local"]["type"] == event["local"]
        assert pair["with"] == event["with"]
    for pair in pairs:
        spans = pair["spans"]
        assert spans, pair
        assert all(a["to"] == b["from"] for a, b in zip(spans, spans[1:]))
        assert all(s["to"] is None or s["from"] < s["to"] for s in spans)
        requests = [c["at"] for c in pair["checks"] if c["what"] in ("request", "dropped")]
        checking = [s for s in spans if s["state"] == "checking"]
        assert requests and checking[0]["from"] == requests[0]
        answers = [c["at"] for c in pair["checks"] if c["what"] == "success"]
        assert bool(answers) == any(s["state"] in ("succeeded", "selected") for s in spans)
        if answers:
            assert checking[0]["to"] == answers[0]
        assert (pair["via"] == "turn") == (pair["local"]["type"] == "relay")


def test_without_evidence(run_scenario, report):
    run = run_scenario(CALL, "--evidence", "none")
    _, page = report(run.out)
    assert page.row("case")["evidence"] is False
    detail = page.detail("case")
    assert (detail["ladder"], detail["pairs"], detail["marks"]) == (None, [], [])
    assert detail["result"]["verdict"] == "pass"


def test_evidence_of_another_run_is_not_taken(run_scenario, report):
    run = run_scenario(CALL)
    run_scenario(CALL, "--seed", 2, "--evidence", "none")
    _, page = report(run.out)
    assert page.row("case")["seed"] == "2"
    assert page.row("case")["evidence"] is False
    assert page.detail("case")["ladder"]["complaint"] == "the evidence that was found is of another run of this case"


def test_a_failure_is_in_row_and_ladder(run_scenario, report):
    run = run_scenario(CALL.replace("within: 4s", "within: 100ms"))
    assert run.code == 1
    _, page = report(run.out)
    (failed,) = page.row("case")["failed"]
    assert failed.startswith("connected: {within: 100ms}: ")
    (entry,) = [e for e in page.detail("case")["ladder"]["entries"] if e["text"].startswith("failed: ")]
    assert (entry["kind"], entry["shape"], entry["bad"]) == ("verdict", "across", True)


def test_the_evidence_of_one_case(case, report):
    _, page = report(case.out / "case")
    _, whole = report(case.out)
    assert page.index == whole.index
    assert page.chunks == whole.chunks


def test_a_run_writes_the_same_page(run_scenario, tmp_path, report):
    html = tmp_path / "at-once.html"
    run = run_scenario(CALL, "--html", html)
    assert run.code == 0
    page = Page(html)
    assert page.index["command"].startswith("hairpin run ")
    assert page.index["command"].endswith(f"--html {html}")
    _, later = report(run.out)
    page.index["command"] = None
    assert page.index == later.index
    assert page.chunks == later.chunks


def test_html_needs_a_folder(hairpin, tmp_path):
    (tmp_path / "case.yaml").write_text(CALL)
    run = hairpin("run", tmp_path / "case.yaml", "--html", tmp_path / "page.html")
    assert run.code == 2
    assert "--html needs --out" in run.stderr
    assert not (tmp_path / "page.html").exists()


# ---- what is wrong or hostile ----


@pytest.mark.parametrize("args, message", [
    ((), "of which run?"),
    (("nowhere",), "nowhere: no such folder"),
    ((".", ".."), "one folder at a time"),
])
def test_usage(hairpin, tmp_path, args, message):
    run = hairpin("report", *args, cwd=tmp_path)
    assert run.code == 2
    assert message in run.stderr


def test_an_empty_folder(hairpin, tmp_path):
    run = hairpin("report", tmp_path)
    assert run.code == 2
    assert "no results of a run" in run.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_cannot_be_written(hairpin, case, tmp_path):
    run = hairpin("report", case.out, "--out", tmp_path / "no" / "page.html")
    assert run.code == 3
    assert "page.html" in run.stderr


def cut(path, keep):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])


@pytest.mark.parametrize("name", ["events.jsonl", "trace.pcapng", "result.json"])
@pytest.mark.parametrize("keep", [0, 0.3, 0.7, 0.999])
def test_files_that_are_cut_off(case, report, name, keep):
    cut(case.out / "case" / name, keep)
    run, page = report(case.out)
    ladder = page.detail("case")["ladder"]
    if name == "events.jsonl" and keep == 0:
        assert ladder["complaint"] is None and ladder["entries"]  # an empty log is no fault that can be seen
    else:
        assert name in ladder["complaint"]
        assert "spoilt or cut off" in run.stdout
    assert page.detail("case")["result"]["verdict"] == "pass"


def spoil(value):
    """Every member of another type, or gone."""
    if isinstance(value, dict):
        return {key: spoil(member) for key, member in list(value.items())[1:]}
    if isinstance(value, list):
        return {"list": "no more"}
    return [value] if isinstance(value, str) else "text"


@pytest.mark.parametrize("name", ["trace.pcapng", "events.jsonl", "result.json"])
def test_a_file_that_is_gone(case, report, name):
    (case.out / "case" / name).unlink()
    _, page = report(case.out)
    ladder = page.detail("case")["ladder"]
    if name == "events.jsonl":
        assert ladder is None and page.row("case")["evidence"] is False
    else:
        assert name in ladder["complaint"]


def test_events_of_wrong_types(case, report):
    path = case.out / "case" / "events.jsonl"
    lines = []
    for line in path.read_text().splitlines():
        event = json.loads(line)
        rest = {k: v for k, v in event.items() if k not in ("at", "event", "subject")}
        wrong = {"at": event["at"], "event": event["event"], "subject": ["nobody"], **spoil({"": 0, **rest})}
        lines.append(json.dumps(wrong))
    path.write_text("\n".join(lines) + "\n")
    _, page = report(case.out)
    assert page.detail("case")["ladder"]["entries"]


def test_a_result_of_wrong_types(case, report):
    path = case.out / "case" / "result.json"
    whole = json.loads(path.read_text())
    kept = {key: whole[key] for key in ("format", "case", "verdict")}
    shutil.rmtree(case.out / "case")
    (case.out / "result.json").unlink()
    (case.out / "case").mkdir()
    path.write_text(json.dumps({**spoil({"": 0, **whole}), **kept}))
    _, page = report(case.out)
    row = page.row("case")
    assert (row["verdict"], row["about"], row["seed"], row["path"], row["tags"]) == ("pass", "", "0", None, [])


def test_a_run_that_is_cut_off(hairpin, case, tmp_path):
    cut(case.out / "result.json", 0.9)
    run = hairpin("report", case.out, "--out", tmp_path / "page.html")
    assert run.code == 2
    assert "result.json" in run.stderr
    assert not (tmp_path / "page.html").exists()


HOSTILE = "</script><img src=x onerror=alert(1)><!--<script>"


def test_hostile_strings_are_inert(run_scenario, report):
    run = run_scenario(CALL.replace("A call by TURN.", f"'{HOSTILE}'"))
    assert run.code == 0
    path = run.out / "case" / "events.jsonl"
    events = path.read_text().replace("typ host", f"typ host {HOSTILE}").replace('"target":"alice"',
                                                                                f'"target":"{HOSTILE}"')
    path.write_text(events)
    _, page = report(run.out, "--title", HOSTILE)
    assert page.row("case")["about"] == HOSTILE
    assert page.index["title"] == HOSTILE
    entries = page.detail("case")["ladder"]["entries"]
    assert any(HOSTILE in fields_of(e).get("> candidate", "") for e in entries)
    assert any(HOSTILE in e["text"] for e in entries)
    assert "onerror" in page.text  # told in the index...
    assert "<img" not in page.text  # ...but never as markup
    data = page.text[page.text.index('<script type="application/json"'):]
    assert data.count("</script>") == 1 + page.index["chunks"]
    assert "<!--" not in data


# ---- benches ----

BENCH = {"format": "hairpin-bench/1", "hairpin": "0.1.0", "kind": "self", "about": "a < b", "seeds": ["1"],
         "settings": {}, "metrics": [{"name": "m", "unit": "us", "better": "lower", "virtual": False, "x": None,
                                      "variants": [{"name": "v", "points": [{"x": 1, "n": 3, "mean": 1.25}]}]}]}


def test_a_bench_is_carried(case, report, tmp_path):
    (tmp_path / "bench.json").write_text(json.dumps(BENCH))
    _, page = report(case.out, "--bench", tmp_path / "bench.json")
    assert page.index["bench"] == BENCH


def test_a_bench_alone(hairpin, tmp_path):
    (tmp_path / "bench.json").write_text(json.dumps(BENCH))
    run = hairpin("report", "--bench", tmp_path / "bench.json", "--out", tmp_path / "page.html")
    assert run.code == 0
    page = Page(tmp_path / "page.html")
    assert (page.index["cases"], page.index["bench"]) == ([], BENCH)


@pytest.mark.parametrize("text", ["", "[]", '{"format": "hairpin-run/1"}'])
def test_no_bench(hairpin, tmp_path, text):
    (tmp_path / "bench.json").write_text(text)
    run = hairpin("report", "--bench", tmp_path / "bench.json", "--out", tmp_path / "page.html")
    assert run.code == 2
    assert "bench.json" in run.stderr


# ---- what expectations name, and long ladders ----

def test_packets_of_expectations_are_told(run_scenario, report):
    """Also those that are not the first of what an entry folds, decoded, with the entry that they belong to."""
    run = run_scenario(CALL.replace("- connected: {within: 4s}", "- drops: {at: office, count: '>= 1'}"))
    (expectation,) = run.result("case")["expectations"]
    _, page = report(run.out)
    ladder = page.detail("case")["ladder"]
    assert expectation["packet"] > 0
    assert expectation["packet"] not in [e["packet"] for e in ladder["entries"]]
    (packet,) = ladder["packets"]
    assert packet["packet"] == expectation["packet"]
    entry = ladder["entries"][packet["entry"]]
    assert fields_of(packet)["transaction id"] == fields_of(entry)["transaction id"]
    assert entry["reason"] == "filtered at office"


LONG = CALL.replace("for: 1s", "for: 1s, size: 100").replace("  - reboot: home\n", "".join(
    f"  - send: {{from: alice, to: bob, for: 20ms, size: {100 + n}}}\n  - wait: 50ms\n" for n in range(500))
    + "  - send: {from: alice, to: bob, for: 10s}\n  - wait: 1s\n  - reboot: home\n").replace("until: 10s", "until: 40s")


def test_a_long_ladder_keeps_what_is_around_a_late_failure(run_scenario, report):
    run = run_scenario(LONG.replace("within: 4s}", "within: 4s}\n  - recovered: {after: reboot, within: 2s}"))
    assert run.code == 1
    _, page = report(run.out)
    ladder = page.detail("case")["ladder"]
    entries = ladder["entries"]
    assert len(entries) == 2000
    assert sum(e.get("skipped", 0) for e in entries) == ladder["left_out"] > 0
    assert entries[-1]["text"].startswith("end: ")
    failed = next(n for n, e in enumerate(entries) if e["text"].startswith("failed: recovered"))
    assert not any("skipped" in e for e in entries[failed - 100:failed + 1])
    assert any(e.get("fate") for e in entries[failed - 100:failed])


# ---- many cases ----

def test_two_thousand_cases_are_less_than_15_mb(hairpin, tmp_path):
    """Measured on 192 with all their evidence: six parts of 32 that know nothing of each other, so that 2,000 cases are
    as many times larger. What they are really and how fast they open: ci/page-speed."""
    folder = tmp_path / "cases"
    folder.mkdir()
    seeds = ", ".join(map(str, range(1, 13)))
    (folder / "many.yaml").write_text(
        CALL.replace("name: paged\n", "").replace("  - reboot: home\n", "").replace("until: 10s", "until: 5s")
        + "matrix:\n"
          "  network.nats.home: [full-cone, restricted-cone, port-restricted-cone, symmetric]\n"
          "  network.nats.office: [full-cone, restricted-cone, port-restricted-cone, symmetric]\n"
          f"  seed: [{seeds}]\n")
    run = hairpin("run", folder, "--out", tmp_path / "out", "--html", tmp_path / "page.html", "--quiet")
    assert run.code == 0, run.stdout + run.stderr
    page = Page(tmp_path / "page.html")
    assert page.index["totals"]["cases"] == len(page.index["cases"]) == 192
    assert sum(map(len, page.chunks)) == 192
    assert all(row["evidence"] for row in page.index["cases"])
    assert all(page.detail(row["name"])["result"]["case"] == row["name"] for row in page.index["cases"])
    assert all(len(page.detail(row["name"])["ladder"]["entries"]) > 20 for row in page.index["cases"])
    empty = page.text.index('<script type="application/json"')  # the page before its data
    assert empty < 200_000
    data = len(page.text) - empty
    print(f"{data / 192:.0f} bytes a case")
    assert empty + data * 2000 / 192 < 15_000_000
