"""Which files of the repository the rules speak about."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("config", "db", "contactcenter", "crm", "channels", "routing", "ai", "billing")


def product_files() -> list[Path]:
    """Python files of the product."""
    return sorted(
        path
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if "static" not in path.parts
    )


@cache
def committed_files() -> tuple[Path, ...]:
    """Files that git knows or would add; whoever the clone belongs to."""
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others",
         "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    ).stdout.decode()  # fmt: skip
    return tuple(path for name in listed.split("\0") if name and (path := ROOT / name).is_file())


def committed_texts() -> Iterator[tuple[Path, str]]:
    """Path and text of each committed file that is text."""
    for path in committed_files():
        data = path.read_bytes()
        if b"\0" not in data[:8192]:
            yield path.relative_to(ROOT), data.decode("utf-8", errors="replace")
