"""Runs in the live world: peers and servers of ours as processes on kernel sockets, steps, what a run says of itself,
cases that a world cannot run, and what is left behind, which is nothing."""
import json
import os
import pathlib
import pwd
import resource
import signal
import subprocess
import tempfile
import time

import pytest

CALL = """
name: case
network: {nats: {home: %(home)s, office: %(office)s}, internet: {delay: 10ms}}
servers: {turn: {kind: turn, transports: [udp, tcp, tls]}}
defaults: {ice: {stun: turn, %(ice)s}}
peers:
  alice: {behind: home}
  bob: {behind: office}
steps:
  - call: {from: alice, to: bob%(call)s}
%(steps)s
expect:
%(expect)s
until: %(until)s
"""


def case(home="port-restricted-cone", office="port-restricted-cone", ice="turn: turn", call="", steps=(),
         expect=("connected",), until="8s"):
    lines = {"steps": "".join(f"  - {s}\n" for s in steps), "expect": "".join(f"  - {e}\n" for e in expect)}
    return CALL % {"home": home, "office": office, "ice": ice, "call": call, "until": until, **lines}


def skip_if_it_cannot(run):
    """Where the machine lacks rights or speed the test says so, and nothing of the software."""
    if run.code == 3:
        pytest.skip((run.stdout + run.stderr).strip()[-400:])
    return run


@pytest.fixture
def live(run_scenario):
    """Runs a scenario live: live(text, *args) -> Run that passed."""

    def call(text, *args, **kwargs):
        run = skip_if_it_cannot(run_scenario(text, "--world", "live", *args, **kwargs))
        assert run.code == 0, run.stdout + run.stderr
        return run

    return call


# ---- calls ----

def test_two_peers_behind_nats_meet(live):
    text = case(steps=["wait-for: ready", "send: {from: alice, to: bob, count: 50, interval: 10ms}"],
                expect=["connected: {within: 4s}", "delivery: {loss: 0%}"])
    result = live(text).result("case")
    assert result["world"] == "live"
    path, = result["path"]
    assert path["kind"] == "direct"
    flows = {flow["from"]: flow for flow in result["flows"]}
    assert flows["alice"]["received"] == flows["bob"]["received"] == 50
    assert flows["alice"]["latency"]["min_ns"] >= 10_000_000  # no datagram is faster than its link


def test_what_a_run_says_of_itself(live):
    told = live(case()).result("case")["live"]
    assert {host["host"] for host in told["hosts"]} == {"alice", "bob", "turn"}
    assert all(host["device"] in ("tun", "veth") for host in told["hosts"])
    assert all(host["tx_dropped"] == host["receive_errors"] == 0 for host in told["hosts"])
    assert all(host["from_kernel"] > 0 and host["to_kernel"] > 0 for host in told["hosts"])
    kinds = {program["program"]: program["kind"] for program in told["programs"]}
    assert kinds == {"alice": "libnice", "bob": "libnice", "turn": "builtin", "broker": "broker"}
    assert all(program["user_ns"] + program["system_ns"] > 0 for program in told["programs"])
    assert told["late_median_ns"] <= told["late_p99_ns"] <= told["late_max_ns"]
    assert told["too_slow"] is None


def test_what_a_run_says_of_a_kernels_nat(live):
    """What its kernel loses makes a run invalid as what a host's does."""
    told = live(case(home="{kernel: masquerade, preset: linux-netfilter-firewalled}")).result("case")["live"]
    nat, = (host for host in told["hosts"] if host["host"] == "home")
    assert nat["device"] in ("tun", "veth")
    assert nat["from_kernel"] > 0 and nat["to_kernel"] > 0
    assert nat["tx_dropped"] == nat["untold"] == 0


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_relayed(live, transport):
    text = case("symmetric", "symmetric", ice=f"turn: turn, turn-transports: {transport}",
                steps=["wait-for: ready", "send: {from: alice, to: bob, count: 50, interval: 10ms}"],
                expect=["connected: {within: 6s}", "delivery: {loss: 0%}",
                        'relayed: {at: turn, packets: ">= 100"}'])
    run = live(text)
    path, = run.result("case")["path"]
    assert path["kind"] == "relay"
    requests = [e for e in run.events("case") if e["event"] == "server-request" and e["method"] == "Allocate"]
    assert {e["transport"] for e in requests} == {transport}


def test_audio_and_video_by_dtls_srtp(live):
    text = case(call=", media: [audio, video]", until="6s",
                expect=["connected", "media: {audio: {loss: 0%, received: '>= 100'}, video: {loss: 0%}}"])
    result = live(text).result("case")
    assert {d["state"] for d in result["dtls"]} == {"connected"}
    tracks = {(t["from"], t["kind"]): t for t in result["tracks"]}
    assert set(tracks) == {("alice", "audio"), ("alice", "video"), ("bob", "audio"), ("bob", "video")}
    assert all(t["received"] > 100 for t in tracks.values())


def test_data_channel(live):
    text = case(call=", data: true",
                steps=["wait-for: connected", "send: {from: alice, to: bob, channel: chat, count: 50, both: false}"],
                expect=["event: {event: channel-state, of: bob, where: {state: open, label: chat}}",
                        "delivery: {channel: chat, sent: 50, loss: 0%}"])
    live(text)


# ---- steps ----

def test_an_interface_goes_down_and_a_restart_finds_the_other_one(live):
    live("""
name: case
network: {nats: {home: port-restricted-cone, carrier: port-restricted-cone}}
servers: {stun: stun}
peers:
  alice: {interfaces: {lte: carrier, wifi: home}, ice: {stun: stun}}
  bob: {ice: {stun: stun}}
steps:
  - call: {from: alice, to: bob}
  - wait-for: connected
  - send: {from: alice, to: bob, for: 8s}
  - wait: 1s
  - interface-down: {peer: alice, interface: wifi}
  - wait: 1s
  - ice-restart: alice
expect:
  - connected: {within: 6s}
  - delivery: {from: bob, to: alice, received: 0, after: interface-down, before: ice-restart}
  - recovered: {after: ice-restart, within: 6s}
until: 12s
""")


def test_a_server_is_stopped_and_started(live):
    run = live(case("symmetric", "symmetric", until="12s",
                    steps=["wait-for: ready", "stop-server: turn", "send: {from: alice, to: bob, count: 20, wait: true}",
                           "start-server: turn"],
                    expect=["connected", "delivery: {received: 0}"]))
    events = [e["event"] for e in run.events("case") if e["event"] in ("server-stopped", "server-started")]
    assert events == ["server-started", "server-stopped", "server-started"]


def test_a_nat_gets_another_address(live):
    live(case(office="full-cone", ice="trickle: true", until="12s",
              steps=["wait-for: ready", "send: {from: alice, to: bob, for: 8s}", "wait: 1s", "renumber: home",
                     "wait: 500ms", "ice-restart: alice"],
              expect=["connected", "recovered: {after: ice-restart, within: 6s}"]))


def test_a_server_gets_another_address(live):
    """A second call gathers at the old address and finds nobody there."""
    run = live(case(ice="turn: turn", until="8s", steps=["wait-for: ready", "renumber: turn"],
                    expect=["connected", "event: {event: server-stopped, of: turn}"]))
    assert run.result("case")["verdict"] == "pass"


# ---- worlds ----

FOREIGN = """
name: case
peers: {alice: {exec: [/bin/true]}, bob: }
steps: [call: {from: alice, to: bob, data: true}]
expect: [connected]
"""
VIRTUAL = case(expect=["connected"]).replace("name: case", "name: case\nworlds: virtual\nworlds-why: because")


@pytest.mark.parametrize("text, world, reason", ids=["foreign", "virtual"], argvalues=[
    (FOREIGN, "virtual", "peer `alice` is program exec, which is in the live world alone"),
    (VIRTUAL, "live", "the scenario is for the virtual world: because"),
])
def test_a_case_of_another_world_is_skipped(run_scenario, text, world, reason):
    junit = "report.xml"
    run = run_scenario(text, "--world", world, "--junit", junit, cwd=None)
    pathlib.Path(junit).unlink(missing_ok=True)
    if "live world cannot run here" in run.stderr:
        pytest.skip(run.stderr)
    assert run.code == 3
    assert reason in run.stdout and "0 passed, 0 failed, 1 skipped" in run.stdout
    result = json.loads((run.out / "result.json").read_text())
    assert result["totals"]["skipped"] == 1
    document, = result["cases"]
    assert (document["verdict"], document["good"], document["message"]) == ("skipped", False, reason)


def test_what_is_skipped_spoils_nothing(hairpin, tmp_path):
    (tmp_path / "a.yaml").write_text(FOREIGN.replace("case", "a"))
    (tmp_path / "b.yaml").write_text("name: b\npeers: {alice: , bob: }\nsteps: [call: {from: alice, to: bob}]\n"
                                     "expect: [connected]\n")
    junit = tmp_path / "junit.xml"
    run = hairpin("run", tmp_path, "--junit", junit, "--fail-fast")
    assert run.code == 0, run.stdout + run.stderr
    assert "1 passed, 0 failed, 1 skipped" in run.stdout
    assert '<skipped type="skipped"' in junit.read_text()
    tap = hairpin("run", tmp_path, "--tap").stdout
    assert "ok 1 - a # SKIP skipped: peer" in tap and "ok 2 - b\n" in tap


def test_the_virtual_world_says_nothing_of_live_runs(run_scenario):
    run = run_scenario(case())
    assert run.code == 0
    assert not {"live", "world"} & run.result("case").keys()
    assert not any(e["event"].startswith("live-") for e in run.events("case"))


# ---- the machine ----

def test_as_an_ordinary_user(run_scenario, hairpin_path):
    if os.geteuid() != 0:
        pytest.skip("all other tests are as an ordinary user already")
    nobody = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        path = pathlib.Path(folder, "case.yaml")
        path.write_text(case())
        path.chmod(0o644)
        process = subprocess.run(
            ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups", str(hairpin_path),
             "run", str(path), "--world", "live", "--out", f"{folder}/out"],
            capture_output=True, text=True, timeout=100, check=False)
        if process.returncode == 3:
            pytest.skip((process.stdout + process.stderr)[-400:])
        assert process.returncode == 0, process.stdout + process.stderr


def test_many_hosts_where_few_descriptors_are_usual(run_scenario, tmp_path):
    """The limit is raised for the run, and not for the programs in it."""
    few = 64
    (tmp_path / "ask.py").write_text("import resource, time\n"
                                     "print('limit', resource.getrlimit(resource.RLIMIT_NOFILE)[0])\n"
                                     "print('{\"event\": \"ready\"}')\n"
                                     "time.sleep(600)\n")
    peers = "".join(f"  p{i}: {{}}\n" for i in range(24))
    text = (f"name: many\nservers: {{asks: {{kind: other, exec: [/usr/bin/python3, -u, {tmp_path}/ask.py]}}}}\n"
            f"peers:\n{peers}steps:\n  - call: {{from: p0, to: p1}}\nexpect:\n  - connected\nuntil: 5s\n")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 1024:
        pytest.skip("no more descriptors to be had here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (few, hard))
    try:
        run = run_scenario(text, "--world", "live", "--out", tmp_path / "out", "--evidence", "all")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert "Too many open files" not in run.stdout + run.stderr
    skip_if_it_cannot(run)
    assert run.code == 0, run.stdout + run.stderr
    assert f"limit {few}" in next(tmp_path.glob("out/**/asks.log")).read_text()


def test_without_tun(live):
    told = live(case(), env={"HAIRPIN_LIVE_DEVICE": "veth"}).result("case")["live"]
    assert {host["device"] for host in told["hosts"]} == {"veth"}


def children(pid):
    """All processes below this one, by what the kernel says of parents."""
    parents = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, todo = [], [pid]
    while todo:
        below = parents.get(todo.pop(), [])
        found += below
        todo += below
    return found


class Background:
    """A live run that is under way: its programs have begun."""

    def __init__(self, hairpin_path, tmp_path, until="60s"):
        path = tmp_path / "case.yaml"
        path.write_text(case(until=until, steps=["wait-for: ready", "send: {from: alice, to: bob, for: 30s, wait: true}"]))
        self.temporary = tmp_path / "temporary"
        self.temporary.mkdir()
        self.out = tmp_path / "out"
        self.environment = {**os.environ, "TMPDIR": str(self.temporary)}
        self.command = [str(hairpin_path), "run", str(path), "--world", "live", "--out", str(self.out)]
        self.process = subprocess.Popen(self.command, env=self.environment, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        while self.process.poll() is None and not self.under_way():
            time.sleep(0.01)
        if self.process.poll() == 3:
            pytest.skip(self.process.stdout.read())
        assert self.process.poll() is None, self.process.stdout.read()
        self.processes = children(self.process.pid)

    def under_way(self):
        """The programs are in namespaces of their own."""
        found = set()
        for pid in children(self.process.pid):
            try:
                found.add(os.readlink(f"/proc/{pid}/ns/net"))
            except OSError:
                pass
        return len(found - {os.readlink("/proc/self/ns/net")}) >= 3

    def folders(self):
        return sorted(self.temporary.glob("hairpin-live-*"))

    def wait_until_all_are_gone(self):
        """They end by the kernel's doing, which takes a moment. A namespace has nothing but them to live by."""
        limit = time.monotonic() + 20
        while time.monotonic() < limit and any(is_alive(pid) for pid in self.processes):
            time.sleep(0.01)
        assert not [pid for pid in self.processes if is_alive(pid)]


def is_alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_killed_run_leaves_nothing_that_the_next_one_does_not_take_away(hairpin_path, tmp_path):
    run = Background(hairpin_path, tmp_path)
    assert run.folders()
    run.process.kill()
    run.process.wait()
    run.wait_until_all_are_gone()
    (tmp_path / "case.yaml").write_text(case(until="3s"))
    process = subprocess.run(run.command, env=run.environment, capture_output=True, text=True, timeout=100, check=False)
    assert process.returncode in (0, 3), process.stdout + process.stderr
    assert not run.folders()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing(hairpin_path, tmp_path, number):
    run = Background(hairpin_path, tmp_path)
    run.process.send_signal(number)
    text = run.process.communicate(timeout=60)[0]
    assert run.process.returncode == -number
    assert "interrupted" in text
    run.wait_until_all_are_gone()
    assert not run.folders()
    assert not (run.out / "case").exists()


def has_gathered(run):
    """Whether a peer has sockets, which it makes when it is told to call: run time has begun. The server has some before."""
    found = set()
    for pid in run.processes:
        try:
            sockets = pathlib.Path(f"/proc/{pid}/net/udp").read_text().splitlines()[1:]
            found |= {os.readlink(f"/proc/{pid}/ns/net")} if sockets else set()
        except OSError:
            continue
    return len(found - {os.readlink("/proc/self/ns/net")}) >= 2


def holds_devices(pid):
    links = (os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd"))
    return sum(link == "/dev/net/tun" for link in links) >= 3


def test_a_machine_that_stands_still_makes_a_run_invalid(hairpin_path, tmp_path):
    """The network is held for a while: neither pass nor fail, whatever was expected."""
    run = Background(hairpin_path, tmp_path, until="5s")
    while not has_gathered(run):
        time.sleep(0.01)
    fabric, = filter(holds_devices, run.processes)
    os.kill(fabric, signal.SIGSTOP)
    time.sleep(0.3)  # what is tested: a pause of that length
    os.kill(fabric, signal.SIGCONT)
    text = run.process.communicate(timeout=120)[0]
    assert run.process.returncode == 3, text
    assert "INVALID" in text and "the machine was too slow" in text
