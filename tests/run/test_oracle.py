"""The oracle against the fabric and libnice: a cut through the matrix of all NAT presets, and what a result says of it.

`ci/oracle` runs the whole of it."""
import importlib.machinery
import importlib.util
import json
import pathlib

import pytest

from conftest import ROOT

LOADER = importlib.machinery.SourceFileLoader("ci_oracle", str(ROOT / "ci" / "oracle"))
ORACLE = importlib.util.module_from_spec(importlib.util.spec_from_loader("ci_oracle", LOADER))
LOADER.exec_module(ORACLE)


def results(out):
    return [json.loads(path.read_text()) for path in sorted(pathlib.Path(out).glob("*/**/result.json"))]


@pytest.mark.parametrize("matrix", ["pairs", "carriers", "tcp", "families", "firewalls"])
def test_every_run_is_as_predicted(hairpin, tmp_path, matrix):
    path = tmp_path / f"{matrix}.yaml"
    path.write_text(ORACLE.MATRICES[matrix](ORACLE.FEW, ORACLE.FEW))
    run = hairpin("run", path, "--quiet", "--out", tmp_path / "out")
    assert run.code == 0, run.stdout
    told = [o for result in results(tmp_path / "out") for o in result["oracle"]]
    verdicts = {verdict: sum(o["verdict"] == verdict for o in told) for verdict in {o["verdict"] for o in told}}
    assert verdicts.pop("agrees") >= 30
    assert set(verdicts) <= {"shortfall", "silent"}
    assert all(o["reasons"] for o in told)
    assert len({o["predicted"] for o in told}) >= 2

