"""What tests of the live world share: runs that are skipped, with the program's own words, where this machine cannot make
them."""
import pathlib

import pytest


@pytest.fixture
def live(hairpin, tmp_path):
    """Runs a scenario's file in the live world: live(path, "--filter", "tcp") -> Run, with evidence."""

    def call(path, *args, **kwargs):
        out = tmp_path / "out"
        run = hairpin("run", "--world", "live", path, "--out", out, *args, **kwargs)
        run.out = out
        if run.code == 3:
            pytest.skip((run.stderr or run.stdout).strip())
        return run

    return call


@pytest.fixture
def run_live(hairpin, run_scenario):
    """Runs a scenario made on the spot in the live world, as run_scenario() does, or a file. A machine that was too slow
    for it is no reason to skip."""

    def call(what, **kwargs):
        run = hairpin("run", "--world", "live", what, **kwargs) if isinstance(what, pathlib.Path) else \
            run_scenario(what, "--world", "live", **kwargs)
        if run.code == 3 and "invalid" not in run.stdout:
            pytest.skip(run.stdout + run.stderr)
        return run

    return call
