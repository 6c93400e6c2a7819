"""`hairpin serve` against coturn's client programs, on loopback: every transport, NAT discovery, its own certificate; and
how it refuses what makes no sense."""
import contextlib
import shutil
import signal
import socket
import subprocess

import program
import pytest

LIMIT_S = 60  # for a test that hangs


def needs(tool):
    return pytest.mark.skipif(shutil.which(tool) is None, reason=f"{tool} is not installed (coturn-utils of Debian)")


def free_ports(n):
    """Ports nobody has, of UDP and TCP, below the ephemeral ones."""
    found = []
    for port in range(20000, 30000):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            try:
                udp.bind(("127.0.0.1", port))
                tcp.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == n:
            return found
    pytest.skip("no free ports")


@contextlib.contextmanager
def serving(*options):
    process = subprocess.Popen([program.HAIRPIN, "serve", *map(str, options)], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    try:
        ready = process.stdout.readline()
        assert ready.startswith("ready:"), ready + process.stderr.read()
        process.ready = ready
        yield process
        process.send_signal(signal.SIGINT)
        process.told, process.complaints = process.communicate(timeout=LIMIT_S)
        assert process.returncode == 0, process.complaints
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def client(*words):
    return subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=LIMIT_S)


def relay(port, *options):
    """Two clients that talk through the server: -y; lost datagrams are in its last lines."""
    return client("turnutils_uclient", "-p", port, "-u", "alice", "-w", "secret", "-y", "-c", "-m", 2, "-n", 20, *options,
                  "127.0.0.1")


USER = ("--user", "alice:secret", "--allow-loopback-peers")


@needs("turnutils_stunclient")
def test_stun_alone():
    port, = free_ports(1)
    with serving("--listen", f"127.0.0.1:{port}") as server:
        assert server.ready.split() == ["ready:", f"udp:127.0.0.1:{port}", f"tcp:127.0.0.1:{port}"]
        said = client("turnutils_stunclient", "-p", port, "127.0.0.1")
        assert "UDP reflexive addr: 127.0.0.1" in said.stdout, said.stdout + said.stderr
    assert "requests, 0 of them answered with an error, 0 allocations" in server.told


@needs("turnutils_uclient")
@pytest.mark.parametrize("transport, options", [
    ("udp", ()), ("tcp", ("-t",)), ("tls", ("-t", "-S")), ("dtls", ("-S",)),
])
def test_relays(transport, options):
    port, tls_port = free_ports(2)
    with serving("--listen", f"127.0.0.1:{port}", "--tls-port", tls_port, "--transport", "udp,tcp,tls,dtls",
                 *USER) as server:
        said = relay(tls_port if "-S" in options else port, *options)
        assert said.returncode == 0, said.stdout + said.stderr
        assert "tot_send_msgs=40, tot_recv_msgs=40" in said.stdout, said.stdout
        assert "Total lost packets 0 (0.000000%)" in said.stdout, said.stdout
    assert "relayed to peers 40 packets (4000 bytes), to clients 40 (4000)" in server.told


@needs("turnutils_uclient")
def test_a_wrong_password_relays_nothing():
    port, = free_ports(1)
    with serving("--listen", f"127.0.0.1:{port}", *USER) as server:
        said = client("turnutils_uclient", "-p", port, "-u", "alice", "-w", "guess", "-y", "-n", 1, "127.0.0.1")
        assert said.returncode != 0 and "Cannot complete Allocation" in said.stdout
    assert " 0 allocations" in server.told and "requests, 0 of them" not in server.told


@needs("turnutils_uclient")
def test_relay_address_and_ports():
    port, first = free_ports(2)
    with serving("--listen", f"127.0.0.1:{port}", "--relay", "127.0.0.7", "--relay-ports", f"{first}-{first + 9}",
                 *USER) as server:
        assert "127.0.0.7" not in server.ready
        said = relay(port, "-v")
        assert "tot_send_msgs=40, tot_recv_msgs=40" in said.stdout, said.stdout
        relayed = [line.rsplit(" ", 1)[-1] for line in said.stdout.splitlines() if "relay addr" in line]
        assert relayed and all(address.startswith("127.0.0.7:") for address in relayed)
        assert all(first <= int(address.rsplit(":", 1)[1]) <= first + 9 for address in relayed)


@needs("turnutils_natdiscovery")
def test_nat_discovery():
    port, = free_ports(1)
    with serving("--listen", f"127.0.0.1:{port}", "--listen", "127.0.0.2", "--rfc5780"):
        said = client("turnutils_natdiscovery", "-m", "-f", "-p", port, "127.0.0.1")
        assert "NAT with Endpoint Independent Mapping!" in said.stdout, said.stdout
        assert "NAT with Endpoint Independent Filtering!" in said.stdout, said.stdout


@needs("openssl")
def test_its_own_certificate(tmp_path):
    port, tls_port = free_ports(2)
    for kind in (["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], ["rsa:2048"]):
        made = client("openssl", "req", "-x509", "-nodes", "-newkey", *kind, "-subj", "/CN=turn.example", "-days", 2,
                      "-keyout", tmp_path / "key.pem", "-out", tmp_path / "certificate.pem")
        assert made.returncode == 0, made.stderr
        with serving("--listen", f"127.0.0.1:{port}", "--tls-port", tls_port, "--transport", "tls", "--certificate",
                     tmp_path / "certificate.pem", "--key", tmp_path / "key.pem"):
            said = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{tls_port}", "-CAfile",
                                   str(tmp_path / "certificate.pem"), "-alpn", "stun.turn"],
                                  input="", capture_output=True, text=True, timeout=LIMIT_S)
            assert "CN = turn.example" in said.stdout and "Verify return code: 0 (ok)" in said.stdout, said.stdout


def test_a_server_of_a_scenario(tmp_path):
    port, = free_ports(1)
    (tmp_path / "world.yaml").write_text(
        "name: world\nservers:\n  turn: {kind: turn, users: {alice: secret}}\n  dns: {kind: dns}\n"
        "peers:\n  alice: {behind: internet}\n  bob: {behind: internet}\nsteps:\n  - call: {from: alice, to: bob}\n")
    with serving("--config", tmp_path / "world.yaml", "--server", "turn", "--listen", f"127.0.0.1:{port}") as server:
        assert f"udp:127.0.0.1:{port}" in server.ready
    refused = client(program.HAIRPIN, "serve", "--config", tmp_path / "world.yaml")
    assert refused.returncode == 2 and "2 servers" in refused.stderr, refused.stderr
    refused = client(program.HAIRPIN, "serve", "--config", tmp_path / "world.yaml", "--server", "turn")
    assert refused.returncode == 3 and "is no address of this machine" in refused.stderr, refused.stderr


def test_the_password_is_nowhere_printed():
    port, = free_ports(1)
    with serving("--listen", f"127.0.0.1:{port}", "--user", "alice:hunter2") as server:
        pass
    assert "hunter2" not in server.ready + server.told + server.complaints


def test_port_in_use():
    port, = free_ports(1)
    for transport in ("udp", "tcp"):
        with serving("--listen", f"127.0.0.1:{port}", "--transport", transport):
            second = client(program.HAIRPIN, "serve", "--listen", f"127.0.0.1:{port}", "--transport", transport)
            assert second.returncode == 3
            assert f"127.0.0.1:{port} is taken by another program" in second.stderr


@pytest.mark.parametrize("options, code, message", [
    (["--listen", "203.0.113.77"], 3, "203.0.113.77 is no address of this machine"),
    (["--listen", "nonsense"], 2, "--listen"),
    (["--listen", "0.0.0.0"], 2, "--listen"),
    (["--listen", "127.0.0.1:1", "--listen", "127.0.0.2:2"], 2, "one port"),
    (["--listen", "127.0.0.1", "--listen", "127.0.0.1:3478"], 2, "there twice"),
    (["--listen", "127.0.0.1", "--listen", "::1", "--rfc5780"], 2, "two addresses of a family"),
    (["--user", "alice"], 2, "NAME:PASSWORD"),
    (["--users", "/nonexistent/users"], 2, "--users"),
    (["--transport", "udp,sctp"], 2, "`sctp` is none of"),
    (["--tls-port", "70000"], 2, "--tls-port"),
    (["--relay-ports", "9-1"], 2, "--relay-ports"),
    (["--relay", "127.0.0.1:5"], 2, "--relay"),
    (["--lifetime", "10"], 2, "--lifetime"),
    (["--certificate", "/nonexistent"], 2, "belong together"),
    (["--transport", "tls", "--certificate", "/nonexistent", "--key", "/nonexistent"], 3, "/nonexistent"),
    (["--deny-peer", "10.0.0.0/33"], 2, "--deny-peer"),
    (["--config", "/nonexistent.yaml"], 2, "/nonexistent.yaml"),
    (["--wrong"], 2, "wrong"),
    (["file.yaml"], 2, "--config"),
])
def test_what_makes_no_sense(options, code, message):
    said = client(program.HAIRPIN, "serve", *options, *([] if "--listen" in options else ["--listen", "127.0.0.1"]))
    assert said.returncode == code, said.stderr
    assert message in said.stderr
