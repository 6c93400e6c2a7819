"""What an independent probe makes of every preset: coturn's turnutils_natdiscovery (RFC 5780), a process behind the NAT in
the live world, against our own server and against coturn.

Expected is what the certificate of a preset says (`hairpin nat`, which has found it out from outside). The probe tells
mapping, filtering and hairpinning in words close to RFC 4787's. What it can see of them:

- it asks with a port that nobody else has, so that of a NAT which changes its mapping only where ports collide it sees the
  better half (`udp-determinism`);
- behind a firewall it sees the stricter of the two filters;
- it looks for hairpinning with one packet from another port of the same host. Nothing comes back where hairpinned packets
  are filtered, by the NAT or by a firewall inside it, or where the first of a flow is lost; nor where it would come with
  the host's own address, as no Linux host takes a packet with that from outside (accept_local).
"""
import json
import pathlib
import shutil
import subprocess

import pytest
from program import ROOT, Run

PROBE = pathlib.Path(__file__).with_name("natdiscovery_peer.py")
SERVERS = ("builtin", "coturn")
SCENARIO = """
name: discovery
network: {nats: {home: {preset: full-cone}}}
servers: {stun: {kind: stun, program: %(server)s, nat-discovery: true}}
peers:
  probe:
    behind: home
    exec: [/usr/bin/python3, %(probe)s]
    environment: {TESTS: "-m -f -H"}
    ice: {stun: stun}
  other: {exec: [/usr/bin/python3, %(probe)s]}
steps:
  - call: {from: probe, to: other, data: true}
  - wait-for: {event: sut-log, of: probe, where: {message: discovered}, timeout: 90s}
expect:
  - event: {event: sut-log, of: probe, where: {message: discovered}}
matrix:
  network.nats.home.preset: [%(presets)s]
until: 95s
"""
MAPPING = "NAT with %s Mapping!"
FILTERING = "NAT with %s Filtering!"
WORDS = {
    "Endpoint Independent": "endpoint-independent",
    "Address Dependent": "address-dependent",
    "Address and Port Dependent": "address and port-dependent",
}
HAIRPINS = "Received a request (maybe a successful hairpinning)"

# What the tool says otherwise than the certificate, by server and preset, and why it is the tool's fault. An entry that is
# no longer needed fails its test.
EXCEPTIONS = {
    ("builtin", "address-dependent"): (
        ("address and port-dependent", "address-dependent", False),
        "its third mapping test goes to where the second response's OTHER-ADDRESS points. That is what a server would use "
        "for the request it answers (RFC 5780 section 6.1), the first address again, and not the other address and port "
        "that the test is about (section 4.3). coturn's server says the other one in every response, and hides it"),
}


def presets():
    path = ROOT / "harness" / "config" / "nat_presets.c"
    names = [line.split('"')[1] for line in path.read_text().splitlines() if line.strip().startswith(".name = ")]
    return [name for name in names if name != "ipv6-only-mobile"]  # no IPv4 inside: NAT64 has no address to ask with


@pytest.fixture(scope="module")
def certificates(hairpin_path):
    process = subprocess.run([str(hairpin_path), "nat", "--all", "--json"], capture_output=True, text=True, timeout=600,
                             check=True)
    return {
        nat["name"]: {p["property"]: p["observed"] for p in nat["properties"]}
        for nat in json.loads(process.stdout)["nats"]
    }


def declared(certificate):
    """(mapping, filtering, hairpinning) as the probe must see it; None: it sees nothing of it."""
    def lets_stun_out(key):
        # 3478 and 3479, both of which the probe sends to
        return certificate.get(key) in (None, "all")
    if not lets_stun_out("udp-leaves") or not lets_stun_out("site-udp-leaves"):
        return None, None, None
    mapping, changes = certificate["udp-mapping"], certificate["udp-determinism"]
    if changes.startswith("no: "):
        mapping = changes.removeprefix("no: ").removesuffix(" until ports collide")
    filtering = certificate.get("site-udp-filtering") or certificate["udp-filtering"]
    hairpin = (certificate["udp-hairpin"] == "external source" and certificate["hairpin-filter"] == "no" and
               certificate["hairpin-first"] == "yes" and
               certificate.get("site-udp-filtering") in (None, "endpoint-independent"))
    return mapping, filtering, hairpin


def word_of(lines, template):
    found = [word for text, word in WORDS.items() if template % text in lines]
    assert len(found) <= 1, lines
    return found[0] if found else None


def classified(run, case):
    lines = [e["message"] for e in run.events(case) if e["event"] == "sut-log" and e["subject"] == "probe"]
    assert "discovered" in lines, lines
    said = {test: {line.removeprefix(test).strip() for line in lines if line.startswith(test)}
            for test in ("-m", "-f", "-H")}
    mapping, filtering = word_of(said["-m"], MAPPING), word_of(said["-f"], FILTERING)
    if mapping is None and filtering is None:
        return None, None, None
    return mapping, filtering, HAIRPINS in said["-H"]


@pytest.fixture(scope="module", params=SERVERS)
def discovery(request, hairpin_path, tmp_path_factory):
    """All presets at once: most of the time goes by while the probe waits for what does not come."""
    for program in ("turnutils_natdiscovery", "turnserver" if request.param == "coturn" else "python3"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    folder = tmp_path_factory.mktemp(f"discovery-{request.param}")
    path, out = folder / "case.yaml", folder / "out"
    path.write_text(SCENARIO % {"server": request.param, "probe": PROBE, "presets": ", ".join(presets())})
    command = [str(hairpin_path), "run", str(path), "--world", "live", "--jobs", "12", "--out", str(out)]
    run = Run(subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=600), out)
    run.server = request.param
    if run.code == 3 and "invalid" not in run.stdout:
        pytest.skip(run.stdout + run.stderr)
    return run


@pytest.mark.parametrize("preset", presets())
def test_a_preset_is_what_it_says(discovery, certificates, preset):
    case = f"case[home.preset={preset}]"
    expected, found = declared(certificates[preset]), classified(discovery, case)
    exception = EXCEPTIONS.get((discovery.server, preset))
    if exception is not None:
        assert found != expected, f"no exception is needed any more: {exception[1]}"
        expected = exception[0]
    if found != expected and discovery.result(case)["verdict"] == "invalid":
        pytest.skip("the machine was too slow")
    assert found == expected
