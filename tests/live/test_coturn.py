"""coturn as a server of live runs: every transport, RFC 5780, credentials, stop and start; and what its CPU costs."""
import pytest

from program import ROOT

SHIPPED = ROOT / "scenarios" / "live"


def good(run):
    assert run.code == 0, run.stdout + run.stderr
    return run


@pytest.mark.parametrize("name", ["coturn", "coturn-restart", "exec-stun"])
def test_shipped(run_live, name):
    good(run_live(SHIPPED / f"{name}.yaml"))


def test_every_transport_and_rfc_5780(run_live):
    """A raw peer asks over UDP, TCP, TLS and DTLS; the second address and port are told and answer."""
    good(run_live("""
name: case
servers:
  turn: {kind: turn, program: coturn, transports: [udp, tcp, tls, dtls], nat-discovery: true, families: [ipv4, ipv6]}
peers:
  mallory:
    kind: raw
    families: [ipv4, ipv6]
    sockets:
      tcp: {transport: tcp, to: turn}
      tls: {transport: tls, to: turn}
      dtls: {transport: dtls, to: turn}
      six: {ipv6: true}
    script:
      - send: {to: turn, stun: Binding}
      - receive: {stun: {class: success, attributes: [OTHER-ADDRESS, RESPONSE-ORIGIN]}}
      - send: {to: "203.0.113.11:3479", stun: Binding}
      - receive: {stun: {class: success}}
      - send: {socket: tcp, stun: Binding}
      - receive: {socket: tcp, stun: {class: success}}
      - send: {socket: tls, stun: Binding}
      - receive: {socket: tls, stun: {class: success}}
      - send: {socket: dtls, to: turn, stun: Binding}
      - receive: {socket: dtls, stun: {class: success}}
      - send: {socket: six, to: "[2001:db8:53::a]:3478", stun: Binding}
      - receive: {socket: six, stun: {class: success}}
expect:
  - script: mallory
until: 10s
"""))


def test_a_wrong_password_is_refused(run_live):
    run = run_live("""
name: case
network: {nats: {home: symmetric, office: symmetric}}
servers: {turn: {kind: turn, program: coturn, users: {alice: secret}}}
defaults: {ice: {turn: turn, force-relay: true}}
peers:
  alice: {behind: home, ice: {turn-password: guess}}
  bob: {behind: office}
steps:
  - call: {from: alice, to: bob}
expect:
  - candidates: {peer: bob, type: relay}
  - candidates: {peer: alice, type: relay, count: 0}
  - packets: {at: alice, match: {stun: {class: error, code: 401}}, count: ">= 1"}
until: 4s
""")
    good(run)
    assert "listener" in (run.out / "case" / "turn.log").read_text()


def test_a_server_that_starts_stopped(run_live):
    run = good(run_live("""
name: case
servers: {turn: {kind: turn, program: coturn, stopped: true}}
peers:
  mallory: {kind: raw, script: [{wait-until: 2s}, {send: {to: turn, stun: Binding}}, {receive: {stun: {class: success}}}]}
steps:
  - wait: 500ms
  - start-server: turn
  - wait-for: {event: server-started}
expect:
  - script: mallory
  - event: {event: server-started, of: turn, count: 1}
until: 6s
"""))
    started, = [e for e in run.events("case") if e["event"] == "server-started"]
    assert started["at"] >= 500_000_000


def test_a_server_that_is_renumbered(run_live):
    """coturn binds to addresses: it is started again at its new ones."""
    good(run_live("""
name: case
servers: {turn: {kind: turn, program: coturn}}
peers:
  mallory:
    kind: raw
    script:
      - send: {to: turn, stun: Binding}
      - receive: {stun: {class: success}}
      - wait-until: 4s
      - send: {to: "203.0.113.77:3478", stun: Binding}
      - receive: {stun: {class: success}}
steps:
  - wait: 1s
  - renumber: {nat: turn, to: 203.0.113.77}
expect:
  - script: mallory
until: 8s
"""))
