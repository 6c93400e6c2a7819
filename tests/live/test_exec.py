"""Programs of the user's in the live world: what the protocol of EXEC.md does in a run, the broker's WebSockets under
it, and what becomes of programs that fail."""
import json
import pathlib

import pytest

PEER = pathlib.Path(__file__).with_name("exec_peer.py")

SCENARIO = """
name: case
network: {nats: {home: full-cone}}
servers:
  turn: {kind: turn, transports: [udp, tcp, tls]}
  stun: {kind: stun, families: [ipv4, ipv6]}
peers:
  alice:
    behind: home
    exec: [/usr/bin/python3, %(peer)s]
    environment: {MODE: %(alice)s, EXTRA: "two words"}
    ice: {stun: stun, turn: turn, turn-transports: [udp, tls]}
  bob: {exec: [/usr/bin/python3, %(peer)s], environment: {MODE: %(bob)s}}
steps:
  - call: {from: alice, to: bob, data: true}
  - wait-for: {state: connected}
expect:
  - connected
until: %(until)s
"""


@pytest.fixture
def call(run_live):
    """Runs the scenario live, peers in these modes."""

    def run(alice="good", bob="good", until="3s", more=""):
        return run_live(SCENARIO % {"peer": PEER, "alice": alice, "bob": bob, "until": until} + more)

    return run


def of_kind(run, kind, subject=None):
    return [e for e in run.events("case") if e["event"] == kind and subject in (None, e["subject"])]


def test_two_programs_call_each_other(call):
    run = call()
    assert run.code == 0, run.stdout + run.stderr
    states = [e["state"] for e in of_kind(run, "ice-state", "alice")]
    assert states == ["connecting", "connected"]
    pair, = of_kind(run, "selected-pair", "bob")
    assert (pair["with"], pair["local"], pair["remote"]) == ("alice", "host", "srflx")
    assert pair["local-address"].endswith(":4000")
    told = [e["message"] for e in of_kind(run, "sut-log", "alice") if e["message"].startswith("told ")]
    assert json.loads(told[0][5:]) == {"do": "call", "to": "bob", "audio": False, "video": False, "data": True}
    assert json.loads(told[-1][5:]) == {"do": "finish"}
    stats, = of_kind(run, "media-stats", "alice")
    assert (stats["packets"], stats["lost"]) == (50, 1) and "frames" not in stats


def test_a_send_lasts_as_long_as_it_should(run_live):
    """Nobody tells when a foreign program has sent its last message: `wait` waits count times interval."""
    run = run_live(f"""
name: case
peers:
  alice: {{exec: [/usr/bin/python3, {PEER}], environment: {{MODE: good}}}}
  bob: {{exec: [/usr/bin/python3, {PEER}], environment: {{MODE: good}}}}
steps:
  - call: {{from: alice, to: bob, data: true}}
  - wait-for: {{state: connected}}
  - send: {{from: alice, to: bob, channel: x, interval: 100ms, count: 5, both: false, wait: true}}
  - wait: 1ms
until: 5s
""")
    begun = [step["at"] for step in of_kind(run, "step")]
    assert len(begun) == 4 and begun[3] - begun[2] >= 500_000_000
    assert any('"do":"send"' in event["message"].replace(" ", "") for event in of_kind(run, "sut-log", "alice"))


def test_what_a_program_is_told_of_its_world(call, monkeypatch):
    monkeypatch.setenv("HAIRPIN_SCREENSHOTS", "what Hairpin's tests are told")
    run = call()
    line = next(e["message"] for e in of_kind(run, "sut-log", "alice") if e["message"].startswith("environment "))
    environment = json.loads(line.removeprefix("environment "))
    servers = json.loads(environment.pop("HAIRPIN_ICE_SERVERS"))
    folder = environment.pop("HAIRPIN_FOLDER")
    assert folder.endswith("/alice") and not pathlib.Path(folder).exists()
    assert environment == {
        "HAIRPIN_NAME": "alice",
        "HAIRPIN_ROLE": "peer",
        "HAIRPIN_SIGNALING": "ws://127.0.0.1:7880/",
        "HAIRPIN_ADDRESSES": "192.168.1.10",
        "HAIRPIN_ICE_TRANSPORT_POLICY": "all",
        "EXTRA": "two words",
    }
    turn, stun = "203.0.113.10", "203.0.113.11"
    assert servers == [
        {"urls": [f"stun:{stun}:3478"]},  # alice has no IPv6
        {"urls": [f"turn:{turn}:3478?transport=udp", f"turns:{turn}:5349?transport=tcp"],
         "username": "hairpin", "credential": "hairpin"},
    ]


def test_what_the_broker_makes_of_it(call):
    """A bad message costs its sender nothing but itself: the connection goes on."""
    run = call(more="signaling: {echo: true, delay: 20ms}\n")
    assert run.code == 0, run.stdout + run.stderr
    offer = next(e for e in of_kind(run, "signal-sent", "alice") if e["type"] == "offer")
    heard = {e["subject"]: e for e in of_kind(run, "signal-received") if e["message"] == offer["message"]}
    assert set(heard) == {"alice", "bob"}
    assert heard["alice"]["own"] == 1 and heard["bob"]["own"] == 0
    dropped = [e["reason"] for e in of_kind(run, "signal-dropped", "alice")]
    assert len(dropped) == 2 and "no JSON" in dropped[0] and "binary" in dropped[1]
    assert any(e["type"] == "answer" for e in of_kind(run, "signal-received", "alice"))


def test_a_program_that_ends_before_it_is_ready(call):
    run = call(bob="early")
    assert run.code not in (0, 3)
    assert "bob (exec): its program ended with exit code 3" in run.stdout
    assert "I cannot work like this" in (run.out / "case" / "bob.log").read_text()


def test_a_proxy_of_the_users_is_not_asked(run_live, tmp_path):
    (tmp_path / "peer.py").write_text(
        "import os, sys\nprint('proxies', sorted(k for k in os.environ if 'proxy' in k.lower()))\n"
        "print('{\"event\": \"ready\"}', flush=True)\nsys.stdin.read()\n")
    run = run_live("name: case\npeers:\n  bob:\n"
                   '  alice: {exec: [/usr/bin/python3, peer.py], environment: {MY_PROXY: "1"}}\n'
                   "steps: [{wait: 100ms}]\nexpect:\n"
                   "  - event: {event: sut-log, of: alice, where: {message: \"proxies ['MY_PROXY']\"}, count: 1}\n"
                   "until: 1s\n", env={"http_proxy": "http://192.0.2.1:3128", "ALL_PROXY": "socks://192.0.2.1"})
    assert run.code == 0, run.stdout + run.stderr


def test_names_are_looked_up_in_the_world(run_live, tmp_path):
    (tmp_path / "peer.py").write_text('''
import json, os, socket, sys
print(json.dumps({"event": "ready"}), flush=True)
for line in sys.stdin:
    if "call" in line and os.environ["HAIRPIN_NAME"] == "alice":
        print("found", socket.gethostbyname("stun.example"), os.listdir(os.environ["HAIRPIN_FOLDER"]), flush=True)
''')
    run = run_live("""
name: case
servers: {dns: {kind: dns}, stun: {kind: stun}}
peers:
  alice: {exec: [/usr/bin/python3, peer.py], dns: dns, ice: {stun: stun}}
  bob: {exec: [/usr/bin/python3, peer.py]}
steps: [{call: {from: alice, to: bob, data: true}}]
expect:
  - event: {event: sut-log, of: alice, count: 1, where: {message: "found 203.0.113.11 []"}}
until: 1s
""")
    assert run.code == 0, run.stdout + run.stderr


def test_a_program_that_crashes(call):
    run = call(alice="crash")
    assert run.code not in (0, 3)
    assert "alice (exec): its program was ended by signal 11" in run.stdout


def test_a_program_that_never_ends_its_line(call):
    run = call(alice="babble")
    assert run.code not in (0, 3)
    assert "alice (exec): its stdout: a line of more than 1048576 octets" in run.stdout


def test_a_program_that_floods_its_log(call):
    run = call(alice="flood", until="20s")
    assert run.code not in (0, 3)
    assert "alice (exec): its log has grown past 256 MiB" in run.stdout
    assert (run.out / "case" / "alice.log").stat().st_size <= 257 << 20


def test_a_peer_may_be_called_broker(run_scenario, tmp_path):
    (tmp_path / "peer.py").write_text("import sys\nprint('{\"event\": \"ready\"}', flush=True)\n"
                                      "print('mine', file=sys.stderr)\n"
                                      "sys.stdin.read()\n")
    run = run_scenario("name: case\npeers: {broker: {exec: [/usr/bin/python3, peer.py]}, bob: }\n"
                       "steps: [{wait: 100ms}]\nexpect: [event: {event: run-start, count: 1}]\n"
                       "until: 1s\n", "--world", "live")
    if run.code == 3 and "File exists" not in run.stdout:
        pytest.skip(run.stdout + run.stderr)
    assert run.code == 0, run.stdout + run.stderr
    assert (run.out / "case" / "broker.log").read_text() == "mine\n"


def test_a_program_that_does_not_finish_is_ended(call):
    run = call(alice="stays")
    assert run.code == 0, run.stdout + run.stderr


def test_a_program_that_is_not_there(run_scenario):
    run = run_scenario("name: case\npeers: {alice: {exec: no-such-program}, bob: }\n"
                       "steps: [{call: {from: alice, to: bob, data: true}}]\nexpect: [connected]\n", "--world", "live")
    assert run.code == 3
    assert "no-such-program" in run.stdout + run.stderr


def test_the_virtual_world_has_no_programs(run_scenario):
    run = run_scenario("name: case\npeers: {alice: {program: pion}, bob: }\n"
                       "steps: [{call: {from: alice, to: bob, data: true}}]\nexpect: [connected]\n")
    assert run.code == 3
    assert "peer `alice` is program pion, which is in the live world alone" in run.stdout


SERVER = """
name: case
servers: {box: {kind: other, port: 4000, exec: [/usr/bin/python3, -u, server.py], environment: {MODE: %s}}}
peers:
  mallory: {kind: raw, sockets: {box: {transport: tcp, to: "203.0.113.10:4000", framing: none, later: true}}, script: []}
%s
expect:
  - event: {event: server-started, of: box, count: %s}
until: 2s
"""

SERVER_PROGRAM = """
import json, os, socket, sys, time
mode = os.environ["MODE"]
if mode == "early":
    sys.exit(7)
listener = socket.create_server((os.environ["HAIRPIN_ADDRESSES"], int(os.environ["HAIRPIN_PORT"]) + (mode == "says")))
print("no event, but a line of the log")
if mode == "says":
    print(json.dumps({"event": "ready"}))
if mode == "late":
    time.sleep(1.5)
    sys.exit(8)
time.sleep(600)
"""


@pytest.fixture
def serve(run_live, tmp_path):
    def run(mode, steps="", started=0):
        (tmp_path / "server.py").write_text(SERVER_PROGRAM)
        return run_live(SERVER % (mode, steps, started))

    return run


@pytest.mark.parametrize("mode", ["binds", "says"])
def test_a_server_is_ready_when_it_listens_or_says_so(serve, mode):
    run = serve(mode)
    assert run.code == 0, run.stdout + run.stderr
    assert "no event, but a line of the log" in (run.out / "case" / "box.log").read_text()


def test_a_server_is_stopped_and_started(serve):
    run = serve("binds", "steps: [stop-server: box, wait-for: {event: server-stopped}, start-server: box, "
                "wait-for: {event: server-started}]", 1)
    assert run.code == 0, run.stdout + run.stderr


def test_a_stopped_server_is_gone_with_what_it_started(run_live, tmp_path):
    """Whatever a shell has started would go on behind its back, and answer."""
    (tmp_path / "server.py").write_text(SERVER_PROGRAM)
    run = run_live('''
name: case
servers:
  box: {kind: other, port: 4000, environment: {MODE: binds}, exec: [/bin/sh, -c, "python3 -u server.py; true"]}
peers:
  mallory:
    kind: raw
    sockets: {box: {transport: tcp, to: "203.0.113.10:4000", framing: none, later: true}}
    start: wait
    script: [{open: box}, {receive: {is: failed, socket: box}}]
steps: [stop-server: box, wait-for: {event: server-stopped}, wait: 100ms]
expect:
  - script: mallory
until: 3s
''')
    assert run.code == 0, run.stdout + run.stderr


def test_a_server_that_ends_by_itself(serve):
    early, late = serve("early"), serve("late")
    assert early.code not in (0, 3) and "box (exec): its program ended with exit code 7" in early.stdout
    assert late.code not in (0, 3) and "box (exec): its program ended with exit code 8" in late.stdout


def test_a_server_that_is_renumbered(run_live, tmp_path):
    """It goes on, knows the addresses that it began with, and is found at others where it binds to all of them."""
    (tmp_path / "server.py").write_text("import os, socket, time\nlistener = socket.create_server(('', 4000))\n"
                                        "print('told', os.environ['HAIRPIN_ADDRESSES'])\ntime.sleep(600)\n")
    run = run_live('''
name: case
servers: {box: {kind: other, port: 4000, exec: [/usr/bin/python3, -u, server.py]}}
peers:
  mallory:
    kind: raw
    sockets:
      before: {transport: tcp, to: "203.0.113.77:4000", framing: none, later: true}
      after: {transport: tcp, to: "203.0.113.77:4000", framing: none, later: true}
    start: wait
    script:
      - open: before
      - receive: {is: connected, socket: before}
      - wait-until: 3s
      - open: after
      - receive: {is: connected, socket: after}
steps:
  - renumber: {nat: box, to: 203.0.113.77}
  - wait: 1s
  - stop-server: box
  - wait-for: {event: server-stopped}
  - start-server: box
expect:
  - script: mallory
until: 5s
''')
    assert run.code == 0, run.stdout + run.stderr
    assert (run.out / "case" / "box.log").read_text() == "told 203.0.113.10\n" * 2
