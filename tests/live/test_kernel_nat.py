"""The scenarios of kernels' NATs, live, and the same stories of the preset that says what a kernel does, virtual."""
import re

import pytest
from program import ROOT

SCENARIOS = sorted((ROOT / "scenarios" / "live").glob("kernel-nat-*.yaml"))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_kernel(hairpin, tmp_path, path):
    run = hairpin("run", path, "--world", "live", "--jobs", "4", "--out", tmp_path / "out")
    if run.code == 3:
        pytest.skip(run.stdout + run.stderr)
    assert run.code == 0, run.stdout + run.stderr


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_its_preset(hairpin, tmp_path, path):
    text = re.sub(r"kernel: masquerade-[a-z-]+, preset: [a-z-]+", "preset: linux-netfilter-random", path.read_text())
    text = text.replace("kernel: masquerade, ", "")
    assert "kernel:" not in text
    preset = tmp_path / path.name
    preset.write_text(text)
    run = hairpin("run", preset, "--out", tmp_path / "out")
    assert run.code == 0, run.stdout + run.stderr
