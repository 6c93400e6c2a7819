"""Same seed, same bytes: whatever the number of jobs and wherever the kernel puts the process in memory."""
import shutil
import subprocess

from program import ROOT, Run


def taken(run):
    """The hashes of a run; its evidence, a gigabyte, is not kept."""
    hashes = run.hashes()
    shutil.rmtree(run.out)
    return hashes


def run_all(hairpin_path, out, *args, prefix=()):
    process = subprocess.run([*prefix, str(hairpin_path), "run", "scenarios", "--out", str(out), *args],
                             capture_output=True, text=True, cwd=ROOT, timeout=600)
    assert process.returncode == 0, process.stdout + process.stderr
    return taken(Run(process, out))


def test_all_jobs_and_one_job_give_the_same_bytes(hairpin_path, shipped, tmp_path):
    assert shipped.code == 0, shipped.stdout + shipped.stderr
    first = shipped.hashes()
    assert len(first) >= 2 * 25
    assert run_all(hairpin_path, tmp_path / "b", "--jobs", "1") == first


def test_address_space_layout_does_not_matter(hairpin_path, shipped, tmp_path):
    # The default run has its addresses randomised; here they are not, and then are again.
    assert run_all(hairpin_path, tmp_path / "fixed", prefix=("setarch", "--addr-no-randomize")) == shipped.hashes()
    assert run_all(hairpin_path, tmp_path / "random") == shipped.hashes()


def test_the_environment_does_not_matter(hairpin, shipped, tmp_path):
    run = hairpin("run", "scenarios", "--out", tmp_path / "c", "--jobs", "2",
                  env={"HOSTNAME": "elsewhere", "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere", "TZ": "Asia/Tokyo",
                       "LC_ALL": "C.UTF-8", "HOME": str(tmp_path)})
    run.out = tmp_path / "c"
    assert run.code == 0, run.stdout + run.stderr
    assert taken(run) == shipped.hashes()


def test_another_seed_changes_every_capture(hairpin, shipped, tmp_path):
    run = hairpin("run", "scenarios", "--out", tmp_path / "d", "--seed", "4242", "--evidence", "all")
    run.out = tmp_path / "d"
    mine, theirs = taken(run), shipped.hashes()
    assert mine.keys() == theirs.keys()
    same = [path for path in mine if path.endswith("trace.pcapng") and mine[path] == theirs[path]]
    assert same == []
