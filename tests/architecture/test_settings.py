from __future__ import annotations

import ast
from pathlib import Path

from dotenv import dotenv_values

from config.settings import App, Settings, variables
from tests.architecture.sources import ROOT, product_files

READERS = frozenset({"environ", "environb", "getenv", "getenvb"})


def test_every_setting_is_in_the_example_and_nothing_else() -> None:
    assert set(dotenv_values(ROOT / ".env.example")) == set(variables())


def test_the_example_shows_the_defaults() -> None:
    shown = dotenv_values(ROOT / ".env.example")
    for section, info in Settings.model_fields.items():
        model = info.annotation
        assert isinstance(model, type)
        for field in model.model_fields.values():
            default = field.get_default()
            if field.is_required() or default in (None, "", ()):
                expected = ""
            elif isinstance(default, bool):
                expected = str(default).lower()
            else:
                expected = str(default)
            assert shown[field.alias] == expected, (section, field.alias)


def test_the_example_has_no_secret() -> None:
    assert not any(v for k, v in dotenv_values(ROOT / ".env.example").items() if "SECRET" in k)


def test_data_stays_out_of_git() -> None:
    default = App.model_fields["data_dir"].default
    assert f"/{default}/" in (ROOT / ".gitignore").read_text().splitlines()


def test_only_the_settings_read_the_environment() -> None:
    assert [str(p) for p in product_files() if p.name != "settings.py" and _reads_environ(p)] == []


def _reads_environ(path: Path) -> bool:
    return any(
        (
            isinstance(node, ast.Attribute)
            and node.attr in READERS
            and isinstance(node.value, ast.Name)
            and node.value.id == "os"
        )
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "os"
            and not READERS.isdisjoint(alias.name for alias in node.names)
        )
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )
