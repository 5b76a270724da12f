"""The pages about the interface are what the routes and commands say today."""

from __future__ import annotations

import pytest

from tools import reference


@pytest.mark.parametrize(
    ("path", "page"),
    [(reference.API, reference.api_page), (reference.ACCESS, reference.access_page)],
    ids=["API.md", "access.md"],
)
def test_the_generated_page_is_fresh(path: object, page: object) -> None:
    assert callable(page)
    assert hasattr(path, "read_text")
    assert path.read_text(encoding="utf-8") == page(), "run python -m tools.reference"


def test_every_route_and_command_has_its_row() -> None:
    routes, commands = reference.tables()
    access, api = reference.access_page(), reference.api_page()
    assert len(routes) > 60
    for route in routes:
        assert f"| `{route.method} {route.path}` |" in access
        assert f"### {route.method} {route.path}\n" in api
    for command in commands:
        assert f"| `{command.namespace} {command.name}` |" in access
