"""Evidence that cannot be written is an error that names the path, never a silent loss."""
import resource
import signal

BASIC = "scenarios/basics/same-network.yaml"


def test_an_output_folder_that_cannot_be_made(hairpin):
    run = hairpin("run", BASIC, "--out", "/dev/null/evidence")
    assert run.code == 3
    assert "/dev/null/evidence" in run.stderr


def test_a_file_in_the_way(hairpin, tmp_path):
    (tmp_path / "same-network").write_text("not a folder")
    run = hairpin("run", BASIC, "--out", tmp_path)
    assert run.code == 3
    assert str(tmp_path / "same-network") in run.stderr


def test_a_full_disk(hairpin, tmp_path):
    def small_files_only():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    # A memory file counts too, so the trace itself may be what no longer fits: either way a path or the reason is told.
    run = hairpin("run", BASIC, "--out", tmp_path, preexec_fn=small_files_only)
    assert run.code == 3
    assert "File too large" in run.stderr
    assert not list(tmp_path.glob("**/*.pcapng"))
