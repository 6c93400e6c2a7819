"""What the README shows must work."""
import re

from program import ROOT


def test_the_example_passes_without_a_warning(hairpin, tmp_path):
    text = (ROOT / "README.md").read_text()
    path = tmp_path / "readme.yaml"
    path.write_text(re.search(r"```yaml\n(.*?)```", text, re.S).group(1))
    assert hairpin("check", "--strict", path).code == 0
    assert hairpin("run", path).code == 0


def test_every_command_is_described(hairpin):
    text = (ROOT / "README.md").read_text()
    commands = re.findall(r"^  (\w+) ", hairpin("help").stdout, re.M)
    assert len(commands) >= 5
    for command in commands:
        assert f"`hairpin {command}" in text


def test_every_file_that_is_linked_exists():
    for name in ("README.md", "harness/README.md"):
        base = (ROOT / name).parent
        for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / name).read_text()):
            assert (base / target).exists(), f"{name}: {target}"
