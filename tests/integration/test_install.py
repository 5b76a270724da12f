"""What a newcomer sees when the machine lacks something: one sentence and the way out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEEDED = ("cat", "cksum", "dirname", "mkdir", "rm", "sh")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone's installer, and a PATH with nothing but what it needs."""
    (tmp_path / "clone" / "tools").mkdir(parents=True)
    (tmp_path / "clone" / "requirements").mkdir()
    (tmp_path / "bin").mkdir()
    shutil.copy(ROOT / "tools" / "venv", tmp_path / "clone" / "tools" / "venv")
    for path in (ROOT / "requirements").glob("*.txt"):
        shutil.copy(path, tmp_path / "clone" / "requirements")
    for name in NEEDED:
        found = shutil.which(name)
        assert found
        (tmp_path / "bin" / name).symlink_to(found)
    return tmp_path / "clone"


def python(clone: Path, body: str, name: str = "python3") -> None:
    path = clone.parent / "bin" / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def install(clone: Path) -> tuple[int, str]:
    done = subprocess.run(
        ["/bin/sh", "tools/venv", "base"], cwd=clone, env={"PATH": str(clone.parent / "bin")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr


def test_no_python(clone: Path) -> None:
    code, told = install(clone)
    assert code == 1
    assert told == (
        "Python 3.11 or newer is needed and was not found on PATH: install it (Debian, Ubuntu: "
        "apt-get install python3 python3-venv) and run this again.\n"
    )


def test_a_too_old_python(clone: Path) -> None:
    python(clone, "exit 1")
    code, told = install(clone)
    assert code == 1
    assert told.startswith("Python 3.11 or newer is needed")


def test_a_newer_python_under_another_name_is_taken(clone: Path) -> None:
    python(clone, "exit 1")
    python(clone, 'case "$2" in *ensurepip*) exit 1;; esac', "python3.12")
    code, told = install(clone)
    assert code == 1
    assert told.startswith("python3.12 has no venv module: install it")


def test_a_half_made_environment_starts_over(clone: Path) -> None:
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / "bin" / "python").write_text("not a program")
    install(clone)
    assert not (clone / ".venv").exists()


def test_a_whole_environment_is_left_alone(clone: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", clone / ".venv"], check=True)
    for name, files in {"uv": "uv.txt", "base": "base.txt"}.items():
        text = (clone / "requirements" / files).read_bytes()
        done = subprocess.run(["cksum"], input=text, capture_output=True, check=True)
        (clone / ".venv" / f".stamp-{name}").write_bytes(done.stdout.rstrip(b"\n"))
    assert install(clone) == (0, "")


@pytest.mark.skipif(os.geteuid() != 0, reason="gives folders to another user, which root alone may")
@pytest.mark.parametrize("theirs", [".", ".venv"])
def test_a_folder_of_somebody_else_s_is_one_sentence(clone: Path, theirs: str) -> None:
    python(clone, 'case "$2" in *ensurepip*) exit 1;; esac')
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / theirs).chmod(0o555)
    for path in (clone.parent, *clone.parent.parents[:-2]):
        path.chmod(path.stat().st_mode | 0o055)
    done = subprocess.run(
        ["/bin/sh", "tools/venv", "base"], cwd=clone, env={"PATH": str(clone.parent / "bin")},
        capture_output=True, text=True, check=False, user=65534, group=65534, extra_groups=[],
    )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "cannot be written to: clone into a folder of your own" in done.stderr
