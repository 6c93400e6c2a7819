"""`hairpin agree`: what it compares, leaves out and says, with live results that were made by hand of virtual ones."""
import json
import pathlib

import pytest

SCENARIO = """\
name: %(name)s
network: {nats: {home: port-restricted-cone}}
servers: {stun: stun}
peers: {alice: {behind: home, ice: {stun: stun}}, bob: }
steps:
  - call: {from: alice, to: bob}
  - wait-for: {state: ready}
  - send: {from: alice, to: bob, count: 5, wait: true}
expect: [connected]
until: 30s
"""


@pytest.fixture
def worlds(hairpin, tmp_path):
    """Scenarios, and results of them that say they are live: worlds({"a": more}, change) -> the finished command."""

    def run(scenarios, change=lambda case: None, *args):
        folder, virtual, live = tmp_path / "scenarios", tmp_path / "v", tmp_path / "l"
        folder.mkdir(exist_ok=True)
        for name, more in scenarios.items():
            (folder / f"{name}.yaml").write_text(SCENARIO % {"name": name} + more)
        assert hairpin("run", folder, "--out", virtual, "--evidence", "none").code == 0
        text = (virtual / "result.json").read_text()
        cases = json.loads(text)["cases"]
        lines = text.splitlines()
        first = lines.index('"cases": [') + 1
        for i, case in enumerate(cases):
            change(case)
            lines[first + i] = json.dumps(case) + ("," if i + 1 < len(cases) else "")
        live.mkdir(exist_ok=True)
        (live / "result.json").write_text("\n".join(lines) + "\n")
        out = tmp_path / "out"
        finished = hairpin("agree", folder, "--virtual", virtual, "--live", live, "--out", out, *args)
        finished.out = out
        return finished

    return run


def agreement(run):
    document = json.loads((run.out / "agree.json").read_text())
    assert document["format"] == "hairpin-agree/1"
    return document


def test_the_same_agrees(worlds):
    run = worlds({"a": ""})
    assert run.code == 0, run.stdout + run.stderr
    assert run.stdout.startswith("agrees     a  (pass, 9 things compared)\n")
    document = agreement(run)
    assert document["totals"] == {"cases": 1, "agrees": 1, "differs": 0, "invalid": 0, "left-out": 0}
    case, = document["cases"]
    assert {item["what"] for item in case["items"]} == {
        "verdict", "alice with bob: pair", "alice with bob: connected", "bob with alice: pair",
        "bob with alice: connected", "flow from alice to bob: arrives", "flow from alice to bob: latency",
        "flow from bob to alice: arrives", "flow from bob to alice: latency"}


def test_a_difference_fails(worlds):
    def slower(case):
        if case["case"] == "b":
            for session in case["sessions"]:
                session["connected_ns"] += 400_000_000

    run = worlds({"a": "", "b": ""}, slower)
    assert run.code == 1
    assert "agrees     a" in run.stdout and "DIFFERS    b" in run.stdout
    assert "at most 300ms" in run.stdout
    assert "1 agree, 1 differs" in run.stdout
    assert [case["outcome"] for case in agreement(run)["cases"]] == ["agrees", "differs"]


def test_the_page_shows_both(worlds, tmp_path):
    page = tmp_path / "two.html"
    run = worlds({"a": ""}, lambda case: None, "--html", str(page))
    assert run.code == 0, run.stderr
    text = page.read_text()
    index = json.loads(text.split('id="hairpin-index">', 1)[1].split("</script>", 1)[0])
    assert index["agree"] == agreement(run)
    assert [row["name"] for row in index["cases"]] == ["a"]


def test_a_scenario_has_bounds_of_its_own(worlds):
    def slower(case):
        for session in case["sessions"]:
            session["connected_ns"] += 400_000_000

    run = worlds({"a": "agree: {connect: 1s, why: a slow start}\n"}, slower)
    assert run.code == 0, run.stdout
    assert "bounds of its own: a slow start" in run.stdout


def test_what_is_left_out_is_listed(worlds):
    run = worlds({"a": "", "b": "agree: {not: nobody can}\n", "c": "worlds: virtual\nworlds-why: of old\n"})
    assert run.code == 0, run.stdout
    assert "left out   b  (nobody can)" in run.stdout
    assert "left out   c  (the scenario is for the virtual world: of old)" in run.stdout
    assert "1 agree, 0 differ, 2 left out" in run.stdout


def test_what_takes_long_is_left_out(worlds):
    run = worlds({"a": ""}, lambda case: None, "--longest", "10ms")
    assert run.code == 3
    assert "and --longest is 10ms" in run.stdout


def test_an_invalid_run_says_nothing(worlds):
    def invalid(case):
        case["verdict"], case["good"] = "invalid", False

    run = worlds({"a": ""}, invalid)
    assert run.code == 3
    assert "INVALID    a" in run.stdout
    assert "1 invalid" in run.stdout


@pytest.mark.parametrize("more, said", [
    ([], "--out DIR"),
    (["--out", "o", "--longest", "5"], "--longest takes a time"),
    (["--out", "o", "--tap"], "are for runs in one world"),
])
def test_usage(hairpin, tmp_path, more, said):
    path = tmp_path / "a.yaml"
    path.write_text(SCENARIO % {"name": "a"})
    run = hairpin("agree", path, *more, cwd=pathlib.Path(tmp_path))
    assert run.code == 2
    assert said in run.stderr
