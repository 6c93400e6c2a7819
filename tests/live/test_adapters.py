"""The adapters call each other: aiortc, webrtcbin and pion, in every pairing, with a broker of a few lines and no other
part of Hairpin. What a run makes of them is for the scenarios of scenarios/live."""
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from program import HAIRPIN

ADAPTERS = HAIRPIN.parent / "adapters"
NAMES = ("aiortc", "pion", "webrtcbin")
PAIR = pathlib.Path(__file__).with_name("adapter_pair.py")
EVERYTHING = {"do": "call", "to": "bob", "audio": True, "video": True, "data": True}
SECONDS = 30  # until a call counts as hung


def adapter(name):
    """The program; the test is skipped with the reason where it cannot run."""
    path = ADAPTERS / name
    if not path.exists():
        pytest.skip(f"the adapter for {name} was not built")
    answer = subprocess.run([path, "--check"], stdout=subprocess.PIPE, text=True, check=False)
    if answer.returncode != 0:
        pytest.skip(f"{name} misses: {answer.stdout.strip()}")
    return path


def namespace():
    """The words before a command that give it a network of its own."""
    pytest.importorskip("websockets")
    if not shutil.which("ip"):
        pytest.skip("no ip command (iproute2)")
    for words in (["unshare", "-n"], ["unshare", "-Urn"]):
        if subprocess.run([*words, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            return words
    return pytest.skip("this machine lets nobody make a network namespace")


def call(offerer, answerer, order, **environment):
    """What both ends said, and the broker's messages."""
    command = [*namespace(), sys.executable, PAIR, adapter(offerer), adapter(answerer), json.dumps(order), str(SECONDS)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                          env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    result["said"] = done.stderr
    return result


def of(result, name, event):
    return [each for each in result[name] if each["event"] == event]


def assert_whole(result):
    """The call came to everything that was asked for, and both programs went when they were told to."""
    assert result["done"], result["said"]
    assert result["codes"] == [0, 0], result["said"]
    for name, other in (("alice", "bob"), ("bob", "alice")):
        assert not of(result, name, "error") and not of(result, name, "no-json"), result["said"]
        sessions = of(result, name, "session")
        assert [each["state"] for each in sessions] == ["open", "closed"]
        assert result[name][-1]["event"] == "session", "nothing is told of a session after its end"
        assert {each["with"] for each in sessions} == {other}


@pytest.mark.parametrize("offerer, answerer", itertools.product(NAMES, NAMES))
def test_two_adapters_call_each_other(offerer, answerer):
    result = call(offerer, answerer, EVERYTHING)
    assert_whole(result)
    pairs = [of(result, name, "selected-pair")[-1] for name in ("alice", "bob")]
    assert pairs[0]["local"]["port"] == pairs[1]["remote"]["port"]
    assert pairs[1]["local"]["port"] == pairs[0]["remote"]["port"]
    assert len(of(result, "bob", "data")) == 3
    for name, other in (("alice", "bob"), ("bob", "alice")):
        for kind in ("audio", "video"):
            came = [each for each in of(result, name, "media") if (each["kind"], each["direction"]) == (kind, "in")][-1]
            went = [each for each in of(result, other, "media") if (each["kind"], each["direction"]) == (kind, "out")][-1]
            assert came["packets"] > 0 and came["octets"] > came["packets"] and came["lost"] <= 0
            assert came["frames"] > 0
            assert went["packets"] > 0 and went["octets"] > 0


@pytest.mark.parametrize("name", NAMES)
def test_a_call_to_all_is_answered_by_one(name):
    result = call(name, name, {"do": "call", "to": None, "audio": True})
    assert result["done"] and result["codes"] == [0, 0], result["said"]
    offer = next(each for each in result["messages"] if each["type"] == "offer")
    assert "to" not in offer
    assert of(result, "alice", "session")[-1]["with"] == "bob"


def test_pion_restarts_ice():
    result = call("pion", "pion", {"do": "call", "to": "bob", "audio": True, "restart": True})
    assert result["done"], result["said"]
    first, second = [each["local"]["port"] for each in of(result, "alice", "selected-pair")][:2]
    assert first != second
    assert sum(each["type"] == "offer" for each in result["messages"]) == 2


@pytest.mark.parametrize("name", ("aiortc", "webrtcbin"))
def test_a_restart_that_the_library_cannot_do_is_told(name):
    result = call(name, "pion", {"do": "call", "to": "bob", "audio": True, "restart": True})
    assert result["done"], result["said"]
    assert "cannot restart ICE" in of(result, "alice", "error")[-1]["text"]
    assert sum(each["type"] == "offer" for each in result["messages"]) == 1


@pytest.mark.parametrize("answerer", ("pion", "webrtcbin"))
def test_the_offer_of_aiortc_as_it_is_is_refused(answerer):
    """A bundle whose lines have ICE credentials of their own: why the adapter bundles before it offers."""
    result = call("aiortc", answerer, {**EVERYTHING, "until-error": True}, HAIRPIN_AIORTC_BUNDLE="balanced")
    assert "ice-ufrag" in of(result, "bob", "error")[0]["text"], result["said"]
    assert not of(result, "alice", "selected-pair")


@pytest.mark.parametrize("name", NAMES)
def test_no_broker_is_an_error(name):
    done = subprocess.run([adapter(name)], env={**os.environ, "HAIRPIN_SIGNALING": "ws://127.0.0.1:1/"},
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 1
    assert json.loads(done.stdout)["event"] == "error"
