"""What whole-run tests share: the program, a way to run it, and scenarios made on the spot."""
import hashlib
import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
HAIRPIN = pathlib.Path(os.environ.get("HAIRPIN", ROOT / "build" / "release" / "hairpin"))


class Run:
    """One finished call of the program."""

    def __init__(self, process, out):
        self.code = process.returncode
        self.stdout = process.stdout
        self.stderr = process.stderr
        self.out = out

    def result(self, case):
        return json.loads((self.out / case / "result.json").read_text())

    def events(self, case):
        lines = (self.out / case / "events.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def hashes(self):
        """sha256 of every trace.pcapng and result.json, by path below the output folder."""
        return {
            str(path.relative_to(self.out)): hashlib.sha256(path.read_bytes()).hexdigest()
            for pattern in ("**/trace.pcapng", "**/result.json")
            for path in sorted(self.out.glob(pattern))
        }


@pytest.fixture(scope="session")
def hairpin_path():
    assert HAIRPIN.exists(), f"{HAIRPIN} is not built: ci/build release"
    return HAIRPIN


@pytest.fixture
def hairpin(hairpin_path):
    """Calls the program: hairpin("check", path) -> Run."""

    def call(*args, env=None, cwd=ROOT, prefix=(), **kwargs):
        process = subprocess.run(
            [*prefix, str(hairpin_path), *map(str, args)],
            capture_output=True, text=True, cwd=cwd, env={**os.environ, **(env or {})}, timeout=300, **kwargs)
        return Run(process, None)

    return call


@pytest.fixture
def run_scenario(hairpin, tmp_path):
    """Writes a scenario and runs it with evidence: run_scenario(text, "--seed", 2) -> Run; its case is `case`."""

    def call(text, *args, **kwargs):
        path = tmp_path / "case.yaml"
        path.write_text(text)
        out = tmp_path / "out"
        run = hairpin("run", path, "--out", out, *args, **kwargs)
        run.out = out
        return run

    return call


@pytest.fixture(scope="session")
def shipped(hairpin_path, tmp_path_factory):
    """All shipped scenarios, run once for all tests that only look at the evidence."""
    out = tmp_path_factory.mktemp("shipped")
    process = subprocess.run(
        [str(hairpin_path), "run", "scenarios", "--out", str(out)],
        capture_output=True, text=True, cwd=ROOT, timeout=600)
    return Run(process, out)
