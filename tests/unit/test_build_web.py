from __future__ import annotations

from pathlib import Path

import pytest

from tools import build_web


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "web"
    (folder / "desktop" / "src").mkdir(parents=True)
    (folder / "desktop" / "src" / "main.ts").write_text("export {};")
    monkeypatch.setattr(build_web, "WEB", folder)
    return folder


def test_the_hash_is_of_what_is_written_by_hand(web: Path) -> None:
    first = build_web.source_hash()
    for name in ("node_modules", "desktop/dist", "desktop/node_modules"):
        (web / name).mkdir()
        (web / name / "a.js").write_text("1")
    (web / "desktop" / "tsconfig.tsbuildinfo").write_text("{}")
    assert build_web.source_hash() == first


def test_the_hash_sees_content_and_names(web: Path) -> None:
    hashes = {build_web.source_hash()}
    main = web / "desktop" / "src" / "main.ts"
    main.write_text("export const a = 1;")
    hashes.add(build_web.source_hash())
    main.rename(main.with_name("other.ts"))
    hashes.add(build_web.source_hash())
    assert len(hashes) == 3


def test_a_matching_stamp_means_nothing_to_do(
    web: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamp = tmp_path / ".stamp"
    stamp.write_text(build_web.source_hash())
    monkeypatch.setattr(build_web, "STAMP", stamp)
    monkeypatch.setattr(build_web, "_ready", lambda: pytest.fail("Node was asked for"))
    build_web.build()


@pytest.mark.parametrize(
    ("node", "npm", "fit"),
    [
        ((20, 19, 0), (11, 1, 0), True),
        ((20, 18, 9), (11, 1, 0), False),
        ((21, 9, 0), (11, 1, 0), False),
        ((22, 11, 0), (11, 1, 0), False),
        ((24, 0, 0), (11, 1, 0), True),
        ((24, 0, 0), (10, 9, 0), False),
        ((), (), False),
    ],
)
def test_which_node_will_do(
    node: tuple[int, ...], npm: tuple[int, ...], fit: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_web, "_version", lambda name, _: node if name == "node" else npm)
    assert build_web._fit({}) is fit
