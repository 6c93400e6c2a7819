"""What Hairpin says of a call's media, held against what Wireshark's tools and plain arithmetic make of its capture."""
import collections
import pathlib
import re
import statistics
import subprocess

import pytest

CALL = """
network:
  internet: {{{link}}}
defaults: {{media: {{audio: {{payload-type: 0, clock: 8000}}}}}}
peers:
  alice:
  bob:
steps:
  - call: {{from: alice, to: bob, media: audio}}
expect:
  - media: {{audio: {{received: ">= 1"}}}}
until: {until}
"""


def tshark(path, *args):
    process = subprocess.run(["tshark", "-r", str(path), *args], capture_output=True, text=True, timeout=120)
    assert process.returncode == 0, process.stderr
    return process.stdout


def rtp(path, tap, direction):
    """RTP packets at a tap: (time in ns, ssrc, sequence, timestamp), in the capture's order. direction: 1 in, 2 out."""
    rows = tshark(path, "-o", "rtp.heuristic_rtp:TRUE",
                  "-Y", f'rtp && frame.interface_name == "{tap}" && frame.packet_flags_direction == {direction}',
                  "-T", "fields", "-e", "frame.time_epoch", "-e", "rtp.ssrc", "-e", "rtp.seq", "-e", "rtp.timestamp")
    packets = []
    for row in rows.splitlines():
        time, ssrc, sequence, timestamp = row.split("\t")
        seconds, nanoseconds = time.split(".")
        packets.append((int(seconds) * 10**9 + int(nanoseconds.ljust(9, "0")), int(ssrc, 0), int(sequence),
                        int(timestamp)))
    return packets


def streams(path, tap, tmp_path):
    """tshark's own RTP analysis of what comes in at a tap, by SSRC: packets, lost, mean and maximum jitter in ms."""
    only = tmp_path / f"{tap}.pcapng"
    tshark(path, "-Y", f'frame.interface_name == "{tap}" && frame.packet_flags_direction == 1', "-w", str(only))
    table = tshark(only, "-o", "rtp.heuristic_rtp:TRUE", "-q", "-z", "rtp,streams")
    found = {}
    for line in table.splitlines():
        ssrc = re.search(r"0x[0-9A-Fa-f]{8}", line)
        if not ssrc:
            continue
        # payload, packets, lost (percent), then deltas and jitters: min, mean, max of each
        numbers = re.findall(r"-?\d+(?:\.\d+)?", line[ssrc.end():].replace("g711U", " "))
        packets, lost = int(numbers[0]), int(numbers[1])
        mean_jitter, max_jitter = float(numbers[-2]), float(numbers[-1])
        found[int(ssrc.group(), 16)] = (packets, lost, mean_jitter, max_jitter)
    return found


def track(result, sender):
    [found] = [t for t in result["tracks"] if t["from"] == sender]
    return found


@pytest.mark.parametrize("link", ["delay: 20ms", "delay: 20ms, loss: 5%", "delay: 30ms, jitter: 25ms",
                                  "delay: 15ms, loss: 2%, reorder: 4%, reorder-by: 35ms"])
def test_loss_and_jitter_are_what_tshark_computes(run_scenario, tmp_path, link):
    """Packets agree exactly; losses but for what was under way or lost after the last arrival, of which tshark cannot
    know. Jitter: tshark keeps fractions, RFC 3550 reports whole timestamp units: one of 1/8000 s, 0.125 ms, is the
    tolerance."""
    run = run_scenario(CALL.format(link=link, until="30s"))
    assert run.code == 0, run.stdout
    result = run.result("case")
    for sender, receiver in (("alice", "bob"), ("bob", "alice")):
        mine = track(result, sender)
        packets, lost, mean_jitter, max_jitter = streams(run.out / "case" / "trace.pcapng", receiver, tmp_path)[mine["ssrc"]]
        assert packets == mine["received"]
        assert mine["sent"] == mine["received"] + mine["lost"] + mine["in_flight"]
        assert -mine["in_flight"] <= mine["lost"] - lost <= 3
        assert mine["jitter_mean_ns"] / 1e6 == pytest.approx(mean_jitter, abs=0.125)
        assert mine["jitter_max_ns"] / 1e6 == pytest.approx(max_jitter, abs=0.125)


def test_latency_is_that_of_the_capture(run_scenario):
    """One clock: the latency of every packet is the difference of two times in the capture, to the nanosecond."""
    run = run_scenario(CALL.format(link="delay: 30ms, jitter: 25ms, loss: 1%", until="20s"))
    capture, result = run.out / "case" / "trace.pcapng", run.result("case")
    sent = {packet[1:3]: packet[0] for packet in rtp(capture, "alice", 2)}
    mine = track(result, "alice")
    latencies = sorted(time - sent[ssrc, sequence] for time, ssrc, sequence, _ in rtp(capture, "bob", 1)
                       if ssrc == mine["ssrc"])
    assert mine["latency"]["count"] == len(latencies) > 900
    assert mine["latency"]["min_ns"] == latencies[0] and mine["latency"]["max_ns"] == latencies[-1]
    assert mine["latency"]["mean_ns"] == pytest.approx(statistics.fmean(latencies), abs=1)
    assert mine["latency"]["p95_ns"] in latencies


def test_figures_follow_the_link(run_scenario):
    """Against the model: 20,000 packets a way through 5 % loss and uniform jitter of 20 ms. Bounds are four standard
    deviations of the binomial and of the mean of a uniform distribution."""
    run = run_scenario(CALL.format(link="delay: 20ms, jitter: 20ms, loss: 5%", until="400s"))
    for sender in ("alice", "bob"):
        mine = track(run.result("case"), sender)
        n = mine["sent"]
        assert n > 19000
        deviation = (n * 0.05 * 0.95) ** 0.5
        assert abs(mine["lost"] - 0.05 * n) < 4 * deviation
        assert mine["latency"]["min_ns"] >= 20_000_000
        # A packet never overtakes another here: at 20 ms apart and 20 ms of jitter that changes nothing.
        mean = 20e6 + 10e6
        assert abs(mine["latency"]["mean_ns"] - mean) < 4 * 20e6 / 12**0.5 / n**0.5 + 1e6
        assert mine["latency"]["max_ns"] < 41_500_000


def test_the_series_adds_up(shipped):
    """A point each 100 ms; all of them together are the whole."""
    seen = 0
    for path in shipped.out.glob("media/*/result.json"):
        result = shipped.result(path.parent.relative_to(shipped.out))
        for mine in result["tracks"]:
            series = mine["series"]
            assert sum(series["sent"]) == mine["sent"]
            assert sum(series["packets"]) == mine["received"] + mine["recovered"]
            assert sum(series["lost"]) == mine["lost"]
            assert series["interval_ns"] == 100_000_000
            seen += 1
    assert seen > 20


def test_the_capture_brings_its_dtls_secrets(shipped):
    """Finished messages are encrypted: to see them, tshark must have used the embedded key log."""
    capture = shipped.out / "media" / "audio-video" / "trace.pcapng"
    rows = tshark(capture, "-Y", "dtls.handshake.type == 20", "-T", "fields", "-e", "dtls.handshake.type").split()
    assert collections.Counter("".join(rows).replace(",", "").replace("20", "F"))["F"] >= 4
    assert "SRTP" in tshark(capture, "-Y", "dtls.handshake.type == 2", "-V")


def test_srtp_keys_are_told_and_are_the_same_on_both_sides(shipped):
    keys = [event for event in shipped.events(pathlib.Path("media") / "audio-video") if event["event"] == "srtp-key"]
    assert len(keys) == 4
    by_end = {(event["subject"], event["direction"]): (event["key"], event["salt"]) for event in keys}
    assert by_end["alice", "out"] == by_end["bob", "in"]
    assert by_end["bob", "out"] == by_end["alice", "in"]
    assert by_end["alice", "out"] != by_end["bob", "out"]
    assert all(re.fullmatch("[0-9a-f]{32}", event["key"]) for event in keys)
