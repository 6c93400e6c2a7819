"""The web server of live runs, asked by a plain HTTP client: which files it gives, and where it listens when."""
import json

import pytest

SCENARIO = """
name: case
servers: {web: {kind: web, root: site%(server)s}}
peers:
  alice: {exec: [/usr/bin/python3, client.py]}
  bob: {exec: [/usr/bin/python3, client.py]}
steps:
  - call: {from: alice, to: bob, data: true}
%(steps)s
expect:
  - event: {event: sut-log, of: alice, where: {message: never}, count: 0}
until: 3s
"""

# Asks at every call; "call" lines are all it reads.
CLIENT = """
import http.client, json, os, sys
print(json.dumps({"event": "ready"}), flush=True)
paths = json.loads(os.environ.get("PATHS") or open("paths.json").read())
for line in sys.stdin:
    if '"call"' not in line or os.environ["HAIRPIN_NAME"] != "alice":
        continue
    for host, path in paths:
        try:
            connection = http.client.HTTPConnection(host, 80, timeout=1)
            connection.request("GET", path)
            answer = connection.getresponse()
            said = [answer.status, answer.read().decode()]
        except OSError as error:
            said = [0, type(error).__name__]
        print("asked", json.dumps([host, path, *said]), flush=True)
"""

HOME, MOVED = "203.0.113.10", "203.0.113.99"


@pytest.fixture
def ask(run_live, tmp_path):
    """ask([(host, path)], server, steps) -> {(host, path): [(status, text), ...]}"""

    def run(paths, server="", steps=""):
        site = tmp_path / "site"
        site.mkdir()
        (site / "index.html").write_text("home")
        (site / "a b.txt").write_text("blank")
        (site / "50%25.txt").write_text("per cent")
        (tmp_path / "secret").write_text("secret")
        (tmp_path / "client.py").write_text(CLIENT)
        (tmp_path / "paths.json").write_text(json.dumps(paths))
        result = run_live(SCENARIO % {"server": server, "steps": steps})
        assert result.code == 0, result.stdout + result.stderr
        answers = {}
        for event in result.events("case"):
            if event["event"] == "sut-log" and event["message"].startswith("asked "):
                host, path, status, text = json.loads(event["message"][6:])
                answers.setdefault((host, path), []).append((status, text))
        return answers

    return run


def test_which_files_it_gives(ask):
    good = {"/": "home", "/index.html?x=1": "home", "/a%20b.txt": "blank", "/50%2525.txt": "per cent"}
    bad = ["/../secret", "/%2e%2e/secret", "/%252e%252e/secret", "/..%2fsecret", "//../secret", "/50%25.txt", "/none",
           "/%00", "/%zz"]
    answers = ask([[HOME, path] for path in [*good, *bad]])
    for path, text in good.items():
        assert answers[HOME, path] == [(200, text)]
    for path in bad:
        (status, text), = answers[HOME, path]
        assert 400 <= status < 500 and "secret" not in text, path


def test_a_server_that_starts_stopped(ask):
    answers = ask([[HOME, "/"]], ", stopped: true",
                  "  - wait: 200ms\n  - start-server: web\n  - call: {from: alice, to: bob, data: true}")
    assert answers[HOME, "/"] == [(0, "ConnectionRefusedError"), (200, "home")]


def test_a_server_that_is_renumbered(ask):
    answers = ask([[MOVED, "/"]], "",
                  f"  - wait: 200ms\n  - renumber: {{nat: web, to: {MOVED}}}\n"
                  "  - call: {from: alice, to: bob, data: true}")
    assert answers[MOVED, "/"][-1] == (200, "home")
