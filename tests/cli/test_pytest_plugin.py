"""ci/pytest/hairpin_pytest.py: scenario files as tests, seen from outside: pytest in a process of its own."""
import json
import os
import re
import subprocess
import sys

import pytest
from program import ROOT

PASSING = """\
name: fine
tags: [quick, turn-free]
peers: {alice: , bob: }
steps:
  - call: {from: alice, to: bob}
expect:
  - connected: {within: 4s}
until: 5s
"""
FAILING = PASSING.replace("4s", "1ms").replace("quick, ", "")
KNOWN = "known-bug: https://example.org/7\n" + FAILING
FIXED = "known-bug: https://example.org/8\n" + PASSING
MATRIX = PASSING.replace("expect:", "matrix: {network.internet.delay: [5ms, 40ms]}\nexpect:").replace("4s", "150ms")


@pytest.fixture
def project(tmp_path, hairpin_path):
    """A project with scenarios of its own, and a YAML file that is none."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nhairpin_scenarios = net\n")
    (tmp_path / "other.yaml").write_text("not: ours\n")
    (tmp_path / "net" / "sub").mkdir(parents=True)

    def write(**files):
        for name, text in files.items():
            (tmp_path / "net" / (name.replace("__", "/") + ".yaml")).write_text(text)
        return tmp_path

    return write


class Outcome:
    def __init__(self, process, calls):
        self.code, self.text, self.calls = process.returncode, process.stdout + process.stderr, calls
        self.counts = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|errors?|xfailed|deselected|warnings?)",
                                                              self.text.splitlines()[-1])}


def run_pytest(folder, hairpin_path, *args, env=None):
    """Through a program that notes how it was called."""
    log, spy = folder / "calls", folder / "spy"
    spy.write_text(f'#!/bin/sh\necho "$*" >> {log}\nexec {hairpin_path} "$@"\n')
    spy.chmod(0o755)
    log.write_text("")
    process = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "hairpin_pytest", "-p", "no:cacheprovider", "--hairpin", str(spy),
         *map(str, args)],
        cwd=folder, capture_output=True, text=True, timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT / "ci" / "pytest"), "PYTHONDONTWRITEBYTECODE": "1", **(env or {})})
    return Outcome(process, log.read_text().splitlines())


def test_every_verdict(project, hairpin_path):
    folder = project(good=PASSING, bad=FAILING, known=KNOWN, fixed=FIXED, sub__m=MATRIX)
    run = run_pytest(folder, hairpin_path, "net")
    assert run.code == 1
    assert run.counts == {"passed": 2, "failed": 3, "xfailed": 1}
    # One call that lists, one that runs everything.
    assert [call.split()[0] for call in run.calls] == ["list", "run"]
    # The failure is told in the program's own words.
    assert "FAIL       bad  (1 of 1 expectation failed, " in run.text
    assert "           net/bad.yaml:7: connected: {within: 1ms}" in run.text
    assert "           again       hairpin run net/bad.yaml --seed 1" in run.text
    assert "everything held: the known bug is gone" in run.text
    assert "FAILED net/sub/m.yaml::m[internet.delay=40ms]" in run.text and "Traceback" not in run.text


def test_names_and_what_is_left_alone(project, hairpin_path):
    folder = project(good=PASSING, sub__m=MATRIX)
    run = run_pytest(folder, hairpin_path, "--collect-only", "-q")
    assert run.text.splitlines()[:3] == [
        "net/good.yaml::good", "net/sub/m.yaml::m[internet.delay=40ms]", "net/sub/m.yaml::m[internet.delay=5ms]"]
    assert "other" not in run.text and len(run.calls) == 1


@pytest.mark.parametrize("args, wanted", [
    (("-k", "5ms or good"), ["good", "sub/m[internet.delay=5ms]"]),
    (("-m", "quick"), ["good", "sub/m[internet.delay=40ms]", "sub/m[internet.delay=5ms]"]),
    (("-m", "turn-free and not quick"), ["bad"]),
    (("net/sub",), ["sub/m[internet.delay=40ms]", "sub/m[internet.delay=5ms]"]),
    (("net/sub/m.yaml::m[internet.delay=5ms]",), ["sub/m[internet.delay=5ms]"])])
def test_only_what_is_selected_runs(project, hairpin_path, args, wanted):
    folder = project(good=PASSING, bad=FAILING, sub__m=MATRIX)
    run = run_pytest(folder, hairpin_path, "--strict-markers", "--hairpin-out", "kept", *args)
    document = json.loads((folder / "kept" / "result.json").read_text())
    assert [case["case"] for case in document["cases"]] == wanted
    assert len(run.calls) == 2
    for name in wanted:
        assert (folder / "kept" / name / "trace.pcapng").exists()


def test_seed(project, hairpin_path):
    folder = project(bad=FAILING)
    run = run_pytest(folder, hairpin_path, "net", "--hairpin-seed", "77")
    assert "again       hairpin run net/bad.yaml --seed 77" in run.text
    assert run_pytest(folder, hairpin_path, "net", "--hairpin-seed", "x").counts == {"error": 1}


def test_a_mistake_is_a_collection_error_and_the_rest_can_run(project, hairpin_path):
    folder = project(good=PASSING, typo=PASSING.replace("expect:", "expcet:"), empty=PASSING.split("expect")[0])
    run = run_pytest(folder, hairpin_path, "net")
    assert run.code == 2 and run.counts["error"] == 1 and "passed" not in run.counts
    assert re.search(r"net/typo.yaml:6:1: error: .*did you mean `expect`", run.text)
    assert re.search(r"HairpinWarning: net/empty.yaml: warning: nothing is expected", run.text)
    run = run_pytest(folder, hairpin_path, "net", "--continue-on-collection-errors")
    assert run.counts == {"passed": 2, "error": 1, "warning": 1}


def test_a_crash_is_an_error(project, hairpin_path):
    """No scenario makes libnice crash at will, so the verdict is put where the program left it."""
    folder = project(good=PASSING, bad=FAILING)
    spy = folder / "crash"
    spy.write_text(f"""#!/bin/sh
{hairpin_path} "$@"
code=$?
while [ $# -gt 0 ]; do [ "$1" = --out ] && out=$2; shift; done
[ -n "$out" ] && sed -i 's/"verdict":"pass"/"verdict":"crashed"/' "$out/result.json"
exit $code
""")
    spy.chmod(0o755)
    run = run_pytest(folder, hairpin_path, "net", "--hairpin", spy)
    assert run.code == 1 and run.counts == {"failed": 1, "error": 1}
    assert "ERROR net/good.yaml::good" in run.text


def test_the_program_may_be_missing_or_fail(project, hairpin_path):
    folder = project(good=PASSING)
    run = run_pytest(folder, hairpin_path, "net", "--hairpin", "/no/such/hairpin")
    assert run.code == 2 and "no program to run scenarios with (/no/such/hairpin" in run.text
    (folder / "taken").write_text("")
    run = run_pytest(folder, hairpin_path, "net", "--hairpin-out", "taken")
    assert run.code == 1 and run.counts == {"error": 1} and "hairpin: taken: " in run.text


def test_wired_as_the_readme_says(project, hairpin_path):
    folder = project(good=PASSING, sub__m=MATRIX)
    (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT}/ci/pytest\nhairpin_scenarios = net\n")
    (folder / "conftest.py").write_text('pytest_plugins = ["hairpin_pytest"]\n')
    for where, args, count in [(folder, (), 3), (folder / "net" / "sub", ("m.yaml::m[internet.delay=5ms]",), 1)]:
        process = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--co",
                                  f"--hairpin={hairpin_path}", *args], cwd=where, capture_output=True, text=True,
                                 check=False)
        assert process.returncode == 0, process.stdout + process.stderr
        assert f"\n{count} test" in process.stdout


def test_nothing_happens_without_scenarios(project, hairpin_path):
    folder = project(good=PASSING)
    (folder / "test_it.py").write_text("def test_it():\n    pass\n")
    run = run_pytest(folder, hairpin_path, "test_it.py")
    assert run.code == 0 and run.counts == {"passed": 1} and run.calls == []


def test_this_repository_is_wired(hairpin_path):
    process = subprocess.run([sys.executable, "-m", "pytest", "scenarios/basics", "-p", "no:cacheprovider"], cwd=ROOT,
                             capture_output=True, text=True, env={**os.environ, "HAIRPIN": str(hairpin_path)}, timeout=300)
    assert process.returncode == 0 and re.search(r"^\d+ passed in ", process.stdout, re.M), process.stdout
