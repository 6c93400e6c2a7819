"""Every matrix of fixtures/matrix, cell by cell: what the oracle predicts comes about, and nothing else is let pass."""
import csv
import json
import subprocess

import pytest

from program import ROOT

# Where libnice is known to fall short, and in how many cells: a new cause, or one that is gone, is told here.
SHORTFALLS = {
    "pairs": {},
    "carriers": {},
    "tcp": {},
    "families": {"one-address": 10},
    "firewalls": {},
    "agents": {"gives-up-early": 2},
    "nomination": {"nominates-early": 4},
}


@pytest.fixture(scope="module")
def matrix(hairpin_path, tmp_path_factory):
    """matrix("pairs", ...) -> (code, grid as JSON, rows of the CSV, printed)"""
    def call(name, *args):
        out = tmp_path_factory.mktemp(name or "built-in")
        run = subprocess.run(
            [str(hairpin_path), "matrix", *([ROOT / "fixtures" / "matrix" / f"{name}.yaml"] if name else []),
             "--evidence", "none", "--json", out / "grid.json", "--csv", out / "grid.csv", *args],
            capture_output=True, text=True, cwd=ROOT, timeout=600)
        grid = json.loads((out / "grid.json").read_text())
        with open(out / "grid.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        return run.returncode, grid, rows, run.stdout + run.stderr

    return call


def presets(hairpin_path):
    schema = json.loads(subprocess.run([str(hairpin_path), "schema"], check=True, capture_output=True).stdout)
    return schema["$defs"]["nat"]["anyOf"][0]["properties"]["preset"]["enum"]


@pytest.mark.parametrize("name", SHORTFALLS)
def test_every_cell_is_as_predicted(matrix, hairpin_path, name):
    code, grid, rows, said = matrix(name)
    assert code == 0, said
    assert {s["name"]: s["cells"] for s in grid["shortfalls"]} == SHORTFALLS[name]
    assert len(grid["cells"]) == len(rows) == grid["totals"]["cells"]
    for cell, row in zip(grid["cells"], rows):
        assert cell["verdict"] == row["verdict"] == "pass"
        assert row["oracle"] in ("agrees", "shortfall") or (row["oracle"] == "" and not cell["pairs"]), row["case"]
        for pair in cell["pairs"]:
            assert pair["happened"] is not None
            assert (pair["connected_ns"] is not None) == (pair["happened"] != "no path")
    if name == "pairs":
        every = set(presets(hairpin_path))
        assert len(every) >= 24
        assert {(r["home"], r["office"], r["servers"]) for r in rows} == {
            (a, b, s) for a in every for b in every for s in ("none", "stun", "stun+turn")}


def test_a_cell_that_never_began_is_only_one_without_a_path(matrix):
    """Without trickle, an offer waits for candidates that TCP never brings."""
    _, grid, _, _ = matrix("agents")
    silent = [cell["values"] for cell in grid["cells"] if not cell["pairs"]]
    assert [(v["home"], v["servers"], v["trickle"]) for v in silent] == [("captive-portal", "turn-tcp", "no")]


def test_without_a_file(matrix):
    code, grid, rows, said = matrix(
        None, "--axis", "home=symmetric,full-cone", "--axis", "office=symmetric", "--jobs", "2")
    assert code == 0, said
    assert [(r["home"], r["servers"], r["outcome"]) for r in rows] == [
        ("symmetric", "none", "no path"), ("symmetric", "stun", "no path"), ("symmetric", "stun+turn", "relay"),
        ("symmetric", "turn-tcp", "relay"), ("full-cone", "none", "no path"), ("full-cone", "stun", "direct"),
        ("full-cone", "stun+turn", "direct"), ("full-cone", "turn-tcp", "relay")]
    assert grid["axes"][2] == {"name": "servers", "path": "servers",
                               "values": ["none", "stun", "stun+turn", "turn-tcp"]}
    assert grid["totals"] == {"cells": 8, "none": 3, "relay": 3, "hairpin": 0, "direct": 2, "unknown": 0, "failed": 0,
                              "unlucky": 0, "not_run": 0, "slowest_ns": 403_000_000}
