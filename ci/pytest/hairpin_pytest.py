"""pytest runs Hairpin scenarios: `pytest scenarios/` has an item for every case of every scenario file.

What is collected are the YAML files below the folders that the ini option `hairpin_scenarios` names (`scenarios`, if it
says nothing); any other YAML is left alone. The program is asked once for a folder which cases there are, and runs all
that were selected (by path, -k, -m, --lf, ...) at once, in as many processes as it likes: there is no process a case.

    passed               the case passed
    failed               an expectation did not hold, or a known bug is gone
    error                the software under test crashed or hung, or Hairpin could not run the case
    xfailed              it failed as its `known-bug` says
    error (collection)   a mistake in the file

A scenario's tags are markers: `pytest scenarios -m "turn and not slow"`.

To use it elsewhere: put this folder on `pythonpath` in pytest.ini and `pytest_plugins = ["hairpin_pytest"]` into the
topmost conftest.py, or say `PYTHONPATH=... pytest -p hairpin_pytest`. Options take their values behind `=`: before the
plugin is loaded pytest would take a path that stands by itself for one that is to be tested.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

# The first line of a case's block on the program's standard output.
HEAD = re.compile(r"^(?:ok|FAIL|known bug|FIXED|CRASHED|HUNG|ERROR) +(?P<name>\S+)  \(")
BATCH = pytest.StashKey["Batch"]()


class HairpinWarning(pytest.PytestWarning):
    """Something in a scenario can never matter."""


class CaseFailed(Exception):
    """A case was not good; what the program said of it."""


class CannotRun(Exception):
    """The program itself failed."""


def pytest_addoption(parser):
    group = parser.getgroup("hairpin", "network scenarios")
    group.addoption("--hairpin", metavar="PATH", help="the program (else $HAIRPIN, the ini option hairpin_program, or "
                                                      "whatever PATH finds)")
    group.addoption("--hairpin-seed", metavar="N", help="use this seed instead of each scenario's own")
    group.addoption("--hairpin-out", metavar="DIR", help="keep results and evidence below this folder")
    parser.addini("hairpin_program", "the hairpin program, relative to the root folder")
    parser.addini("hairpin_scenarios", "folders with scenario files, relative to the root folder", type="linelist",
                  default=["scenarios"])


def pytest_configure(config):
    config.stash[BATCH] = Batch(config)


def pytest_unconfigure(config):
    batch = config.stash.get(BATCH, None)
    if batch is not None:
        batch.close()


def pytest_collect_file(file_path, parent):
    if file_path.suffix in (".yaml", ".yml"):
        root = parent.config.stash[BATCH].root_of(file_path)
        if root is not None:
            return ScenarioFile.from_parent(parent, path=file_path, root=root)
    return None


class Batch:
    """What the program knows and did, asked and run as late as possible and only once."""

    def __init__(self, config):
        self.config = config
        self.roots = [config.rootpath / name for name in config.getini("hairpin_scenarios")]
        self.listed = {}  # root -> path of a file -> its (cases, problems), as `list --json` says
        self.outcomes = {}  # (root, case name) -> (verdict, block, known bug), or an exception
        self.tags = set()  # registered as markers
        self.folder = None  # a temporary one, for the names of cases and results that nobody keeps

    def close(self):
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def root_of(self, path):
        return next((root for root in self.roots if path.is_relative_to(root)), None)

    def program(self):
        config = self.config
        ini = config.getini("hairpin_program")
        path = (config.getoption("hairpin", None) or os.environ.get("HAIRPIN") or (ini and str(config.rootpath / ini))
                or shutil.which("hairpin"))
        if not path or not os.access(path, os.X_OK):
            raise CannotRun(f"no program to run scenarios with ({path or 'hairpin is not in PATH'}): --hairpin=PATH")
        return str(pathlib.Path(path).absolute())

    def call(self, *args):
        return subprocess.run([self.program(), *args], capture_output=True, text=True, errors="replace", check=False)

    def temporary(self):
        if self.folder is None:
            self.folder = tempfile.mkdtemp(prefix="hairpin-pytest-")
        return pathlib.Path(self.folder)

    def list(self, path, root):
        """The cases of a file and what is wrong with it; the program is asked once for all below the root."""
        if root not in self.listed:
            process = self.call("list", "--json", as_given(root))
            try:
                whole = json.loads(process.stdout)
            except ValueError:
                raise CannotRun(process.stderr.strip() or "hairpin list said nothing") from None
            files = self.listed[root] = {}
            for place, part in enumerate((whole["cases"], whole["problems"])):
                for each in part:
                    files.setdefault(os.path.abspath(each["file"] or root), ([], []))[place].append(each)
        return self.listed[root].get(str(path), ([], []))

    def outcome(self, item):
        """Of an item's case; the first one asked for runs all that were selected."""
        key = (item.root, item.case["name"])
        if key not in self.outcomes:
            self.run(item.root, [item] if hasattr(self.config, "workerinput") else
                     [other for other in item.session.items if isinstance(other, ScenarioItem) and other.root == item.root])
        found = self.outcomes[key]
        if isinstance(found, Exception):
            raise found
        return found

    def run(self, root, items):
        names = sorted({item.case["name"] for item in items})
        files = sorted({item.case["file"] for item in items})
        only = self.temporary() / "only"
        only.write_text("".join(f"{name}\n" for name in names))
        kept = self.config.getoption("hairpin_out", None)
        out = pathlib.Path(kept) if kept else self.temporary() / "out"
        if kept and len(self.roots) > 1:
            out = out / root.name
        seed = self.config.getoption("hairpin_seed", None)
        process = self.call("run", "--base", as_given(root), "--only", str(only), "--out", str(out),
                            "--evidence", "all" if kept else "none", *(("--seed", seed) if seed else ()), "--", *files)
        # 3 with results: nothing failed, and nothing is known of some cases (skipped, invalid).
        if process.returncode not in (0, 1) and not (process.returncode == 3 and (out / "result.json").exists()):
            failure = CannotRun(process.stderr.strip() or f"hairpin exited with code {process.returncode}")
            self.outcomes.update({(root, name): failure for name in names})
            return
        blocks = split_blocks(process.stdout)
        for case in json.loads((out / "result.json").read_text())["cases"]:
            block = blocks.get(case["case"], f"{case['case']}: {case['verdict']}")
            self.outcomes[root, case["case"]] = (case["verdict"], block, case["known_bug"])


def as_given(path):
    """A path as the user would type it: messages and commands then read the same as without pytest."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def split_blocks(text):
    """The program's words for each case, by its name. Lines of a block after the first are indented."""
    blocks, name = {}, None
    for line in text.splitlines():
        head = HEAD.match(line)
        if head:
            name = head["name"]
            blocks[name] = []
        elif not line.startswith(" "):
            name = None  # the summary
        if name is not None:
            blocks[name].append(line)
    return {name: "\n".join(lines) for name, lines in blocks.items()}


class ScenarioFile(pytest.File):
    def __init__(self, *, root, **kwargs):
        super().__init__(**kwargs)
        self.root = root

    def collect(self):
        try:
            cases, problems = self.config.stash[BATCH].list(self.path, self.root)
        except CannotRun as failure:
            raise self.CollectError(str(failure)) from None
        errors = [describe(problem) for problem in problems if problem["severity"] == "error"]
        if errors:
            raise self.CollectError("\n".join(errors))
        for problem in problems:
            self.warn(HairpinWarning(describe(problem)))
        for case in cases:
            yield ScenarioItem.from_parent(self, name=self.short_name(case), case=case, root=self.root)

    def short_name(self, case):
        """Without the folders, which stand in the file's part of the node id already."""
        folders = "/".join(self.path.relative_to(self.root).parts[:-1])
        return case["name"].removeprefix(f"{folders}/")


class ScenarioItem(pytest.Item):
    def __init__(self, *, case, root, **kwargs):
        super().__init__(**kwargs)
        self.case, self.root = case, root
        known = self.config.stash[BATCH].tags
        for tag in case["tags"]:
            if tag not in known:
                known.add(tag)
                self.config.addinivalue_line("markers", f"{tag}: scenarios with this tag")
            self.add_marker(tag)

    def setup(self):
        """What is no verdict about the network is an error, not a failure."""
        verdict, block, _ = self.config.stash[BATCH].outcome(self)
        if verdict in ("crashed", "hung", "error"):
            raise CaseFailed(block)

    def runtest(self):
        verdict, block, known_bug = self.config.stash[BATCH].outcome(self)
        if verdict == "expected-failure":
            pytest.xfail(known_bug)
        if verdict in ("invalid", "skipped"):
            pytest.skip(block.strip())
        if verdict != "pass":
            raise CaseFailed(block)

    def repr_failure(self, excinfo, style=None):
        if isinstance(excinfo.value, (CaseFailed, CannotRun)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self):
        return self.path, None, self.case["name"]


def describe(problem):
    place = f"{problem['file']}:{problem['line']}:{problem['column']}" if problem["line"] else problem["file"]
    hint = f" ({problem['hint']})" if problem["hint"] else ""
    return f"{place}: {problem['severity']}: {problem['message']}{hint}"

