"""The browser for the browser tests: which one is taken, and what is said where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEEDED = ("dirname", "id", "sh", "timeout")
SENTENCE = (
    "The browser tests need Chromium: install it with your system's packages (Debian, Ubuntu: "
    "sudo apt-get install chromium libatomic1), or leave them out with `make test E2E=0`.\n"
)
NOBODY = 65534


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with the script, whose Playwright runs and has no browser of its own."""
    (tmp_path / "clone" / "tools").mkdir(parents=True)
    (tmp_path / "clone" / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    shutil.copy(ROOT / "tools" / "chromium", tmp_path / "clone" / "tools" / "chromium")
    for name in NEEDED:
        found = shutil.which(name)
        assert found
        (tmp_path / "bin" / name).symlink_to(found)
    own = tmp_path / "own-chromium"
    for path in (tmp_path, *tmp_path.parents[:-2]):
        path.chmod(path.stat().st_mode | 0o055)
    program(tmp_path / "clone" / ".venv" / "bin" / "python", f"echo {own}")
    program(tmp_path / "clone" / ".venv" / "bin" / "playwright", f'echo "$@" >>{tmp_path}/asked')
    (tmp_path / "asked").touch()
    (tmp_path / "asked").chmod(0o666)
    return tmp_path / "clone"


def program(path: Path, body: str) -> Path:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def asked(clone: Path) -> list[str]:
    """What Playwright and the system's installer were asked to install."""
    lines = (clone.parent / "asked").read_text().splitlines()
    return [line for line in lines if line != "--version"]


def chromium(clone: Path, *, root: bool = False, **environ: str) -> tuple[int, str, list[str]]:
    """(exit code, what it printed, what it said), as an ordinary user unless told otherwise."""
    user = None if root or os.geteuid() else NOBODY
    done = subprocess.run(
        ["/bin/sh", "tools/chromium"], cwd=clone,
        env={"PATH": str(clone.parent / "bin"), **environ},
        capture_output=True, text=True, check=False,
        user=user, group=user, extra_groups=None if user is None else [],
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr.splitlines(keepends=True)


def test_one_on_the_path_is_taken(clone: Path) -> None:
    there = program(clone.parent / "bin" / "google-chrome", "exit 0")
    assert chromium(clone) == (0, f"{there}\n", [])
    there = program(clone.parent / "bin" / "chromium", "exit 0")
    assert chromium(clone) == (0, f"{there}\n", []), "the system's own comes first"
    assert asked(clone) == []


def test_the_one_that_is_named_is_taken(clone: Path) -> None:
    program(clone.parent / "bin" / "chromium", "exit 0")
    assert chromium(clone, CHROMIUM="/opt/mine") == (0, "/opt/mine\n", [])


def test_without_one_playwrights_installer_is_asked_and_then_it_is_one_sentence(
    clone: Path,
) -> None:
    program(clone.parent / "bin" / "apt-get", f"echo apt-get >>{clone.parent}/asked")  # root's
    code, printed, said = chromium(clone)
    assert (code, printed) == (1, "")
    assert said == ["Trying Playwright's installer for Chromium ...\n", SENTENCE]
    assert asked(clone) == ["install chromium"]


def test_what_playwrights_installer_has_brought_is_taken(clone: Path) -> None:
    own = clone.parent / "own-chromium"
    clone.parent.chmod(0o777)  # the ordinary user's installer makes the file
    brings = f"printf '#!/bin/sh' >{own} && {shutil.which('chmod')} 755 {own}"
    program(clone / ".venv" / "bin" / "playwright", f'case "$1" in install) {brings};; esac')
    code, printed, said = chromium(clone)
    assert (code, printed) == (0, f"{own}\n")
    assert said == ["Trying Playwright's installer for Chromium ...\n"]
    assert chromium(clone) == (0, f"{own}\n", []), "and is found again"


def test_a_browser_that_playwright_cannot_drive_is_none(clone: Path) -> None:
    program(clone.parent / "bin" / "chromium", "exit 0")
    program(clone / ".venv" / "bin" / "playwright", "exit 127")
    code, printed, said = chromium(clone)
    assert (code, printed, said[-1]) == (1, "", SENTENCE)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is served by the system's packages")
@pytest.mark.parametrize("brings", [True, False])
def test_root_is_given_the_systems_package(clone: Path, brings: bool) -> None:
    where = clone.parent / "bin"
    program(where / "chromium-of-the-package", "exit 0")
    installed = f"{shutil.which('ln')} {where}/chromium-of-the-package {where}/chromium"
    body = f'echo "apt-get $@" >>{clone.parent}/asked'
    got = f'{body}\ncase "$1" in install) {installed if brings else "exit 100"};; esac'
    program(where / "apt-get", got)
    code, printed, said = chromium(clone, root=True)
    assert said[0] == "Installing Chromium with apt-get ...\n"
    if brings:
        assert (code, printed, said[1:]) == (0, f"{where}/chromium\n", [])
    else:
        assert (code, printed, said[1:]) == (1, "", [SENTENCE])
    assert asked(clone) == [
        "apt-get update -qq",
        "apt-get install -y -qq chromium fonts-dejavu-core libatomic1",
    ]
