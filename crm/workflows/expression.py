"""PURE. A small language of conditions: comparisons over what a workflow knows. Nothing is run.

    customer.segment == "vip" and trigger.total > 1000
    claim.cause in ["flood", "hail"] or not customer.email

Names are paths into the given values; one that is not there is null. Numbers, texts, true, false,
null and lists of them are literals. Operators: == != < <= > >= in, not in, and, or, not. Two values
of different kinds are unequal and in no order: such a comparison is false.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

LONGEST: Final = 500
DEEPEST: Final = 20
_WORDS: Final = {"true": True, "false": False, "null": None, "True": True, "False": False}
_PLACE: Final = re.compile(r"\{\{\s*([a-z_][\w.]{0,100})\s*\}\}", re.ASCII)


class ExpressionError(ValueError):
    """It cannot be read; the text says why, in one sentence."""


def check(text: str) -> None:
    """ExpressionError unless `holds` can read it."""
    _checked(_parsed(text), 0)


def holds(text: str, values: Mapping[str, Any]) -> bool:
    """Whether the condition is true of the values."""
    tree = _parsed(text)
    _checked(tree, 0)
    return bool(_value(tree, values))


def look_up(path: str, values: Mapping[str, Any]) -> Any:
    """What a path leads to; None when it leads nowhere."""
    found: Any = values
    for part in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(part)
    return found


def filled(template: str, values: Mapping[str, Any]) -> str:
    """A text with `{{ paths }}` replaced by what they lead to; nothing for one that leads nowhere.

    What is put in is not read again, so a customer's own text cannot lead anywhere.
    """

    def put(match: re.Match[str]) -> str:
        found = look_up(match[1], values)
        return "" if found is None or isinstance(found, Mapping | list) else str(found)

    return _PLACE.sub(put, template)


def _parsed(text: str) -> ast.expr:
    if len(text) > LONGEST:
        raise ExpressionError(f"A condition has at most {LONGEST} characters.")
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise ExpressionError("The condition cannot be read.") from None


def _checked(node: ast.expr, depth: int) -> None:
    if depth > DEEPEST:
        raise ExpressionError("The condition is nested too deeply.")
    match node:
        case ast.BoolOp(values=parts) | ast.List(elts=parts):
            for part in parts:
                _checked(part, depth + 1)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            _checked(operand, depth + 1)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float())):
            pass
        case ast.Compare(left=left, ops=ops, comparators=rest):
            if not all(isinstance(op, tuple(_COMPARE)) for op in ops):
                raise ExpressionError("Compare with ==, !=, <, <=, >, >=, in or not in.")
            for part in (left, *rest):
                _checked(part, depth + 1)
        case ast.Constant(value=str() | int() | float() | None):
            pass
        case ast.Name() | ast.Attribute():
            _path(node)
        case _:
            raise ExpressionError("A condition has comparisons, and, or, not; nothing else.")


def _path(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise ExpressionError("A name is a path like customer.segment.")
    return ".".join([node.id, *reversed(parts)])


def _value(node: ast.expr, values: Mapping[str, Any]) -> Any:
    match node:
        case ast.BoolOp(op=ast.And(), values=parts):
            return all(_value(part, values) for part in parts)
        case ast.BoolOp(values=parts):
            return any(_value(part, values) for part in parts)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _value(operand, values)
        case ast.UnaryOp(operand=operand):
            return -_value(operand, values)
        case ast.Compare(left=left, ops=ops, comparators=rest):
            terms = [_value(part, values) for part in (left, *rest)]
            return all(
                _compare(op, one, other)
                for op, one, other in zip(ops, terms, terms[1:], strict=False)
            )
        case ast.List(elts=parts):
            return [_value(part, values) for part in parts]
        case ast.Constant(value=value):
            return value
        case _:
            path = _path(node)
            return _WORDS[path] if path in _WORDS else look_up(path, values)


def _compare(op: ast.cmpop, one: Any, other: Any) -> bool:
    return _COMPARE[type(op)](one, other)


def _same(one: Any, other: Any) -> bool:
    first, second = _number(one), _number(other)
    if first is not None and second is not None:
        return first == second
    return type(one) is type(other) and bool(one == other)


def _less(one: Any, other: Any) -> bool:
    first, second = _number(one), _number(other)
    if first is not None and second is not None:
        return first < second
    return isinstance(one, str) and isinstance(other, str) and one < other


def _within(one: Any, other: Any) -> bool:
    if isinstance(other, list | tuple):
        return any(_same(one, each) for each in other)
    return isinstance(other, str) and isinstance(one, str) and one in other


def _number(value: Any) -> Decimal | None:
    """Numbers, and texts that are one (amounts travel as text)."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


_COMPARE: Final[Mapping[type[ast.cmpop], Callable[[Any, Any], bool]]] = {
    ast.Eq: _same,
    ast.NotEq: lambda a, b: not _same(a, b),
    ast.Lt: _less,
    ast.Gt: lambda a, b: _less(b, a),
    ast.LtE: lambda a, b: _less(a, b) or _same(a, b),
    ast.GtE: lambda a, b: _less(b, a) or _same(a, b),
    ast.In: _within,
    ast.NotIn: lambda a, b: not _within(a, b),
}
