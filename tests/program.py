"""The program that tests look at from outside, and one finished call of it. Not in a conftest.py: there are several, and
they share one module name."""
import hashlib
import json
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
HAIRPIN = pathlib.Path(os.environ.get("HAIRPIN", ROOT / "build" / "release" / "hairpin"))


class Run:
    """One finished call of the program."""

    def __init__(self, process, out):
        self.code = process.returncode
        self.stdout = process.stdout
        self.stderr = process.stderr
        self.out = out

    def result(self, case):
        return json.loads((self.out / case / "result.json").read_text())

    def events(self, case):
        lines = (self.out / case / "events.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def hashes(self):
        """sha256 of every trace.pcapng and result.json, by path below the output folder."""
        return {
            str(path.relative_to(self.out)): hashlib.sha256(path.read_bytes()).hexdigest()
            for pattern in ("**/trace.pcapng", "**/result.json")
            for path in sorted(self.out.glob(pattern))
        }
