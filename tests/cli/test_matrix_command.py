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
    assert "2 cells: 1 direct, 0 hairpin, 0 relay, 1 no path; 1 failed\n" \
           "slowest to connect: 182 ms, in call[home=full-cone,office=symmetric]\n" in run.stdout
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
    assert one.code == 1 and "1 cell:" in one.stdout


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
    a, b = ["--axis", "home=full-cone,symmetric"], ["--axis", "office=full-cone,symmetric"]
    assert "must go upwards and have at most 10000 numbers" in refused(path, "--axis", "seeds=5..1")
    assert "must go upwards and have at most 10000 numbers" in refused(path, "--axis", "seeds=1..1000000")
    assert "--axis home: the axis is there already" in refused(path, *a, "--axis", "home=rfc4787")
    assert "the axis is there already" in refused(path, *a, "--axis", "network.nats.home.preset=rfc4787")
    assert "`network.nats.home.preset`, `network.nats.office.preset` (give more of the path)" in refused(
        path, *a, *b, "--axis", "preset=rfc4787")
    assert "the axis `ice.stun` undoes what `servers` sets: defaults.ice.stun" in refused(
        path, "--axis", "servers=stun,none", "--axis", "defaults.ice.stun=stun")
    assert "the axis `nats.home` undoes what `home.mapping` sets: network.nats.home.mapping" in refused(
        path, "--axis", "network.nats.home.mapping=all", "--axis", "network.nats.home=[symmetric]")
    assert "not `stun+stun`" in refused(path, "--axis", "servers=stun+stun")
    assert "`true` of `trickle`: this value is there already" in refused(path, "--axis", "trickle=yes,true")
    assert "`symetric` is no value of the axis `home` (did you mean `symmetric`?)" in refused(
        path, *a, "--except", "home=symetric")
    assert "`rfc4787` is no value of the axis `home`" in refused(path, *a, "--except", "home=[symmetric,rfc4787]")
    assert "--except takes NAME=VALUE,NAME=VALUE, not `home`" in refused(path, *a, "--except", "home")
    assert "more than 10000 cases (`matrix-reduce: pairwise` makes fewer)" in refused(
        path, "--axis", "home=all", "--axis", "office=all", "--axis", "seeds=1..9")


def test_axes_of_a_file_that_clash(hairpin, tmp_path):
    path = tmp_path / "call.yaml"

    def check(more):
        path.write_text(CALL + "expect: [predicted]\n" + more)
        run = hairpin("check", path)
        return run.code, run.stdout + run.stderr

    code, said = check("matrix: {home: [full-cone], network.nats.home.preset: [symmetric]}\n")
    assert code == 2 and "call.yaml:8:29: error: the axis `network.nats.home.preset` undoes what `home` sets" in said
    code, said = check("matrix: {seeds: 1..3, seed: 4..5}\n")
    assert code == 2 and "the axis `seed` undoes what `seeds` sets: seed" in said
    code, said = check("matrix: {way: {x: {defaults.ice.stun: stun}}, defaults.ice: [{stun: stun}]}\n")
    assert code == 2 and "the axis `defaults.ice` undoes what `way` sets: defaults.ice.stun" in said
    code, said = check("matrix: {way: {x: {defaults.ice: {stun: stun}}}, trickle: all}\n")
    assert code == 0, said  # a part of what was set before
    code, said = check("matrix: {home: all}\nmatrix-except: [{home: symetric}]\n")
    assert code == 2 and "`symetric` is no value of the axis `home` (did you mean `symmetric`?)" in said
    check("matrix: {home: all}\nmatrix-except: [{home: symmetric}]\n")
    run = hairpin("matrix", path, "--axis", "home=full-cone")  # what it excepts is gone with the axis
    assert run.code == 0 and "\n1 cell: 1 direct" in run.stdout


def test_lists_and_shards_in_names_and_grids(hairpin, tmp_path):
    path = tmp_path / "call.yaml"
    path.write_text(CALL + "expect: [predicted]\nmatrix: {home: [full-cone, symmetric], "
                           "tags: [[a], [a, b]]}\n")
    listed = hairpin("list", path)
    assert "call[home=full-cone,tags=[a,b]]" in listed.stdout
    run = hairpin("matrix", path, "--axis", "tags=[[a, b]]", "--axis", "seeds=1..2", "--shard", "1/4")
    assert run.code == 0, run.stdout + run.stderr
    assert "\n1 cell: 1 direct, 0 hairpin, 0 relay, 0 no path; 0 failed; 3 not run\n" in run.stdout


def test_how_fast_the_built_in_template_must_be(hairpin, tmp_path):
    def expected(*args):
        hairpin("matrix", "--axis", "home=full-cone", "--axis", "office=full-cone", "--axis", "servers=stun", *args,
                "--evidence", "none", "--out", tmp_path / "out")
        return json.loads((tmp_path / "out" / "result.json").read_text())["cases"][0]["expectations"][0]["expected"]

    assert expected() == "alice and bob as predicted: direct, srflx/srflx, within 2.000s"
    assert expected("--axis", "trickle=no").endswith(", within 10.000s")


def test_a_grid_that_cannot_be_written(hairpin, tmp_path):
    path = tmp_path / "call.yaml"
    path.write_text(CALL + "expect: [predicted]\n")
    run = hairpin("matrix", path, "--axis", "home=full-cone", "--csv", tmp_path / "none" / "g.csv")
    assert run.code == 3 and str(tmp_path / "none" / "g.csv") in run.stderr
    assert run.stdout == ""  # nothing was run in vain


def test_what_the_oracle_does_not_know_fails(hairpin, tmp_path):
    path = tmp_path / "call.yaml"
    path.write_text(CALL + "expect: [predicted]\nsignaling: {loss: 1%}\n")
    run = hairpin("run", path)
    assert run.code == 1
    assert "got       the oracle has no opinion: signalling loses messages" in run.stdout
