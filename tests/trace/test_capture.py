"""Captures in and out: the recordings that are shipped, and what Wireshark's reader makes of the secrets in a trace."""
import importlib.util
import subprocess

import pytest

from program import ROOT

MEDIA = ROOT / "fixtures" / "media"


def tshark(path, *args):
    process = subprocess.run(["tshark", "-r", str(path), *args], capture_output=True, text=True, timeout=120)
    assert process.returncode == 0, process.stderr
    return process.stdout


@pytest.fixture(scope="module")
def voice():
    spec = importlib.util.spec_from_file_location("voice", MEDIA / "voice.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_recordings_are_what_their_program_makes(voice):
    packets = list(voice.frames())
    assert (MEDIA / "voice.pcap").read_bytes() == voice.pcap(packets)
    assert (MEDIA / "voice.pcapng").read_bytes() == voice.pcapng(packets)


@pytest.mark.parametrize("name", ["voice.pcap", "voice.pcapng"])
def test_the_recordings_are_speech_with_a_pause(name):
    rows = [line.split("\t") for line in
            tshark(MEDIA / name, "-d", "udp.port==4002,rtp", "-o", "udp.check_checksum:TRUE",
                   "-o", "ip.check_checksum:TRUE", "-Y", "rtp && udp.checksum.status == 1 && ip.checksum.status == 1",
                   "-T", "fields", "-e", "frame.time_relative", "-e", "rtp.seq", "-e", "rtp.p_type",
                   "-e", "rtp.marker").splitlines()]
    assert len(rows) == 110
    assert [round(float(row[0]) * 50) for row in rows] == [*range(60), *range(100, 150)]
    assert [int(row[1]) for row in rows] == [(65500 + i) % 65536 for i in range(110)]
    assert {row[2] for row in rows} == {"0"}
    assert [i for i, row in enumerate(rows) if row[3] == "1"] == [0, 60]


CALL = """
peers:
  alice:
  bob:
steps:
  - call: {from: alice, to: bob, media: audio, data: true}
expect:
  - media: {audio: {received: ">= 50"}}
until: 3s
"""

FINISHED = 20  # a handshake message that is always encrypted


def finished(path, *options):
    """How many Finished messages can be read at alice's tap."""
    rows = tshark(path, "-o", "rtp.heuristic_rtp:TRUE", *options, "-Y",
                  f'frame.interface_name == "alice" && dtls.handshake.type == {FINISHED}',
                  "-T", "fields", "-e", "frame.number")
    return len(rows.split())


def test_a_trace_opens_its_own_dtls(run_scenario, tmp_path):
    run = run_scenario(CALL)
    assert run.code == 0, run.stdout + run.stderr
    trace = run.out / "case" / "trace.pcapng"
    secrets = [event["line"] for event in run.events("case") if event["event"] == "dtls-secret"]
    assert secrets and all(line.startswith("CLIENT_RANDOM ") for line in secrets)
    assert finished(trace) >= 2  # one each way

    # Without the secrets the same packets stay closed: classic pcap has no room for them.
    bare = tmp_path / "bare.pcap"
    subprocess.run(["tshark", "-r", str(trace), "-Y", 'frame.interface_name == "alice"', "-F", "pcap", "-w", str(bare)],
                   check=True, capture_output=True, timeout=120)
    assert tshark(bare, "-Y", "dtls", "-T", "fields", "-e", "frame.number").split()
    assert not tshark(bare, "-Y", f"dtls.handshake.type == {FINISHED}").split()


def test_a_secret_stands_in_the_trace_once(run_scenario):
    run = run_scenario(CALL)
    data = (run.out / "case" / "trace.pcapng").read_bytes()
    lines = {event["line"] for event in run.events("case") if event["event"] == "dtls-secret"}
    assert lines
    for line in lines:
        assert data.count(line.encode() + b"\n") == 1
