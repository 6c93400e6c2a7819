"""`hairpin bench --relay`: whether it measures at all; how fast anything is does not matter here."""
import json

import pytest


def test_our_server_is_measured(hairpin, tmp_path):
    out = tmp_path / "figures.json"
    said = hairpin("bench", "--relay", "builtin", "--quick", "--clients", "3", "--duration", "100ms", "--json", out)
    if said.code == 3:
        pytest.skip(said.stderr.strip())
    assert said.code == 0, said.stderr
    document = json.loads(out.read_text())
    metrics = {metric["name"]: metric for metric in document["metrics"]}
    assert "a TUN with" in json.dumps(document)
    for shape in ("voice", "data", "video"):
        for name in ("packets-per-cpu-second", "packets-per-second", "cpu-per-packet", "delay"):
            variant, = metrics[f"{name}-{shape}"]["variants"]
            assert variant["name"] == "builtin"
            assert [point["x"] for point in variant["points"]] == [3]
        # A delay is known only of packets that came back, whole and of the right length.
        for name in ("packets-per-cpu-second", "delay"):
            assert metrics[f"{name}-{shape}"]["variants"][0]["points"][0]["mean"] > 0


def test_the_highest_rate_can_be_left_out(hairpin, tmp_path):
    out = tmp_path / "figures.json"
    said = hairpin("bench", "--relay", "builtin", "--quick", "--no-throughput", "--clients", "1", "--duration", "100ms",
                   "--json", out)
    if said.code == 3:
        pytest.skip(said.stderr.strip())
    assert said.code == 0, said.stderr
    names = [metric["name"] for metric in json.loads(out.read_text())["metrics"]]
    assert "packets-per-cpu-second-video" in names
    assert not any(name.startswith("packets-per-second") for name in names)


@pytest.mark.parametrize("options, message", [
    (["--relay", "builtin,apache"], "--relay takes builtin and coturn, not `apache`"),
    (["--relay", ""], "--relay takes builtin and coturn"),
    (["--relay", "builtin", "--self"], "--relay takes --clients"),
    (["--relay", "builtin", "--link", "5ms"], "--relay takes --clients"),
    (["--relay", "builtin", "--threshold", "5%"], "thresholds are about --compare FILE"),
])
def test_what_makes_no_sense(hairpin, options, message):
    said = hairpin("bench", *options)
    assert said.code == 2 and message in said.stderr, said.stderr
