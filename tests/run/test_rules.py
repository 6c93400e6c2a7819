"""Rules and firewalls in whole runs: exit codes, what the evidence says, what `show` draws."""

CALL = """\
name: ruled
about: A call under rules.
peers: {alice: , bob: }
rules:
%s
steps:
  - call: {from: alice, to: bob}
  - wait-for: ready
  - send: {from: alice, to: bob, count: 5, both: false, wait: true}
  - wait: 100ms
expect:
  - connected
"""


def test_hits_are_in_the_evidence(run_scenario, hairpin):
    run = run_scenario(CALL % "  - {at: bob, label: thief, match: {size: 200}, nth: 2..3, do: drop}")
    assert run.code == 0, run.stdout
    hits = [e for e in run.events("case") if e["event"] == "rule-hit"]
    assert [(e["subject"], e["place"], e["do"], e["number"], e["hits"]) for e in hits] == [
        ("thief", "rules bob", "drop", 2, 1),
        ("thief", "rules bob", "drop", 3, 2),
    ]
    counts = [e for e in run.events("case") if e["event"] == "rule-counts"]
    assert [(e["subject"], e["matched"], e["hits"]) for e in counts] == [("thief", 5, 2)]
    drops = [e for e in run.events("case") if e.get("place") == "rules bob" and "reason" in e]
    assert {e["reason"] for e in drops} == {"rule"} and {e["detail"] for e in drops} == {"rule 1 (thief): dropped"}
    drawn = hairpin("show", run.out / "case")
    assert "rule thief: drop x2" in drawn.stdout
    assert "rule at rules bob" in drawn.stdout
    every = hairpin("show", "--packets", run.out / "case")
    assert every.stdout.count("rule thief: drop") == 2


def test_a_rule_that_never_matched_fails_the_run(run_scenario):
    run = run_scenario(CALL % "  - {at: bob, match: {size: 201}, do: drop}")
    assert run.code == 1
    assert "rule 1 never matched" in run.stdout
    assert run.result("case")["verdict"] == "fail"


def test_a_filter_that_does_not_compile_runs_nothing(run_scenario):
    run = run_scenario(CALL % "  - {at: bob, filter: udp prot 5, do: drop}")
    assert run.code == 2
    assert "case.yaml:5:5: error: the filter `udp prot 5` does not compile" in run.stderr
    assert not run.out.exists() or not list(run.out.iterdir())


def test_an_unknown_place_runs_nothing(run_scenario):
    run = run_scenario(CALL % "  - {at: bop, do: drop}")
    assert run.code == 2
    assert "case.yaml:5:5: error: there is no place `bop` for a rule (did you mean `bob`?)" in run.stderr


def test_same_seed_same_bytes(run_scenario):
    rules = "  - {at: bob, chance: 50%, do: {delay: {by: 1ms, jitter: 5ms}}}\n  - {at: alice, chance: 10%, do: corrupt}"
    first, second, other = (run_scenario(CALL % rules, "--seed", seed).hashes() for seed in ("3", "3", "4"))
    assert first and first == second
    assert first != other
