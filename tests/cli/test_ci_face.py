"""What a run shows of itself: on a terminal, to GitHub Actions, to GitLab, to TAP harnesses; and one case with many seeds."""
import json
import os
import pty
import re
import shutil
import subprocess
from xml.etree import ElementTree

import pytest

CALL = """\
network: {internet: {loss: 10%, delay: 20ms}}
peers: {alice: , bob: }
steps:
  - call: {from: alice, to: bob}
expect:
  - connected: {within: 300ms}
until: 5s
"""
GOOD = CALL.replace("loss: 10%, ", "")
BAD = GOOD.replace("300ms", "1ms")


@pytest.fixture
def cases(tmp_path):
    where = tmp_path / "cases"
    where.mkdir()
    (where / "a-good.yaml").write_text(GOOD)
    (where / "b-bad.yaml").write_text(BAD)
    (where / "c-known.yaml").write_text("known-bug: https://example.org/7#c\n" + BAD)
    (where / "d-fixed.yaml").write_text("known-bug: https://example.org/8\n" + GOOD)
    return where


# ---- --repeat ----

def test_repeat_finds_the_seeds_that_fail(hairpin, tmp_path):
    path = tmp_path / "lossy.yaml"
    path.write_text(CALL)
    run = hairpin("run", path, "--repeat", 12, "--out", tmp_path / "out")
    results = [json.loads((tmp_path / "out" / f"lossy#{i:02}" / "result.json").read_text()) for i in range(1, 13)]
    assert [r["seed"] for r in results] == list(range(1, 13))
    failed = [r for r in results if r["verdict"] == "fail"]
    assert run.code == 1 and 0 < len(failed) < 12  # the loss decides: some do, some do not
    first = failed[0]
    assert f"FAIL       lossy  {12 - len(failed)} of 12 good; the first that is not: seed {first['seed']}\n" in run.stdout
    again = hairpin(*first["again"].split()[1:])
    assert again.code == 1 and first["again"] == f"hairpin run {path} --seed {first['seed']}"
    document = json.loads((tmp_path / "out" / "result.json").read_text())
    assert document["cases"] == results  # in the order of the seeds


def test_repeat_is_the_same_every_time_and_goes_with_all_else(hairpin, tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text(CALL + "matrix: {network.internet.delay: [5ms, 20ms]}\n")
    args = ("run", path, "--repeat", 3, "--seed", 40, "--evidence", "none", "--filter", "delay=5ms")
    assert hairpin(*args, "--out", tmp_path / "a", "--jobs", 1).code == hairpin(*args, "--out", tmp_path / "b").code
    a, b = ((tmp_path / name / "result.json").read_bytes() for name in "ab")
    assert a == b
    found = json.loads(a)["cases"]
    assert [(c["case"], c["seed"]) for c in found] == [(f"m[internet.delay=5ms]#{i}", 39 + i) for i in (1, 2, 3)]
    assert found[2]["again"] == f"hairpin run {path} --seed 42 --filter '[internet.delay=5ms]'"
    for i in (1, 2):
        hairpin(*args, "--shard", f"{i}/2", "--out", tmp_path / f"s{i}")
    hairpin("merge", tmp_path / "s1", tmp_path / "s2", "--out", tmp_path / "whole")
    assert (tmp_path / "whole" / "result.json").read_bytes() == a


@pytest.mark.parametrize("n", ["0", "-1", "x", "100001", ""])
def test_a_bad_number_of_repeats(hairpin, n):
    run = hairpin("run", "scenarios/basics/same-network.yaml", "--repeat", n)
    assert run.code == 2 and "--repeat takes a number from 1 to 100000" in run.stderr


# ---- --github ----

COMMAND = re.compile(r"^::(error|warning)( (?P<properties>[^:]*))?::(?P<message>.*)$")


def commands(text):
    """The workflow commands of an output, as the runner of Actions takes them apart."""
    def plain(value):
        for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
            value = value.replace(code, char)
        return value
    for line in text.splitlines():
        match = COMMAND.match(line)
        if match:
            pairs = (pair.split("=", 1) for pair in (match["properties"] or "").split(","))
            yield match[1], {key: plain(value) for key, value in pairs}, plain(match["message"])


def test_github(hairpin, cases, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# before\n")
    run = hairpin("run", cases, "--github", env={"GITHUB_STEP_SUMMARY": str(page)})
    assert run.code == 1
    error, warning = commands(run.stdout)
    assert error[0] == "error"
    assert error[1] == {"file": f"{cases}/b-bad.yaml", "line": "6", "title": "fail: b-bad"}
    assert error[2].startswith("connected: {within: 1ms}: expected every peer in a call connected within 1ms, got ")
    assert error[2].endswith(f"again: hairpin run {cases}/b-bad.yaml --seed 1")
    assert warning[0] == "warning" and warning[1] == {"file": f"{cases}/d-fixed.yaml", "title": "fixed: d-fixed"}
    assert run.stdout.splitlines()[-1] == "1 passed, 1 failed, 1 expected failure, 1 fixed"
    text = page.read_text()
    assert text.startswith("# before\n### Hairpin: 2 of 4 cases not as expected\n")
    assert f"```sh\nhairpin run {cases}/b-bad.yaml --seed 1\n```" in text
    assert "- `c-known`: https://example.org/7#c" in text and "| `a-good` | " in text


def test_github_without_a_page_and_with_tap(hairpin, cases):
    run = hairpin("run", cases, "--github", "--tap", env={"GITHUB_STEP_SUMMARY": ""})
    assert run.code == 1 and list(commands(run.stdout)) == []
    assert [kind for kind, _, _ in commands(run.stderr)] == ["error", "warning"]


def test_github_is_told_of_mistakes(hairpin, tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("peers:\n  alice: {behnd: home}\n  bob:\nexpect: [connected]\n")
    page = tmp_path / "page.md"
    run = hairpin("run", path, "--github", env={"GITHUB_STEP_SUMMARY": str(page)})
    assert run.code == 2 and not page.exists()
    kind, properties, message = next(commands(run.stdout))
    assert kind == "error" and (properties["file"], properties["line"], properties["col"]) == (str(path), "2", "11")
    assert "did you mean `behind`?" in message


def test_a_page_that_cannot_be_written(hairpin, cases, tmp_path):
    page = tmp_path / "no" / "page.md"
    run = hairpin("run", cases / "a-good.yaml", "--github", env={"GITHUB_STEP_SUMMARY": str(page)})
    assert run.code == 3 and "page.md ($GITHUB_STEP_SUMMARY)" in run.stderr
    full = tmp_path / "full.md"
    full.write_bytes(b"x" * (1 << 20))
    run = hairpin("run", cases / "a-good.yaml", "--github", env={"GITHUB_STEP_SUMMARY": str(full)})
    assert run.code == 0 and "no room left" in run.stderr and full.stat().st_size == 1 << 20


def test_merge_tells_github_what_the_run_would_have(hairpin, cases, tmp_path):
    pages = [tmp_path / "one.md", tmp_path / "two.md"]
    one = hairpin("run", cases, "--github", "--out", tmp_path / "o", env={"GITHUB_STEP_SUMMARY": str(pages[0])})
    two = hairpin("merge", tmp_path / "o", "--github", "--out", tmp_path / "w", env={"GITHUB_STEP_SUMMARY": str(pages[1])})
    assert list(commands(one.stdout)) == list(commands(two.stdout))
    assert pages[1].read_text() == pages[0].read_text().replace(str(tmp_path / "o"), str(tmp_path / "w"))


# ---- GitLab ----

def gitlab(path):
    """The fields of a report that GitLab reads, the way it does."""
    seen = {}
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        status, output = "success", None
        for tag, name in (("failure", "failed"), ("error", "error"), ("skipped", "skipped")):
            if case.find(tag) is not None:
                status, output = name, case.find(tag).text
                break
        attached = re.search(r"\[\[ATTACHMENT\|(?P<path>.+?)\]\]", case.findtext("system-out") or "")
        key = (case.get("classname"), case.get("name"))
        assert key not in seen  # GitLab takes the first of equal ones only
        seen[key] = (status, output, case.get("file"), float(case.get("time")), attached and attached["path"])
    return seen


def test_what_gitlab_reads(hairpin, cases, tmp_path, monkeypatch):
    shutil.copy(cases / "a-good.yaml", cases / "e-matrix.yaml")
    with (cases / "e-matrix.yaml").open("a") as file:
        file.write("matrix: {network.internet.delay: [5ms, 20ms]}\n")
    hairpin("run", "cases", "--out", "out", "--repeat", 2, cwd=tmp_path)
    seen = gitlab(tmp_path / "out" / "junit.xml")
    assert len(seen) == 12
    status, output, file, time, attached = seen["cases/b-bad.yaml", "b-bad#2"]
    assert status == "failed" and file == "cases/b-bad.yaml" and time > 0
    assert output.startswith("cases/b-bad.yaml:6: connected: {within: 1ms}: expected ")
    assert attached == "out/b-bad#2/trace.pcapng" and (tmp_path / attached).exists()
    assert seen["cases/c-known.yaml", "c-known#1"][0] == "skipped"
    status, output, *_ = seen["cases/d-fixed.yaml", "d-fixed#1"]
    assert status == "failed" and "the known bug is gone (https://example.org/8)" in output
    assert seen["cases/e-matrix.yaml", "e-matrix[internet.delay=5ms]#1"][0] == "success"


# ---- TAP ----

def test_tap_as_a_harness_reads_it(hairpin, cases):
    if subprocess.run(["perl", "-MTAP::Parser", "-e1"], capture_output=True).returncode != 0:
        pytest.skip("no TAP::Parser")
    tap = hairpin("run", cases, "--tap").stdout
    # TAP::Parser knows version 13; what 14 added (escapes, a fixed indentation of YAML) it takes as 13 did.
    program = """use TAP::Parser; local $/; my $p = TAP::Parser->new({tap => <STDIN>}); while (my $r = $p->next) {}
        print join "|", (join ",", $p->passed), (join ",", $p->failed), (join ",", $p->todo), $p->tests_planned,
            scalar $p->parse_errors;"""
    read = subprocess.run(["perl", "-e", program], input=tap.replace("TAP version 14", "TAP version 13", 1),
                          capture_output=True, text=True, check=True).stdout
    assert read == "1,3|2,4|3|4|0"


def test_tap_diagnostics_are_yaml(hairpin, cases):
    import yaml
    blocks = re.findall(r"^  ---\n(.*?)^  \.\.\.$", hairpin("run", cases, "--tap").stdout, re.M | re.S)
    documents = [yaml.safe_load(block) for block in blocks]
    assert [d["verdict"] for d in documents] == ["fail", "expected-failure", "fixed"]
    assert documents[0]["failures"][0]["line"] == 6 and documents[1]["known_bug"] == "https://example.org/7#c"


def test_tap_of_a_run_that_was_cut_short(hairpin, cases):
    lines = hairpin("run", cases, "--tap", "--fail-fast", "--jobs", "1").stdout.splitlines()
    assert lines[1] == "1..2" and lines[-1] == "# 2 not run (--fail-fast)"


def test_tap_bails_out_when_hairpin_itself_fails(hairpin, cases, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "b-bad").write_text("in the way of a folder")
    run = hairpin("run", cases, "--tap", "--jobs", "1", "--out", out)
    lines = run.stdout.splitlines()
    assert run.code == 3 and lines[:3] == ["TAP version 14", "1..4", "ok 1 - a-good"]
    assert len(lines) == 4 and lines[3].startswith(f"Bail out! {out}/b-bad")


def test_what_cannot_be_printed_is_no_success(hairpin_path, cases):
    with open("/dev/full", "w") as full:
        for command in (["run", cases / "a-good.yaml", "--tap"], ["list", cases], ["help"]):
            process = subprocess.run([str(hairpin_path), *map(str, command)], stdout=full, stderr=subprocess.PIPE,
                                     text=True, check=False)
            assert process.returncode == 3
            assert process.stderr == "hairpin: standard output: No space left on device\n"


def test_results_of_an_earlier_run_do_not_outlive_a_failed_one(hairpin, cases, tmp_path):
    out = tmp_path / "out"
    assert hairpin("run", cases, "--out", out).code == 1
    assert {"junit.xml", "result.json"} <= {path.name for path in out.iterdir()}
    shutil.rmtree(out / "b-bad")
    (out / "b-bad").write_text("in the way of a folder")
    assert hairpin("run", cases, "--out", out).code == 3
    assert not {"junit.xml", "result.json"} & {path.name for path in out.iterdir()}


# ---- a terminal ----

def on_terminal(hairpin_path, *args, stdout=None, term="xterm", no_color="1"):
    """Runs with a terminal as stderr, and as stdout unless that goes elsewhere. Everything that came to the terminal."""
    master, slave = pty.openpty()
    env = {**os.environ, "TERM": term, "NO_COLOR": no_color}
    process = subprocess.Popen([str(hairpin_path), *map(str, args)], stdout=stdout or slave, stderr=slave, stdin=slave,
                               env=env)
    os.close(slave)
    came = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:  # how Linux says that nobody has the other side any more
            break
        if not part:
            break
        came += part
    os.close(master)
    return process.wait(), came.decode()


def screen(text):
    """What stays on a terminal: carriage returns and "erase to the end of the line" carried out."""
    lines = []
    for raw in text.replace("\r\n", "\n").split("\n"):
        line = ""
        for part in re.split(r"(\r|\x1b\[K)", raw):
            if part == "\r":
                at = 0
            elif part == "\x1b[K":
                line = line[:at]
            else:
                at = 0 if not line else at
                line = line[:at] + part + line[at + len(part):]
                at += len(part)
        lines.append(line)
    return lines


def test_a_terminal_shows_how_far_it_is_and_keeps_clean_lines(hairpin, hairpin_path, cases):
    plain = hairpin("run", cases).stdout
    code, came = on_terminal(hairpin_path, "run", cases)
    assert code == 1
    assert came.startswith("\r0/4: a-good\x1b[K")  # drawn at once
    assert screen(came) == plain.split("\n")


def test_with_stdout_elsewhere_the_terminal_shows_progress_only(hairpin, hairpin_path, cases, tmp_path):
    with (tmp_path / "log").open("w") as log:
        _, came = on_terminal(hairpin_path, "run", cases, stdout=log)
    assert (tmp_path / "log").read_text() == hairpin("run", cases).stdout
    assert "0/4" in came and screen(came) == [""]


@pytest.mark.parametrize("term, args", [("dumb", ()), ("", ()), ("xterm", ("--tap",)), ("xterm", ("--quiet",))])
def test_where_no_line_is_rewritten(hairpin, hairpin_path, cases, term, args):
    _, came = on_terminal(hairpin_path, "run", cases, *args, term=term)
    assert "\x1b[K" not in came
    assert came.replace("\r\n", "\n") == hairpin("run", cases, *args).stdout


@pytest.mark.parametrize("term, no_color, coloured", [("xterm", "", True), ("xterm", "1", False), ("dumb", "", False)])
def test_colours(hairpin_path, cases, term, no_color, coloured):
    _, came = on_terminal(hairpin_path, "run", cases / "a-good.yaml", "--quiet", term=term, no_color=no_color)
    _, shown = on_terminal(hairpin_path, "run", cases / "b-bad.yaml", "--quiet", term=term, no_color=no_color)
    assert ("\x1b[" in shown) == coloured, came


def test_no_terminal_no_control_characters(hairpin, cases):
    run = hairpin("run", cases, env={"TERM": "xterm"})
    assert "\x1b" not in run.stdout + run.stderr and "\r" not in run.stdout + run.stderr
