"""What whole-run tests share: the program, a way to run it, and scenarios made on the spot."""
import os
import signal
import subprocess

import pytest
from program import HAIRPIN, ROOT, Run

# A shell that starts the tests in the background lets them ignore SIGINT, nohup SIGHUP, and so would every program that
# they start.
for name, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(name) == signal.SIG_IGN:
        signal.signal(name, usual)


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
