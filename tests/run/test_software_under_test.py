"""Unmodified libnice: Debian's own shared library, on no kernel socket, and its death is a verdict."""
import pathlib
import re
import shutil
import subprocess

import pytest
from program import ROOT

TWO = "ice/two-streams"
ABORTS = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
unsigned nice_agent_add_stream(void *agent, unsigned components)
{
    unsigned (*next)(void *, unsigned) = (unsigned (*)(void *, unsigned))dlsym(RTLD_NEXT, "nice_agent_add_stream");
    if (components == 2) {
        %s
    }
    return next(agent, components);
}
"""


def libraries(hairpin_path):
    text = subprocess.run(["ldd", str(hairpin_path)], capture_output=True, text=True, check=True).stdout
    return dict(re.findall(r"(\S+) => (/\S+)", text))


def test_libnice_is_the_file_that_debian_shipped(hairpin_path):
    path = pathlib.Path(libraries(hairpin_path)["libnice.so.10"]).resolve()
    sums = list(pathlib.Path("/var/lib/dpkg/info").glob("libnice10*.md5sums"))
    assert sums, "libnice10 is not installed from a Debian package"
    shipped = {name: digest for digest, name in
               (line.split(maxsplit=1) for line in sums[0].read_text().splitlines())}
    digest = subprocess.run(["md5sum", str(path)], capture_output=True, text=True, check=True).stdout.split()[0]
    assert digest in shipped.values()


def test_no_kernel_socket_is_opened_in_a_virtual_run(hairpin_path, tmp_path):
    trace = tmp_path / "strace"
    process = subprocess.run(
        ["strace", "-f", "-o", str(trace), "-e", "trace=socket,bind,connect,sendto,sendmsg,sendmmsg,recvmsg,recvfrom",
         str(hairpin_path), "run", "scenarios/basics", "--jobs", "1"], capture_output=True, text=True, cwd=ROOT,
        timeout=300)
    assert process.returncode == 0, process.stdout + process.stderr
    calls = [line for line in trace.read_text().splitlines() if re.search(r"\b(socket|bind|connect|send|recv)\w*\(", line)]
    assert calls == []


def preload(tmp_path, statement):
    source, library = tmp_path / "fault.c", tmp_path / "fault.so"
    source.write_text(ABORTS % statement)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    return {"LD_PRELOAD": str(library)}


@pytest.mark.parametrize("statement, words", [
    ('fputs("libnice:ERROR: the sky fell\\n", stderr); abort();', "the sky fell"),
    ("*(volatile int *)0 = 1;", "Segmentation fault"),
    ("exit(0);", "exit"),
])
def test_a_crash_is_the_verdict_of_its_scenario_alone(hairpin, tmp_path, statement, words):
    out = tmp_path / "out"
    run = hairpin("run", "scenarios/ice", "--out", out, env=preload(tmp_path, statement))
    run.out = out
    assert run.code == 1
    verdicts = {path.parent.name: run.result(path.parent.relative_to(out))["verdict"]
                for path in out.glob("*/**/result.json")}
    assert verdicts.pop("two-streams") == "crashed"
    assert set(verdicts.values()) == {"pass"}
    assert words in run.stdout
    # The trace up to the crash is there.
    assert any(event["event"] == "step" for event in run.events("two-streams"))
    assert any(event["event"] == "sut-crash" for event in run.events("two-streams"))


def test_an_endless_loop_is_a_verdict_too(hairpin, tmp_path):
    out = tmp_path / "out"
    run = hairpin("run", "scenarios/ice/two-streams.yaml", "scenarios/ice/long-way.yaml", "--out", out,
                  "--hang-after", "1", env=preload(tmp_path, "for (;;) ;"))
    run.out = out
    assert run.code == 1
    assert run.result("two-streams")["verdict"] == "hung"
    assert "run again" in run.stdout or "--seed" in run.stdout


def test_lost_interposition_refuses_to_start(hairpin_path, tmp_path):
    # A copy of the program that no longer exports one of its symbols: what a changed link order or LTO can do.
    crippled = tmp_path / "hairpin"
    shutil.copy(hairpin_path, crippled)
    data = crippled.read_bytes()
    assert b"\0g_socket_send_message\0" in data
    crippled.write_bytes(data.replace(b"\0g_socket_send_message\0", b"\0g_socket_send_messagX\0", 1))
    process = subprocess.run([str(crippled), "run", "scenarios/basics/public-peers.yaml"], capture_output=True,
                             text=True, cwd=ROOT, timeout=60)
    assert process.returncode == 3
    assert "g_socket_send_message" in process.stderr
    assert process.stdout == ""
