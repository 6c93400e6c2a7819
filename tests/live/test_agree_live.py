"""`hairpin agree` with both worlds on this machine, over scenarios that are soon decided and send
nothing, whose latency a busy machine would spoil; ci/agree takes all."""
import json

import pytest

SCENARIOS = ["scenarios/basics/one-nat-hairpin.yaml", "scenarios/names/mdns-one-lan.yaml"]


def test_both_worlds_say_the_same(hairpin, tmp_path):
    run = hairpin("agree", *SCENARIOS, "--longest", "13s", "--out", tmp_path / "out")
    if run.code == 3:
        pytest.skip(run.stdout + run.stderr)
    assert run.code == 0, run.stdout + run.stderr
    totals = json.loads((tmp_path / "out" / "agree.json").read_text())["totals"]
    assert totals["agrees"] > 0 and totals["differs"] == 0
