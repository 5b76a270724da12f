"""`python -m tests.bench [NAME]`: the figures, one JSON line each.

NAME is an area (`routing`) or one module of this folder (`restart`); without it every module
runs, one after another.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Sequence
from types import ModuleType

import tests.bench


def modules() -> dict[str, ModuleType]:
    """Every bench by its module's name, in the alphabet's order."""
    names = sorted(found.name for found in pkgutil.iter_modules(tests.bench.__path__))
    return {
        name: importlib.import_module(f"tests.bench.{name}")
        for name in names
        if not name.startswith("_")
    }


def main(argv: Sequence[str]) -> int:
    wanted = argv[0] if argv else None
    known = modules()
    chosen = [
        module for name, module in known.items() if wanted is None or wanted in {name, module.AREA}
    ]
    if not chosen:
        areas = sorted({module.AREA for module in known.values()})
        print(f"There is no bench {wanted!r}: choose of {', '.join(areas)}.", file=sys.stderr)
        return 2
    for module in chosen:
        module.main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
