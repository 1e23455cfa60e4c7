"""The end of a process by a signal, two processes in one folder, and a full disk."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time

import pytest

from graphvid.runs import RunDirectory
from graphvid.tasks import load_run

SLOW = (
    "import signal, time\n"
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # which a shell's job in the background ignores
    "from graphvid.cli import main\n"
    "from graphvid.models import MatrixFactorization as Model\n"
    "step = Model.training_step\n"
    "def slow(*arguments):\n"
    "    time.sleep(0.03)\n"
    "    return step(*arguments)\n"
    "Model.training_step = slow\n"
    "main()\n"
)


@pytest.fixture
def started(tmp_path):
    """Start a slow training, and wait for its first checkpoint."""
    rows = [f"u{u},v{(u * 7 + i * i) % 23}" for u in range(30) for i in range(8)]
    (tmp_path / "log.csv").write_text("user_id,video_id\n" + "\n".join(rows) + "\n")
    command = [sys.executable, "-c", SLOW, "train", "mf", "--log", str(tmp_path / "log.csv"), "--out"]
    command += [
        str(tmp_path / "run"),
        "--set",
        "num_epochs=500",
        "--set",
        "dim=4",
        "--set",
        "batch_size=8",
        "--set",
        "patience=1000",
        "--quiet",
        "--checkpoint-every",
        "2",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    deadline = time.monotonic() + 200
    while not (tmp_path / "run" / "checkpoint.safetensors").exists() and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    yield process, command, tmp_path / "run"
    process.kill()
    process.communicate()


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_has_its_exit_code_and_leaves_a_run_to_resume(started, sent, code) -> None:
    process, command, folder = started
    if sent == signal.SIGTERM:  # meanwhile, in the same folder
        done = subprocess.run([*command, "--resume"], capture_output=True, text=True, timeout=120)
        assert done.returncode == 2
        assert f"is being written by another process ({process.pid})" in done.stderr
    process.send_signal(sent)
    output = process.communicate(timeout=120)[0]
    assert process.returncode == code, output
    assert "Traceback" not in output
    if sent == signal.SIGINT:
        assert output.strip().endswith("the same command with --resume goes on from the last checkpoint")
    assert not (folder / ".lock").exists()
    assert not (folder / "metrics.json").exists()
    assert (folder / "checkpoint.safetensors").exists()


def test_a_lock_that_a_killed_process_left_is_no_obstacle(tmp_path) -> None:
    config = {"title": "T", "method": "t", "model": {}, "data": {}, "source": {}}
    run = RunDirectory(tmp_path)
    run.lock.write_text("999999\n")
    with run.open(config, resume=True):
        second = RunDirectory(tmp_path).open(config, resume=True)
        with pytest.raises(FileExistsError, match=f"another process \\({os.getpid()}\\)"):
            second.__enter__()
    assert not run.lock.exists()


def test_a_run_of_another_format_says_so(tmp_path) -> None:
    (tmp_path / "config.json").write_text('{"method": "FRAME", "model": {}}')
    with pytest.raises(ValueError, match="holds a run of format 1, and this version of graphvid reads format 2"):
        load_run(tmp_path)


def test_a_full_disk_is_one_sentence(tmp_path, monkeypatch) -> None:
    import torch
    from safetensors import SafetensorError

    from graphvid.runs import write_tensors

    def full(*_, **__):
        raise SafetensorError(
            'Error while serializing: IoError(Os { code: 28, kind: StorageFull, message: "No space" })'
        )

    monkeypatch.setattr("graphvid.runs.checkpoint.save_file", full)
    with pytest.raises(OSError, match=r"w\.safetensors") as failed:
        write_tensors(tmp_path / "w.safetensors", {"w": torch.ones(2)})
    assert failed.value.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []
