"""The browsers' types are what the server says today."""

from __future__ import annotations

from contactcenter.events import CATALOGUE
from tools import contract


def test_the_generated_typescript_is_fresh() -> None:
    assert contract.TARGET.read_text(encoding="utf-8") == contract.render(), (
        "run python -m tools.contract"
    )


def test_every_event_of_the_catalogue_is_in_it() -> None:
    text = contract.render()
    assert all(f'"{name}": {{ version' in text for name in CATALOGUE.names())
