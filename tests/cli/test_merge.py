"""Shards that are put together again: the same bytes as one run, and no way to put the wrong ones together."""
import json
import os
import shutil

import pytest

FAILING = """\
peers: {alice: , bob: }
steps:
  - call: {from: alice, to: bob}
expect:
  - connected: {within: 1ms}
  - packets: {at: alice, count: 0}
until: 5s
"""
PASSING = FAILING.replace("1ms", "4s").replace("count: 0", 'count: "> 0"')


@pytest.fixture
def folder(tmp_path):
    """Five cases, one of which fails."""
    where = tmp_path / "cases"
    where.mkdir()
    for name in "abde":
        (where / f"{name}.yaml").write_text(PASSING)
    (where / "c.yaml").write_text(FAILING)
    return where


def shards(hairpin, path, out, n, *args):
    codes = [hairpin("run", path, "--shard", f"{i}/{n}", "--out", out / f"s{i}", *args).code for i in range(1, n + 1)]
    return codes, [out / f"s{i}" for i in range(1, n + 1)]


def files(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_four_shards_of_all_scenarios_give_the_bytes_of_one_run(hairpin, tmp_path):
    one = hairpin("run", "scenarios", "--evidence", "none", "--verbose", "--out", tmp_path / "one")
    codes, parts = shards(hairpin, "scenarios", tmp_path, 4, "--evidence", "none")
    whole = hairpin("merge", *reversed(parts), "--verbose", "--out", tmp_path / "whole")
    assert one.code == whole.code == 0 and codes == [0, 0, 0, 0]
    assert files(tmp_path / "one") == files(tmp_path / "whole")
    assert sorted(files(tmp_path / "one")) == ["junit.xml", "result.json"]
    # What is told of the documents is what was told of the results, with media, predictions and how known bugs failed.
    # (A packet can only be shown where there is a capture.)
    plain = [line for line in one.stdout.splitlines() if not line.strip().startswith("packet")]
    assert [line for line in whole.stdout.splitlines() if not line.strip().startswith("packet")] == plain
    assert len(plain) > 1000


def test_with_evidence_every_file_is_that_of_one_run(hairpin, tmp_path, folder):
    one = hairpin("run", folder, "--out", tmp_path / "whole")
    shutil.move(tmp_path / "whole", tmp_path / "one")
    codes, parts = shards(hairpin, folder, tmp_path, 2)
    whole = hairpin("merge", *parts, "--out", tmp_path / "whole")
    assert one.code == whole.code == 1 and sorted(codes) == [0, 1]
    assert files(tmp_path / "one") == files(tmp_path / "whole")
    assert len(files(tmp_path / "whole")) == 5 * 3 + 2
    assert whole.stdout == one.stdout and " packet " in one.stdout
    trace = tmp_path / "whole" / "c" / "trace.pcapng"
    assert trace.samefile(tmp_path / "s1" / "c" / "trace.pcapng")  # a link, not a copy
    tap = [hairpin("run", folder, "--tap", "--out", tmp_path / "whole").stdout,
           hairpin("merge", *parts, "--tap", "--out", tmp_path / "whole").stdout]
    assert tap[0] == tap[1] and "not ok 3" in tap[0]


def test_evidence_of_another_run_is_left_behind(hairpin, folder, tmp_path):
    hairpin("run", folder, "--out", tmp_path / "a")
    hairpin("run", folder, "--out", tmp_path / "a", "--seed", "2", "--evidence", "none")
    run = hairpin("merge", tmp_path / "a", "--out", tmp_path / "whole")
    assert run.code == 1 and "Evidence:" not in run.stdout
    assert sorted(files(tmp_path / "whole")) == ["junit.xml", "result.json"]


def test_the_evidence_of_shipped_scenarios_tells_the_same_twice(hairpin, shipped, tmp_path):
    run = hairpin("merge", shipped.out, "--out", tmp_path / "whole")
    assert run.code == shipped.code
    assert run.stdout == shipped.stdout.replace(str(shipped.out), str(tmp_path / "whole"))
    junit = (shipped.out / "junit.xml").read_text().replace(str(shipped.out), str(tmp_path / "whole"))
    assert (tmp_path / "whole" / "junit.xml").read_text() == junit


def test_the_result_of_a_run(hairpin, folder, tmp_path):
    run = hairpin("run", folder, "--out", tmp_path / "out")
    document = json.loads((tmp_path / "out" / "result.json").read_text())
    assert document["format"] == "hairpin-run/1"
    assert list(document) == ["format", "hairpin", "totals", "cases"]
    assert document["totals"] == {"cases": 5, "pass": 4, "fail": 1, "expected-failure": 0, "fixed": 0, "crashed": 0,
                                  "hung": 0, "error": 0}
    assert [case["case"] for case in document["cases"]] == list("abcde")
    for case in document["cases"]:
        assert case == json.loads((tmp_path / "out" / case["case"] / "result.json").read_text())
    assert document["cases"][2]["again"] == f"hairpin run {folder}/c.yaml --seed 1"
    assert not (tmp_path / "out" / "shard.json").exists()
    assert hairpin(*document["cases"][2]["again"].split()[1:]).code == 1 == run.code


def test_what_does_not_fit_together(hairpin, folder, tmp_path):
    _, (one, two, three) = shards(hairpin, folder, tmp_path, 3)
    out = tmp_path / "whole"

    def refused(*args):
        run = hairpin("merge", *args, "--out", out)
        assert run.code == 2 and run.stdout == "" and not out.exists()
        return run.stderr

    assert "missing: 2/3" in refused(one, three)
    assert f"{one} and {one} are both shard 1/3" in refused(one, two, three, one)
    _, (_, other, _) = shards(hairpin, folder, tmp_path / "other", 3, "--seed", "9")
    assert "not shards of the same run" in refused(one, other, three)
    whole = tmp_path / "unsharded"
    hairpin("run", folder, "--out", whole)
    assert f"{one} is a shard, {whole} is none" in refused(one, whole)
    assert "result.json" in refused(tmp_path / "nothing")
    assert hairpin("merge", one, two, three).code == 2  # where to?
    assert hairpin("merge", "--out", out).code == 2
    partial = hairpin("merge", one, three, "--partial", "--out", out)
    assert partial.code == 1 and "2 passed, 1 failed" in partial.stdout


def test_one_case_twice(hairpin, folder, tmp_path):
    a, b, out = tmp_path / "a", tmp_path / "b", tmp_path / "whole"
    hairpin("run", folder, "--out", a)
    hairpin("run", folder / "b.yaml", "--out", b)
    same = hairpin("merge", a, b, "--out", out)
    assert same.code == 1 and "4 passed, 1 failed" in same.stdout  # byte for byte the same: once
    hairpin("run", folder / "b.yaml", "--seed", "2", "--out", b)
    differs = hairpin("merge", a, b, "--out", tmp_path / "no")
    assert differs.code == 2 and f"`b` is in {a} and in {b}, with different results" in differs.stderr
    into = hairpin("merge", a, "--out", a)
    assert into.code == 2 and "one of the folders" in into.stderr and (a / "result.json").exists()


def test_links_are_followed(hairpin, folder, tmp_path):
    a, out = tmp_path / "a", tmp_path / "whole"
    hairpin("run", folder, "--out", a)
    before = files(a)
    (a / "c" / "trace.pcapng").rename(tmp_path / "elsewhere")
    (a / "c" / "trace.pcapng").symlink_to("../../elsewhere")  # would lead nowhere from where it is linked to
    out.mkdir()
    (out / "b").symlink_to(a / "b")  # a case that is its own target is not cleared away
    assert hairpin("merge", a, "--out", out).code == 1
    assert {name: data for name, data in files(a).items() if name != "junit.xml"} == \
        {name: data for name, data in before.items() if name != "junit.xml"}
    assert (out / "c" / "trace.pcapng").read_bytes() == before["c/trace.pcapng"]
    assert (out / "b" / "trace.pcapng").read_bytes() == before["b/trace.pcapng"]


def test_a_result_that_is_no_file(hairpin, tmp_path):
    for name, make in ("folder", os.mkdir), ("pipe", os.mkfifo):
        (tmp_path / name).mkdir()
        make(tmp_path / name / "result.json")
        run = hairpin("merge", tmp_path / name, "--out", tmp_path / "whole")
        assert run.code == 2 and run.stderr == f"hairpin: merge: {tmp_path}/{name}/result.json: not a file\n"


def test_a_shard_that_stopped_early_is_told(hairpin, folder, tmp_path):
    _, parts = shards(hairpin, folder, tmp_path, 2, "--fail-fast", "--jobs", "1")
    run = hairpin("merge", *parts, "--out", tmp_path / "whole")
    assert run.code == 1 and "1 not run (--fail-fast)" in run.stdout


@pytest.mark.parametrize("change, message", [
    (lambda text: text[:len(text) // 2], "result.json"),
    (lambda text: "", "not the result of a run"),
    (lambda text: "[]", "not the result of a run"),
    (lambda text: text.replace("hairpin-run/1", "hairpin-run/2"), "not the result of a run"),
    (lambda text: text.replace('"cases": 5', '"cases": 4'), "there are 5 cases, but `totals` says 4"),
    (lambda text: text.replace('"case":"b"', '"case":"../b"'), "`../b` is no name of a case"),
    (lambda text: text.replace('"case":"b"', '"case":"z"'), "`c` does not stand in the order of names"),
    (lambda text: text.replace('"verdict":"fail"', '"verdict":"grand"'), "there is no verdict `grand`"),
    (lambda text: text.replace("hairpin-result/1", "hairpin-result/9"), "its format is `hairpin-result/9`"),
    (lambda text: text + "more", "here the file should end"),
    (lambda text: text.replace('"hairpin": "', '"hairpin": "9'), "is of Hairpin 9"),
])
def test_results_that_were_tampered_with(hairpin, folder, tmp_path, change, message):
    hairpin("run", folder, "--out", tmp_path / "a", "--evidence", "none")
    path = tmp_path / "a" / "result.json"
    path.write_text(change(path.read_text()))
    run = hairpin("merge", tmp_path / "a", "--out", tmp_path / "whole")
    assert run.code == 2 and message in run.stderr and not (tmp_path / "whole").exists()


@pytest.mark.parametrize("text", ["", "{}", '{"format": "hairpin-shard/1", "shard": 3, "of": 2, "list": "%s"}' % ("0" * 64),
                                  '{"format": "hairpin-shard/1", "shard": 1, "of": 2, "list": "short"}'])
def test_a_shard_file_that_says_nothing(hairpin, folder, tmp_path, text):
    hairpin("run", folder, "--out", tmp_path / "a", "--evidence", "none")
    (tmp_path / "a" / "shard.json").write_text(text)
    run = hairpin("merge", tmp_path / "a", "--out", tmp_path / "whole")
    assert run.code == 2 and "shard.json" in run.stderr
