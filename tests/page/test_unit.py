"""The page's pure functions, in node, and the syntax of every module."""
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODULES = ROOT / "harness" / "report" / "page"
NODE_PATH = os.environ.get("NODE_PATH", "/usr/share/nodejs")

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


@pytest.mark.parametrize("source", sorted((ROOT / "tests" / "page" / "unit").glob("*.test.mjs")), ids=lambda path: path.name.split(".")[0])
def test_functions(source, esbuild, tmp_path):
    bundle = tmp_path / "bundle.test.mjs"
    subprocess.run([esbuild, source, "--bundle", "--format=esm", "--platform=node", "--main-fields=module,main", "--log-level=warning",
                    f"--outfile={bundle}"], check=True, env={**os.environ, "NODE_PATH": NODE_PATH})
    done = subprocess.run(["node", "--test", bundle], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
    assert "# pass 0" not in done.stdout


@pytest.mark.parametrize("module", sorted(MODULES.glob("*.js")), ids=lambda path: path.name)
def test_module(module):
    assert subprocess.run(["node", "--check", module]).returncode == 0
    assert len(module.read_text().splitlines()) < 400
