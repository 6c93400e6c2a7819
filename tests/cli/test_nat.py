"""`hairpin nat`: what a NAT does, found out from outside it."""
import json
import re

import pytest

SCENARIO = """\
name: two-nats
about: For their NATs alone.
network:
  nats:
    home: {preset: port-restricted-cone, udp-timeout: 45s, hairpin: external-source}
    office: symmetric
peers: {alice: {behind: home}, bob: {behind: office}}
steps: [{call: {from: alice, to: bob}}]
expect: [{connected: {within: 10s}}]
"""


def properties(nat):
    return {p["property"]: p["observed"] for p in nat["properties"]}


@pytest.fixture(scope="module")
def everything(hairpin_path):
    import subprocess

    process = subprocess.run([str(hairpin_path), "nat", "--all", "--json"], capture_output=True, text=True, timeout=600)
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout)


def test_every_preset_is_certified(everything):
    assert everything["version"] == "hairpin-nat/1"
    assert len(everything["nats"]) >= 24
    for nat in everything["nats"]:
        assert nat["certified"] is True and nat["differences"] == [], nat["name"]
        assert nat["source"] and nat["about"], nat["name"]


def test_json_tells_what_was_observed_and_declared(everything):
    nats = {nat["name"]: nat for nat in everything["nats"]}
    home = nats["linux-netfilter"]
    assert properties(home)["udp-mapping"] == "address and port-dependent"
    assert properties(home)["tcp-timer-established"] == "432000 s"
    for p in home["properties"]:
        assert p["observed"] == p["declared"], p["property"]
        assert p["how"] and p["reference"] and p["title"]
        assert (p["observed"] is None) == ("not-observable" in p)
    verdicts = {(r["rfc"], r["number"]): r["verdict"] for r in home["requirements"]}
    assert verdicts["RFC 4787", "REQ-1"] == "fail"
    assert verdicts["RFC 4787", "REQ-14"] == "pass"
    assert verdicts["RFC 4787", "REQ-7"] == "not observable"
    assert {r for r, _ in verdicts} == {"RFC 4787", "RFC 5382", "RFC 5508", "RFC 6888"}
    assert "site-udp-leaves" not in properties(home)
    assert properties(nats["tls-only-office"])["site-tcp-leaves"] == "443"


def test_the_requirements_of_rfc_4787_are_all_there(everything):
    numbers = {r["number"] for r in everything["nats"][0]["requirements"] if r["rfc"] == "RFC 4787"}
    assert {f"REQ-{i}" for i in range(1, 15)} <= numbers


def test_without_a_name_the_presets_are_listed(hairpin, everything):
    run = hairpin("nat")
    assert run.code == 0
    names = [line.split()[0] for line in run.stdout.splitlines()]
    assert names == [nat["name"] for nat in everything["nats"]]
    assert "full-cone " in run.stdout and "everybody may send to it" in run.stdout


def test_text_is_in_the_words_of_the_rfcs(hairpin):
    run = hairpin("nat", "rfc4787-strict")
    assert run.code == 0 and run.stderr == ""
    assert re.search(r"^  UDP mapping +endpoint-independent +RFC 4787 section 4\.1$", run.stdout, re.M)
    assert re.search(r"^  UDP filtering +address-dependent +RFC 4787 section 5$", run.stdout, re.M)
    assert re.search(r"^  REQ-9a +MUST +pass ", run.stdout, re.M)
    assert "source: RFC 4787 section 12" in run.stdout
    assert run.stdout.rstrip().endswith("Certified: what was observed is what the knobs declare.")
    assert "Behind its firewall" not in run.stdout


def test_the_same_bytes_again(hairpin):
    assert hairpin("nat", "symmetric-random").stdout == hairpin("nat", "symmetric-random").stdout


def test_a_nat_of_a_scenario(hairpin, tmp_path):
    path = tmp_path / "two.yaml"
    path.write_text(SCENARIO)
    run = hairpin("nat", f"{path}:home", "--json")
    assert run.code == 0, run.stderr
    (nat,) = json.loads(run.stdout)["nats"]
    assert nat["name"] == f"{path}:home"
    assert properties(nat)["udp-timer"] == "45 s"
    assert properties(nat)["udp-hairpin"] == "external source"
    assert properties(nat)["udp-filtering"] == "address and port-dependent"


def test_a_matrix_gives_a_nat_for_each_set_of_knobs(hairpin, tmp_path):
    path = tmp_path / "matrix.yaml"
    path.write_text(SCENARIO + "matrix: {network.nats.home.udp-timeout: [45s, 50s]}\n")
    run = hairpin("nat", f"{path}:home", "--json")
    assert [properties(nat)["udp-timer"] for nat in json.loads(run.stdout)["nats"]] == ["45 s", "50 s"]
    assert len(json.loads(hairpin("nat", f"{path}:office", "--json").stdout)["nats"]) == 1


@pytest.mark.parametrize("args, message", [
    (["symetric"], "no preset `symetric`; did you mean `symmetric`?"),
    (["qqqqqqqqqqq"], "no preset `qqqqqqqqqqq`; `hairpin nat` lists them, and FILE:NAT is a NAT of a scenario"),
    (["nowhere.yaml:home"], "nat: nowhere.yaml: no such file"),
    (["--json"], "nat: --json: of which NAT? Name one, or say --all"),
    (["--all", "symmetric"], "nat: --all or names, not both"),
    (["--seed", "-1", "symmetric"], "nat: --seed: not below 0"),
])
def test_bad_usage(hairpin, args, message):
    run = hairpin("nat", *args)
    assert run.code == 2
    assert run.stderr == f"hairpin: {message}\n"
    assert run.stdout == ""


def test_a_nat_that_the_scenario_does_not_have(hairpin, tmp_path):
    path = tmp_path / "two.yaml"
    path.write_text(SCENARIO)
    run = hairpin("nat", f"{path}:hme")
    assert run.code == 2 and "no NAT `hme`; did you mean `home`?" in run.stderr
    run = hairpin("nat", f"{path}:zzzzzzzz")
    assert run.code == 2 and "no NAT `zzzzzzzz`; there is `home`" in run.stderr


def test_a_broken_scenario_is_reported_with_its_place(hairpin, tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text(SCENARIO.replace("udp-timeout: 45s", "udp-timeout: fast"))
    run = hairpin("nat", f"{path}:home")
    assert run.code == 2
    assert re.search(r"broken\.yaml:5:\d+: error: ", run.stderr)


def test_help(hairpin):
    run = hairpin("nat", "--help")
    assert run.code == 0
    for word in ("--all", "--json", "FILE:NAT", "exit code is 1"):
        assert word in run.stdout
