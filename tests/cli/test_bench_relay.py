"""`hairpin bench --relay`: whether it measures at all; how fast anything is does not matter here."""
import json
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import program  # noqa: E402


def bench(*options):
    return subprocess.run([program.HAIRPIN, "bench", *options], capture_output=True, text=True, timeout=300)


def test_our_server_is_measured(tmp_path):
    out = tmp_path / "figures.json"
    said = bench("--relay", "builtin", "--quick", "--clients", "3", "--duration", "100ms", "--json", out)
    if said.returncode == 3:
        pytest.skip(said.stderr.strip())
    assert said.returncode == 0, said.stderr
    metrics = {metric["name"]: metric for metric in json.loads(out.read_text())["metrics"]}
    for size in (172, 1200):
        for name in ("packets-per-cpu-second", "packets-per-second", "cpu-per-packet", "delay"):
            variant, = metrics[f"{name}-{size}"]["variants"]
            assert variant["name"] == "builtin"
            assert [point["x"] for point in variant["points"]] == [3]
        assert metrics[f"packets-per-cpu-second-{size}"]["variants"][0]["points"][0]["mean"] > 0


@pytest.mark.parametrize("options, message", [
    (["--relay", "builtin,apache"], "--relay takes builtin and coturn, not `apache`"),
    (["--relay", ""], "--relay takes builtin and coturn"),
    (["--relay", "builtin", "--self"], "--relay takes --clients"),
    (["--relay", "builtin", "--link", "5ms"], "--relay takes --clients"),
])
def test_what_makes_no_sense(options, message):
    said = bench(*options)
    assert said.returncode == 2 and message in said.stderr, said.stderr
