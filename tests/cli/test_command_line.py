"""Exit codes and messages of the command line."""
import json

import pytest

GOOD = "scenarios/basics/same-network.yaml"
FAILING = """\
name: hopeless
peers: {alice: , bob: }
steps:
  - call: {from: alice, to: bob}
expect:
  - connected: {within: 1ms}
until: 5s
"""


def test_good_is_zero(hairpin):
    run = hairpin("run", GOOD)
    assert run.code == 0
    assert "1 passed, 0 failed" in run.stdout


def test_a_failed_expectation_is_one_and_says_all(run_scenario):
    run = run_scenario(FAILING, "--seed", "7")
    assert run.code == 1
    assert "case.yaml:6" in run.stdout  # where
    assert "within: 1ms" in run.stdout  # what
    assert "--seed 7" in run.stdout  # the command that runs it again
    result = run.result("case")
    assert result["verdict"] == "fail"
    assert result["expectations"][0]["passed"] is False


@pytest.mark.parametrize("args", [
    (), ("rum",), ("run",), ("run", "--no-such-option", GOOD), ("run", GOOD, "--seed", "x"), ("run", GOOD, "--shard", "3/2"),
    ("run", GOOD, "--shard", "0/2"), ("run", GOOD, "--evidence", "some"), ("run", "no/such/file.yaml"), ("check",),
    ("run", GOOD, "--shard", "1/-1"), ("run", GOOD, "--seed", " -3"), ("run", GOOD, "--jobs", "0"),
    ("run", GOOD, "--jobs", "-3"), ("run", GOOD, "--hang-after", "0"), ("run", GOOD, GOOD), ("schema", "extra"),
    ("explain",), ("explain", "no-such-key"), ("run", GOOD, "--filter", "nothing-is-called-this"), ("matrix", "--repeat", "3"),
    ("merge",), ("merge", "out"), ("list", "--json"), ("run", GOOD, "--only", "no/such/file")])
def test_bad_usage_is_two(hairpin, args):
    run = hairpin(*args)
    assert run.code == 2
    assert run.stderr.strip()
    assert run.stdout == ""


def test_the_nearest_command_is_suggested(hairpin):
    assert "did you mean `run`" in hairpin("rum").stderr


def test_a_broken_scenario_tells_every_error_and_runs_nothing(hairpin, tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text("peers:\n  alice: {behnd: home}\n  bob:\nsteps:\n  - cal: {from: alice}\nexpect:\n  - conected\n")
    run = hairpin("run", GOOD, bad, "--out", tmp_path / "out")
    assert run.code == 2
    for place, hint in (("bad.yaml:2:11", "behind"), ("bad.yaml:5:", "call"), ("bad.yaml:7:", "connected")):
        assert place in run.stderr
        assert hint in run.stderr
    assert run.stderr.count("^") >= 3
    assert not (tmp_path / "out").exists()
    assert "passed" not in run.stdout


def test_check_runs_nothing_and_lints(hairpin, tmp_path):
    path = tmp_path / "odd.yaml"
    path.write_text("servers: {stun: stun}\npeers: {alice: , bob: }\nsteps:\n  - call: {from: alice, to: bob}\n"
                    "expect:\n  - connected\n")
    run = hairpin("check", path)
    assert run.code == 0
    assert "warning" in run.stderr and "stun" in run.stderr
    assert hairpin("check", "--strict", path).code == 2


def test_run_tells_warnings_unless_quiet(hairpin, tmp_path):
    path = tmp_path / "empty.yaml"
    path.write_text("peers: {alice: , bob: }\nsteps:\n  - call: {from: alice, to: bob}\nuntil: 1s\n")
    loud, quiet = hairpin("run", path), hairpin("run", path, "--quiet")
    assert loud.code == quiet.code == 0
    assert "empty.yaml: warning: nothing is expected" in loud.stderr and "warning" not in loud.stdout
    assert quiet.stderr == ""


def test_run_tells_what_media_came_to_when_asked(hairpin, tmp_path):
    path = tmp_path / "voice.yaml"
    path.write_text("peers: {alice: , bob: }\nsteps:\n  - call: {from: alice, to: bob, media: audio}\n"
                    "expect:\n  - media: {before: 2s, audio: {loss: 0%}}\n")
    plain, verbose = hairpin("run", path), hairpin("run", path, "--verbose")
    assert plain.code == verbose.code == 0
    assert "mos" not in plain.stdout
    assert "alice to bob: " in verbose.stdout and "mos 4.3" in verbose.stdout and "handshake" in verbose.stdout
    assert hairpin("run", path, "--verbose", "--quiet").code == 2


def test_what_could_never_match_runs_nothing(hairpin, tmp_path):
    path = tmp_path / "void.yaml"
    path.write_text("peers: {alice: , bob: }\nsteps:\n  - call: {from: alice, to: bob}\nexpect:\n"
                    "  - packets: {at: nowhere, count: 0}\n  - packets: {filter: udp prot 1, count: 0}\n"
                    "matrix: {seed: [1, 2, 3]}\n")
    run = hairpin("run", GOOD, path, "--out", tmp_path / "out")
    assert run.code == 2
    assert run.stderr.count("void.yaml:5:5: error: there is no place `nowhere`") == 1
    assert run.stderr.count("void.yaml:6:5: error: the filter `udp prot 1` does not compile") == 1
    assert not (tmp_path / "out").exists()


def test_cases_that_would_share_a_folder_are_refused(hairpin, tmp_path):
    calls = "peers: {a: {ice: {software: x}}, b: }\nsteps:\n  - call: {from: a, to: b}\nexpect: [connected]\n"
    for name in ("d e.yaml", "d_e.yaml"):
        (tmp_path / name).write_text(calls)
    run = hairpin("run", tmp_path)
    assert run.code == 2 and "d e.yaml" in run.stderr and "d_e.yaml" in run.stderr and "`d_e`" in run.stderr
    matrix = tmp_path / "m.yml"
    matrix.write_text(calls + 'matrix: {peers.a.ice.software: ["x y", "x_y"]}\n')
    run = hairpin("run", matrix)
    assert run.code == 2 and "[ice.software=x y] and [ice.software=x_y]" in run.stderr


def test_links_that_lead_back_up_are_not_followed(hairpin, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.yaml").write_text(FAILING)
    for name in ("up", "again"):
        (tmp_path / "sub" / name).symlink_to("..")
    assert hairpin("list", tmp_path).stdout == "sub/a\n"


def test_evidence_of_failures_only(hairpin, tmp_path):
    path, out = tmp_path / "case.yaml", tmp_path / "out"
    path.write_text(FAILING)
    assert "Evidence:" in hairpin("run", path, "--out", out, "--evidence", "failures").stdout
    assert (out / "case" / "result.json").exists()
    path.write_text(FAILING.replace("1ms", "4s"))
    run = hairpin("run", path, "--out", out, "--evidence", "failures")
    assert run.code == 0 and "Evidence:" not in run.stdout
    assert not (out / "case").exists()  # what the first run left would belong to no failure


def test_shipped_scenarios_have_no_warnings(hairpin):
    run = hairpin("check", "--strict", "scenarios")
    assert run.code == 0, run.stderr


def test_filter_shard_and_list(hairpin):
    names = [line.split()[0] for line in hairpin("list", "scenarios").stdout.splitlines()]
    assert names == sorted(names) and len(names) >= 25
    basics = [line.split()[0] for line in hairpin("list", "scenarios", "--filter", "basics/*").stdout.splitlines()]
    assert basics == [name for name in names if name.startswith("basics/")]
    parts = []
    for i in (1, 2, 3):
        run = hairpin("run", "scenarios/basics", "--shard", f"{i}/3", "--tap")
        assert run.code == 0
        parts += [line.split(" - ")[1] for line in run.stdout.splitlines() if line.startswith("ok ")]
    assert len(parts) == len(set(parts)) == len(basics)


def test_fail_fast_begins_nothing_more(hairpin, tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.yaml").write_text(FAILING)
    run = hairpin("run", tmp_path, "--jobs", "1", "--fail-fast", "--out", tmp_path / "out")
    assert run.code == 1
    assert len(list((tmp_path / "out").glob("*/result.json"))) == 1
    assert "2 not run (--fail-fast)" in run.stdout


def test_junit(hairpin, tmp_path):
    from xml.etree import ElementTree
    (tmp_path / "bad.yaml").write_text(FAILING)
    report = tmp_path / "junit.xml"
    assert hairpin("run", tmp_path / "bad.yaml", GOOD, "--junit", report).code == 1
    root = ElementTree.parse(report).getroot()
    cases = root.findall(".//testcase")
    assert len(cases) == 2
    failures = root.findall(".//failure")
    assert len(failures) == 1 and "1ms" in (failures[0].get("message") or "") + (failures[0].text or "")


def test_tap(hairpin):
    lines = hairpin("run", GOOD, "--tap").stdout.splitlines()
    assert lines[0] == "TAP version 14"
    assert "1..1" in lines
    assert any(line.startswith("ok 1 - ") for line in lines)


def test_explain_knows_keys_by_name_and_path(hairpin):
    assert "endpoint-independent" in hairpin("explain", "mapping").stdout
    assert hairpin("explain", "network.nats.*.udp-timeout").code == 0
    assert "did you mean" in hairpin("explain", "maping").stderr


def test_schema_takes_every_shipped_scenario(hairpin):
    import jsonschema
    import yaml
    from program import ROOT
    schema = json.loads(hairpin("schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for path in sorted((ROOT / "scenarios").glob("**/*.yaml")):
        errors = [error.message for error in validator.iter_errors(yaml.safe_load(path.read_text()))]
        assert errors == [], f"{path}: {errors}"
    assert list(validator.iter_errors({"peers": {"alice": {"behnd": "home"}}}))


def test_the_reference_page_is_what_the_program_prints(hairpin):
    from program import ROOT
    assert hairpin("schema", "--reference").stdout == (ROOT / "scenarios" / "REFERENCE.md").read_text()


def test_layering_is_held(tmp_path):
    import shutil
    import subprocess
    from program import ROOT
    assert subprocess.run([ROOT / "ci" / "layers"]).returncode == 0
    # And would be noticed: a copy in which the world knows the scenario.
    for name in ("harness", "ci"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "CMakeLists.txt", tmp_path)
    link = tmp_path / "harness" / "world" / "link.c"
    link.write_text('#include "scenario/model.h"\n' + link.read_text())
    process = subprocess.run([tmp_path / "ci" / "layers"], capture_output=True, text=True)
    assert process.returncode == 1
    assert "harness/world/link.c:1" in process.stdout


def test_only_the_cases_that_a_file_names(hairpin, tmp_path):
    names = tmp_path / "names"
    names.write_text("basics/same-network\n\nnat/consoles[home.preset=console-open,away.preset=console-strict]\n")
    run = hairpin("run", "scenarios", "--only", names, "--out", tmp_path / "out", "--evidence", "none")
    document = json.loads((tmp_path / "out" / "result.json").read_text())
    assert run.code == 0
    assert [case["case"] for case in document["cases"]] == names.read_text().split()
    assert hairpin("run", "scenarios", "--only", names, "--repeat", 2).stdout.endswith("4 passed, 0 failed\n")
    names.write_text("basics/same-network\nnat/none\nbasics/none\n")
    run = hairpin("run", "scenarios", "--only", names)
    assert run.code == 2 and "no case here is called `basics/none`" in run.stderr
    assert hairpin("run", "scenarios", "--only", tmp_path / "nothing").code == 2


def test_files_are_named_below_a_base(hairpin):
    paths = ("scenarios/basics/ipv6.yaml", "scenarios/nat")
    plain = [line.split("  ")[0] for line in hairpin("list", *paths).stdout.splitlines()]
    based = [line.split("  ")[0] for line in hairpin("list", *paths, "--base", "./scenarios/").stdout.splitlines()]
    assert "ipv6" in plain and "cgn-over-home" in plain
    assert "basics/ipv6" in based and "nat/cgn-over-home" in based and len(plain) == len(based)
    assert hairpin("list", *paths, "--base", "scenarios/basi").stdout == hairpin("list", *paths).stdout


def test_list_for_programs(hairpin, tmp_path):
    (tmp_path / "good.yaml").write_text("tags: [x, y-z]\nabout: Says so.\nknown-bug: https://example.org/1\n" + FAILING +
                                        "matrix: {seed: [3, 4]}\n")
    (tmp_path / "bad.yaml").write_text("peers: {a: {behnd: b}}\n")
    run = hairpin("list", "--json", tmp_path)
    document = json.loads(run.stdout)
    assert run.code == 2 and run.stderr == "" and document["format"] == "hairpin-list/1"
    assert document["cases"] == [
        {"name": f"good[seed={seed}]", "file": f"{tmp_path}/good.yaml", "label": f"seed={seed}", "about": "Says so.",
         "tags": ["x", "y-z"], "seed": seed, "known_bug": "https://example.org/1"} for seed in (3, 4)]
    problem = document["problems"][0]
    assert (problem["severity"], problem["file"], problem["line"], problem["column"]) == (
        "error", f"{tmp_path}/bad.yaml", 1, 13)
    assert "behind" in problem["hint"]
