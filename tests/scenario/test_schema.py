"""Scenarios judged by the JSON Schema that `hairpin schema` prints: what the loader takes, an editor must not mark red."""
import json
import os
import pathlib
import subprocess

import pytest

jsonschema = pytest.importorskip("jsonschema")
yaml = pytest.importorskip("yaml")

ROOT = pathlib.Path(__file__).resolve().parents[2]
HAIRPIN = os.environ.get("HAIRPIN", str(ROOT / "build" / "release" / "hairpin"))
SCENARIOS = sorted(ROOT.glob("scenarios/**/*.yaml")) + sorted(ROOT.glob("tests/scenario/data/*.yaml"))

WRONG = {
    "unknown key": "peers: {a: }\nbogus: 1",
    "no peers": "until: 5s",
    "a duration without a unit": "peers: {a: }\nuntil: 5",
    "unknown preset": "peers: {a: }\nnetwork: {nats: {home: symetric}}",
    "two actions": "peers: {a: }\nsteps: [{wait: 1s, reboot: home}]",
    "no action": "peers: {a: }\nsteps: [{at: 1s}]",
    "a bad name": "peers: {a b: }",
    "too small": "peers: {a: {mtu: 67}}",
    "no such expectation": "peers: {a: }\nexpect: [conected]",
    "a required key": "peers: {a: }\nexpect: [recovered: {within: 1s}]",
    "no such kind of media": "peers: {a: , b: }\nsteps: [{call: {from: a, to: b, media: [audio, text]}}]",
    "a codec": "peers: {a: {media: {audio: {codec: opus}}}}",
    "a payload type too large": "peers: {a: {media: {video: {payload-type: 128}}}}",
    "frames of audio": "peers: {a: }\nexpect: [media: {audio: {frames: 3}}]",
    "no such kind of jitter": "peers: {a: {link: {jitter-kind: gauss}}}",
    "a delay without a unit": "peers: {a: {link: {jitter-list: [1ms, 5]}}}",
    "a trace that is a list": "peers: {a: {link: {rate-trace: [a]}}}",
    "an outage without an end": "peers: {a: {link: {outages: [{from: 1s}]}}}",
    "no such SRTP profile": "peers: {a: {media: {security: {profiles: [aes-128]}}}}",
    "no such attack": "peers: {a: }\nsteps: [{inject: {to: a, what: flood}}]",
    "an empty axis": "peers: {a: }\nmatrix: {seed: []}",
}


@pytest.fixture(scope="module")
def validator():
    if not os.access(HAIRPIN, os.X_OK):
        pytest.skip(f"{HAIRPIN} is not built")
    text = subprocess.run([HAIRPIN, "schema"], check=True, capture_output=True, text=True).stdout
    schema = json.loads(text)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda p: str(p.relative_to(ROOT)))
def test_scenario_fits_the_schema(validator, path):
    errors = [f"{list(e.path)}: {e.message}" for e in validator.iter_errors(yaml.safe_load(path.read_text()))]
    assert errors == []


@pytest.mark.parametrize("what", sorted(WRONG))
def test_schema_refuses(validator, what):
    assert not validator.is_valid(yaml.safe_load(WRONG[what]))


def test_there_are_scenarios():
    assert len(SCENARIOS) >= 6
