from __future__ import annotations

import re

import pytest

from db import migrate
from tests.architecture.sources import ROOT, committed_texts

# Written so that this file does not hold what it looks for.
MACHINE_PATH = re.compile(r"(?<![\w./-])/(?:work|root|home/[a-z]+)/[\w.]")
DOWNLOAD_ADDRESS = re.compile(
    "|".join(
        re.escape(host)
        for host in (
            "files.python" + "hosted.org",
            "py" + "pi.org",
            "registry.npm" + "js.org",
            "deb.deb" + "ian.org",
        )
    )
)


@pytest.mark.parametrize("pattern", [MACHINE_PATH, DOWNLOAD_ADDRESS], ids=["path", "address"])
def test_no_committed_file_names_a_machine_or_a_registry(pattern: re.Pattern[str]) -> None:
    found = [
        f"{path}:{text.count(chr(10), 0, match.start()) + 1}"
        for path, text in committed_texts()
        for match in pattern.finditer(text)
    ]
    assert found == []


@pytest.mark.parametrize("name", ["base", "dev", "uv", "node"])
def test_requirements_are_pinned_and_hashed_without_addresses(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    assert "://" not in text
    assert not re.search(r"^(-i|--index-url|--extra-index-url|--find-links|-f)\b", text, re.M)
    pins = [line for line in text.replace("\\\n", "").splitlines() if re.match(r"[a-z0-9]", line)]
    assert pins
    assert [pin for pin in pins if "==" not in pin or "--hash=sha256:" not in pin] == []


def test_the_pins_answer_the_wishes() -> None:
    for name in ("base", "dev", "uv", "node"):
        wanted = {
            re.split(r"[<>=~! ;\[]", line, maxsplit=1)[0].lower()
            for line in (ROOT / "requirements" / f"{name}.in").read_text().splitlines()
            if line and line[0] not in "#-"
        }
        text = (ROOT / "requirements" / f"{name}.txt").read_text()
        assert wanted <= set(re.findall(r"^([a-z0-9._-]+)", text, re.M)), name


def test_migrations_are_numbered_without_a_gap() -> None:
    versions = [migration.version for migration in migrate.read()]
    assert versions == list(range(1, len(versions) + 1))


LONGEST = 600
GENERATED = ("web/shared/src/contract.ts",)


def test_no_file_is_longer_than_one_reads_at_a_time() -> None:
    written = (".py", ".sql", ".ts", ".tsx", ".css", ".html")
    long = {
        str(path): lines
        for path, text in committed_texts()
        if path.suffix in written and str(path) not in GENERATED
        if (lines := len(text.splitlines())) > LONGEST
    }
    assert long == {}
