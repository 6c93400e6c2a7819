"""`hairpin matrix` on the command line: what it takes, prints, keeps and refuses."""
import json

CALL = """
network: {nats: {home: full-cone, office: full-cone}}
servers: {stun: stun}
defaults: {ice: {stun: stun}}
peers: {alice: {behind: home}, bob: {behind: office}}
steps: [{call: {from: alice, to: bob}}]
"""


def test_grid_failures_evidence_and_the_way_back(hairpin, tmp_path):
    path = tmp_path / "call.yaml"
    path.write_text(CALL + "expect: [{connected: {within: 5s}}]\nuntil: 40s\n")
    out = tmp_path / "out"
    run = hairpin("matrix", path, "--axis", "home=full-cone,symmetric", "--axis", "office=symmetric", "--out", out)
    assert run.code == 1
    assert run.stdout.count("\nFAIL") + run.stdout.startswith("FAIL") == 2  # where it failed, and in the summary
    assert "\nfull-cone  D\nsymmetric  .!\n" in run.stdout
    assert "2 cells: 1 direct, 0 hairpin, 0 relay, 1 no path; 1 failed\n" in run.stdout
    kept = [p.parent.name for p in out.glob("*/trace.pcapng")]
    assert kept == ["call[home=symmetric,office=symmetric]"]
    again = f"hairpin matrix {path} --axis home=full-cone,symmetric --axis office=symmetric --seed 1 --filter " \
            "'[home=symmetric,office=symmetric]'"
    assert f"again       {again}\n" in run.stdout
    result = json.loads((out / kept[0] / "result.json").read_text())
    assert result["again"] == again
    assert result["matrix"] == [
        {"path": "network.nats.home.preset", "name": "home", "value": "symmetric"},
        {"path": "network.nats.office.preset", "name": "office", "value": "symmetric"}]
    told = result["oracle"][0]
    assert (told["verdict"], told["predicted"], told["happened"], told["shortfall"]) == (
        "agrees", "no path", "no path", None)
    assert told["reasons"][0].startswith("direct is impossible because home maps per destination")
    one = hairpin("matrix", path, "--axis", "home=full-cone,symmetric", "--axis", "office=symmetric", "--seed", "1",
                  "--filter", "[home=symmetric,office=symmetric]")
    assert one.code == 1 and "1 cells:" in one.stdout


def test_a_run_without_a_matrix_tells_none(hairpin, tmp_path):
    path = tmp_path / "call.yaml"
    path.write_text(CALL + "expect: [predicted]\n")
    hairpin("run", path, "--out", tmp_path / "out")
    result = json.loads((tmp_path / "out" / "call" / "result.json").read_text())
    assert result["matrix"] == []
    assert result["expectations"][0]["expected"] == "alice and bob as predicted: direct, srflx/srflx"
    assert result["expectations"][0]["got"].startswith("direct, srflx/srflx, ")


def test_pairwise_and_exceptions(hairpin, tmp_path):
    path = tmp_path / "call.yaml"
    path.write_text(CALL + "expect: [predicted]\n")
    axes = ["--axis", "home=full-cone,symmetric,rfc4787", "--axis", "trickle=all", "--axis", "nomination=all",
            "--axis", "seeds=1..3"]
    run = hairpin("matrix", path, *axes, "--pairwise", "--json", tmp_path / "g.json")
    assert run.code == 0, run.stdout + run.stderr
    grid = json.loads((tmp_path / "g.json").read_text())
    assert len(grid["cells"]) == 9
    fewer = hairpin("matrix", path, *axes, "--except", "home=symmetric", "--json", tmp_path / "f.json")
    assert fewer.code == 0
    cells = json.loads((tmp_path / "f.json").read_text())["cells"]
    assert len(cells) == 24 and all(c["values"]["home"] != "symmetric" for c in cells)
    assert {c["seed"] for c in cells} == {1, 2, 3}


def test_what_it_refuses(hairpin, tmp_path):
    path = tmp_path / "call.yaml"
    path.write_text(CALL + "expect: [predicted]\n")

    def refused(*args):
        run = hairpin("matrix", *args)
        assert run.code == 2 and run.stdout == ""
        return run.stderr

    assert "has no `matrix`; give axes" in refused(path)
    assert "matrix: one file at a time" in refused(path, path)
    assert "matrix: one file at a time" in refused(tmp_path)
    assert "no key, word or NAT is called so (did you mean `home`?)" in refused(path, "--axis", "hom=all")
    assert "--axis takes NAME=VALUES" in refused(path, "--axis", "home")
    assert "--seed and an axis of seeds exclude each other" in refused(path, "--axis", "seeds=1..2", "--seed", "3")
    assert "cannot be combined with families=ipv4 (leave it out: " in refused(
        path, "--axis", "home=ipv6-only-mobile", "--axis", "families=all")
    assert "more than 10000 cases (`matrix-reduce: pairwise` makes fewer)" in refused(
        path, "--axis", "home=all", "--axis", "office=all", "--axis", "seeds=1..9")


def test_a_grid_that_cannot_be_written(hairpin, tmp_path):
    path = tmp_path / "call.yaml"
    path.write_text(CALL + "expect: [predicted]\n")
    run = hairpin("matrix", path, "--axis", "home=full-cone", "--csv", tmp_path / "none" / "g.csv")
    assert run.code == 3 and str(tmp_path / "none" / "g.csv") in run.stderr


def test_what_the_oracle_does_not_know_fails(hairpin, tmp_path):
    path = tmp_path / "call.yaml"
    path.write_text(CALL + "expect: [predicted]\nsignaling: {loss: 1%}\n")
    run = hairpin("run", path)
    assert run.code == 1
    assert "got       the oracle has no opinion: signalling loses messages" in run.stdout
