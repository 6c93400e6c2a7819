"""`hairpin show`: a run drawn as a ladder."""
import re

import pytest

CALL = """\
name: drawn
about: A call by TURN.
network: {nats: {home: symmetric, office: symmetric}}
servers: {turn: turn}
defaults: {ice: {stun: turn, turn: turn}}
peers: {alice: {behind: home}, bob: {behind: office}}
steps:
  - call: {from: alice, to: bob}
  - wait-for: connected
  - send: {from: alice, to: bob, for: 1s}
  - wait: 500ms
  - reboot: home
expect:
  - connected: {within: 4s}
until: 10s
"""

ORDER = [
    r"case: pass, 1\.\d+s",
    r"A call by TURN\.",
    r"alice +signaling +turn +bob",
    r"0\.0000 .* call alice ",
    r"ICE gathering",
    r" offer ",
    r"Allocate: 401 Unauthorized",
    r" answer ",
    r"no-route at internet",
    r"check: ok by turn x",
    r"pair \w+ to \w+",
    r"ICE connected",
    r" send alice ",
    r"flow 1 of 50 datagrams",
    r"data by turn x",
    r"first of flow \d \(after ",
    r" reboot home ",
    r" end: decided ",
    r"flow 1: 50 sent",
]

UTF8 = {"LC_ALL": "C.UTF-8"}


@pytest.fixture
def case(run_scenario):
    run = run_scenario(CALL)
    assert run.code == 0
    return run.out / "case"


def assert_in_order(text, patterns):
    at = 0
    for pattern in patterns:
        match = re.compile(pattern).search(text, at)
        assert match, f"{pattern} is not in what follows:\n{text[at:]}"
        at = match.end()


def test_a_call_in_order(hairpin, case):
    run = hairpin("show", case, env=UTF8)
    assert run.code == 0
    assert run.stderr == ""
    assert_in_order(run.stdout, ORDER)
    assert "├─ offer ─" in run.stdout
    assert "\033" not in run.stdout  # no terminal, no colours


def test_ascii_by_option_and_by_locale(hairpin, case):
    by_option = hairpin("show", case, "--ascii", env=UTF8)
    by_locale = hairpin("show", case, env={"LC_ALL": "C"})
    assert by_option.code == by_locale.code == 0
    assert by_option.stdout == by_locale.stdout
    assert by_option.stdout.isascii()
    assert_in_order(by_option.stdout, ORDER)
    assert "|- offer -" in by_option.stdout


@pytest.mark.parametrize("width", [40, 41, 63, 80, 132, 250])
@pytest.mark.parametrize("options", [(), ("--packets",), ("--ascii",), ("--peer", "bob")])
def test_no_line_is_longer_than_the_width(hairpin, case, width, options):
    run = hairpin("show", case, "--width", width, *options, env=UTF8)
    assert run.code == 0
    lines = run.stdout.splitlines()
    assert max(map(len, lines)) <= width
    assert all(line == line.rstrip() for line in lines)


def test_every_shipped_scenario_can_be_drawn(hairpin, shipped):
    folders = sorted(path.parent for path in shipped.out.glob("*/**/result.json"))
    assert folders
    for folder in folders:
        run = hairpin("show", folder, env=UTF8)
        assert run.code == 0, f"{folder}: {run.stderr}"
        assert "not seen again" not in run.stdout, folder
        assert max(map(len, run.stdout.splitlines())) <= 80


def test_packets_are_not_folded(hairpin, case):
    folded = hairpin("show", case, env=UTF8).stdout
    packets = hairpin("show", case, "--packets", "--width", 120, env=UTF8).stdout
    assert len(packets.splitlines()) > 3 * len(folded.splitlines())
    assert "Allocate error 401 Unauthorized" in packets
    assert "Send indication [Binding request]" in packets
    assert not re.search(r"candidate x\d", packets)


def test_a_window_of_time(hairpin, case):
    run = hairpin("show", case, "--packets", "--from", "100ms", "--to", "200ms", env=UTF8)
    assert run.code == 0
    times = [float(time) for time in re.findall(r"^ *(\d+\.\d{4}) ", run.stdout, re.M)]
    assert times
    assert all(0.1 <= time <= 0.2 for time in times)


def test_one_peer(hairpin, case):
    run = hairpin("show", case, "--peer", "turn", "--ascii")
    assert run.code == 0
    assert "Allocate: 401" in run.stdout
    assert "offer" not in run.stdout
    assert "signaling" not in run.stdout


@pytest.mark.parametrize("args, message", [
    ((), "which run?"), (("{case}", "{case}"), "one folder"), (("{case}", "--width", "39"), "--width"),
    (("{case}", "--width", "5000"), "--width"), (("{case}", "--from", "soon"), "`soon` is no time"),
    (("{case}", "--from", "2s", "--to", "1s"), "is after"), (("{case}", "--peer", "bop"), "did you mean `bob`"),
    (("no/such/folder",), "no evidence of a run"), (("{case}/..",), "no evidence of a run"),
    (("{case}", "--no-such-option"), "no-such-option")])
def test_bad_usage_is_two(hairpin, case, args, message):
    run = hairpin("show", *(arg.format(case=case) for arg in args))
    assert run.code == 2
    assert message in run.stderr
    assert run.stdout == ""


@pytest.mark.parametrize("name", ["events.jsonl", "trace.pcapng", "result.json"])
def test_a_file_that_is_cut_off(hairpin, case, name):
    path = case / name
    path.write_bytes(path.read_bytes()[:-7])
    run = hairpin("show", case, env=UTF8)
    assert run.code == 2
    assert "offer" in run.stdout  # what could be read
    assert name in run.stderr
    assert "the evidence is not whole" in run.stderr


@pytest.mark.parametrize("name", ["trace.pcapng", "result.json"])
def test_a_file_that_is_missing(hairpin, case, name):
    (case / name).unlink()
    run = hairpin("show", case, env=UTF8)
    assert run.code == 2
    assert "ICE connected" in run.stdout
    assert name in run.stderr


def test_evidence_of_another_version(hairpin, case):
    path = case / "result.json"
    path.write_text(path.read_text().replace("hairpin-result/1", "hairpin-result/99"))
    run = hairpin("show", case)
    assert run.code == 2
    assert "hairpin-result/99" in run.stderr
    assert run.stdout == ""


def test_media(hairpin, run_scenario):
    run = run_scenario("""\
name: media
peers: {alice: , bob: }
steps:
  - call: {from: alice, to: bob, media: [audio, video]}
  - wait: 3s
  - close: alice
expect:
  - connected: {within: 4s}
until: 5s
""")
    assert run.code == 0
    drawn = hairpin("show", run.out / "case", "--width", 140, env=UTF8)
    assert drawn.code == 0
    assert_in_order(drawn.stdout, [
        r"DTLS handshaking", r"DTLS ClientHello", r"DTLS ServerHello, Certificate", r"Finished",
        r"DTLS connected SRTP_", r"audio x\d+", r"first audio packet", r"first video frame", r" close alice ",
        r" end: ", r"audio: \d+ sent", r"video: \d+ sent"])
