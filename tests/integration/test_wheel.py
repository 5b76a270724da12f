"""What an installed package holds: besides its code, the data without which it does not start."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.architecture.sources import PACKAGES, ROOT

BUILD = "import sys; from setuptools.build_meta import build_wheel; print(build_wheel(sys.argv[1]))"
SCREEN = "contactcenter/static/desk/index.html"


def test_a_wheel_holds_every_file_of_the_packages(tmp_path: Path) -> None:
    """The screens are built before a wheel is; one page stands for them here."""
    source = tmp_path / "source"
    leave_out = shutil.ignore_patterns("__pycache__", "static")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=leave_out)
    for name in ("pyproject.toml", "README.md", "requirements/base.in"):
        (source / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    (source / SCREEN).parent.mkdir(parents=True)
    (source / SCREEN).write_text("<!doctype html>")
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(tmp_path)], cwd=source, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    with zipfile.ZipFile(tmp_path / done.stdout.split()[-1]) as wheel:
        held = set(wheel.namelist())
        entry = next(name for name in held if name.endswith("entry_points.txt"))
        assert b"contactcenter = contactcenter.__main__:main" in wheel.read(entry)
    there = {
        path.relative_to(source).as_posix()
        for name in PACKAGES
        for path in (source / name).rglob("*")
        if path.is_file()
    }
    assert {f"db/migrations/{path.name}" for path in ROOT.glob("db/migrations/*.sql")} <= there
    assert there - held == set()
