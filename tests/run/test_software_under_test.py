"""Unmodified libnice: Debian's own shared library, on no kernel socket, and its death is a verdict."""
import pathlib
import json
import os
import re
import shutil
import signal
import subprocess

import pytest
from program import ROOT

TWO = "ice/two-streams"
ABORTS = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Memory that is shared and can be written: writes `byte` all over it. Returns how many traces of runs were among it. */
static inline int scribble(int byte)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    int traces = 0;
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long from, to;
        char access[8];
        if (sscanf(line, "%%lx-%%lx %%7s", &from, &to, access) != 3 || strcmp(access, "rw-s") != 0)
            continue;
        memset((void *)from, byte, to - from < 1 << 20 ? to - from : 1 << 20);
        traces += strstr(line, "hairpin-trace") != NULL;
    }
    fclose(maps);
    return traces;
}

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
    ("exit(90);", "exited with code 90"),  # the number with which Hairpin's own failures are told
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


@pytest.mark.parametrize("byte", [0, 1, 255])
@pytest.mark.parametrize("then", ["abort();", "for (;;) ;", ""])
def test_who_writes_over_all_shared_memory_harms_itself_alone(hairpin, tmp_path, byte, then):
    # Wherever it goes wrong, the trace of its own run is the only one in its memory, and no other process is killed.
    statement = f"const int traces = scribble({byte}); if (traces != 1) _exit(1); {then}"
    run = hairpin("run", "scenarios/ice", "--filter", "t*", "--evidence", "none", "--jobs", "3", "--hang-after", "1",
                  "--out", tmp_path / "out", env=preload(tmp_path, statement))
    assert run.code in (0, 1) and run.stderr == ""
    document = json.loads((tmp_path / "out" / "result.json").read_text())
    verdicts = {case["case"]: case["verdict"] for case in document["cases"]}
    own = verdicts.pop("two-streams")
    assert own == {"abort();": "crashed", "for (;;) ;": "hung"}.get(then, own)
    assert "exited with code 1" not in run.stdout
    assert len(verdicts) == 2 and set(verdicts.values()) == {"pass"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_leaves_nothing_behind(hairpin_path, tmp_path, number):
    # The software under test says that it is there, begins a file and never ends. The pipe closes when it is gone.
    out, pipe = tmp_path / "out", tmp_path / "pipe"
    os.mkfifo(pipe)
    folder = out / "two-streams"
    folder.mkdir(parents=True)
    env = preload(tmp_path, f'open("{folder}/trace.pcapng.part", O_CREAT | O_WRONLY, 0666); '
                            f'(void)!write(open("{pipe}", O_WRONLY), "x", 1); for (;;) pause();')
    process = subprocess.Popen([str(hairpin_path), "run", "scenarios/ice/two-streams.yaml", "--out", str(out), "--tap"],
                               cwd=ROOT, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True)
    with pipe.open("rb", buffering=0) as reader:
        assert reader.read(1) == b"x"
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=60)
        assert reader.read(1) == b""
    assert process.returncode == -number and stderr == "hairpin: interrupted\n"
    assert stdout.splitlines()[-1] == "Bail out! interrupted"
    assert list(out.iterdir()) == []


def test_children_can_be_waited_for_whatever_the_caller_ignores(hairpin):
    run = hairpin("run", "scenarios/basics", preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    assert run.code == 0 and "0 failed" in run.stdout


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
