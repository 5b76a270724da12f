from __future__ import annotations

import asyncio
import io
import json
import logging
import logging.handlers
import smtplib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from pydantic import BaseModel

from config.logging import HIDDEN, bound_ids, configure
from config.settings import Settings, SettingsError, load_settings
from contactcenter.core.errors import NotFound
from tests.conftest import TEST_ENVIRON


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers[:]:
        if handler not in handlers:
            root.removeHandler(handler)
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def given(**environ: str) -> Settings:
    return load_settings({**TEST_ENVIRON, "LOG_LEVEL": "INFO", **environ})


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_our_lines_and_the_libraries_look_the_same() -> None:
    stream = io.StringIO()
    configure(given(), stream)
    structlog.get_logger("ours").info("queue.opened", queue="CO")
    logging.getLogger("theirs").warning("lost %s", "it")
    ours, theirs = lines(stream)
    assert ours["timestamp"].endswith("Z")
    assert {k: ours[k] for k in ("event", "level", "logger", "queue")} == {
        "event": "queue.opened", "level": "info", "logger": "ours", "queue": "CO",
    }  # fmt: skip
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("lost it", "warning", "theirs")


def test_a_terminal_gets_colour_and_a_pipe_in_production_json() -> None:
    terminal = Terminal()
    configure(given(), terminal)
    structlog.get_logger().info("hello")
    assert "\x1b[" in terminal.getvalue()
    assert not terminal.getvalue().startswith("{")

    production = Terminal()
    configure(given(APP_ENV="production"), production)
    structlog.get_logger().info("hello")
    assert lines(production)[0]["event"] == "hello"


def test_levels_below_the_chosen_one_are_hidden() -> None:
    stream = io.StringIO()
    configure(given(LOG_LEVEL="info"), stream)
    structlog.get_logger("a").debug("no")
    logging.getLogger("b").debug("no")
    structlog.get_logger("a").info("yes")
    assert [line["event"] for line in lines(stream)] == ["yes"]


def test_bound_ids_are_on_every_line_inside_and_none_after() -> None:
    stream = io.StringIO()
    configure(given(), stream)
    with bound_ids(request_id="r1", interaction_id=7):
        logging.getLogger("b").warning("inside")
    logging.getLogger("b").warning("outside")
    inside, outside = lines(stream)
    assert (inside["request_id"], inside["interaction_id"]) == ("r1", "7")
    assert "request_id" not in outside


def test_personal_fields_are_blanked() -> None:
    stream = io.StringIO()
    configure(given(), stream)
    structlog.get_logger().info("contact.created", phone="+34600000000", contact_id="c1")
    logging.getLogger("b").warning("sent", extra={"email": "someone@example.com"})
    ours, theirs = lines(stream)
    assert (ours["phone"], ours["contact_id"]) == (HIDDEN, "c1")
    assert theirs["email"] == HIDDEN


def test_a_traceback_shows_its_cause_but_no_values_of_validators_or_rows() -> None:
    class Visitor(BaseModel):
        age: int

    class RowError(Exception):
        sqlstate = "23505"
        constraint_name = "users_email_key"

    stream = io.StringIO()
    configure(given(), stream)
    log = structlog.get_logger()
    value = "Doña Inés"
    row = f"Key (name)=({value}) already exists."
    try:
        try:
            Visitor.model_validate({"age": value})
        except ValueError as error:
            raise RowError(row) from error
    except RowError:
        log.exception("failed")
    text = lines(stream)[0]["exception"]
    assert "23505] users_email_key" in text
    assert "1 errors in Visitor" in text
    assert "test_logging.py" in text
    assert "Inés" not in text


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("Doña Inés"), "ValueError"),
        (KeyError("Doña Inés"), "KeyError"),
        (smtplib.SMTPRecipientsRefused({"ines@example.com": (550, b"")}), "SMTPRecipientsRefused"),
        (smtplib.SMTPDataError(554, "Inés"), "SMTPDataError: 554"),
        (NotFound("Inés"), "NotFound: 404"),
        (FileNotFoundError(2, "No file", "Inés.csv"), "FileNotFoundError: [Errno 2] No file"),
        (AttributeError("'int' object has no attribute 'x'"),
         "AttributeError: 'int' object has no attribute 'x'"),
        (ExceptionGroup("Inés", [ValueError("Inés"), TypeError("not a str")]),
         "ExceptionGroup: ValueError; TypeError: not a str"),
    ],
    ids=lambda given: type(given).__name__,
)  # fmt: skip
@pytest.mark.parametrize("shape", ["json", "console"])
def test_of_an_error_the_class_is_told_and_what_speaks_of_nobody(
    error: Exception, told: str, shape: str
) -> None:
    for logger in (structlog.get_logger("ours"), logging.getLogger("theirs")):
        stream = io.StringIO()
        configure(given(LOG_FORMAT=shape), stream)
        logger.error("failed", exc_info=error)
        text = stream.getvalue()
        assert told in text
        assert "Inés" not in text
        assert "ines@" not in text


def test_personal_fields_are_blanked_at_any_depth() -> None:
    @dataclass
    class Letter:
        address: str

    stream = io.StringIO()
    configure(given(), stream)
    contact = {"id": 7, "Phone": "+34600000000", "names": [{"name": "Inés"}]}
    structlog.get_logger().info(
        "sent", contact=contact, letter=Letter("ines@example.com"), why=ValueError("Inés"),
        ids={"a"}, Telephone="+34600000000",
    )  # fmt: skip
    text = stream.getvalue()
    (line,) = lines(stream)
    assert line["contact"] == {"id": 7, "Phone": HIDDEN, "names": [{"name": HIDDEN}]}
    assert line["letter"].startswith("<")
    assert (line["why"], line["ids"], line["Telephone"]) == ("ValueError", ["a"], HIDDEN)
    assert "Inés" not in text
    assert "ines@" not in text


async def test_what_a_library_puts_into_its_sentence_is_without_values() -> None:
    async def fails(whose: str = "Inés") -> None:
        raise ValueError(whose)

    stream = io.StringIO()
    configure(given(), stream)
    task = asyncio.create_task(fails(), name="lost")
    await asyncio.wait({task})
    logging.getLogger("theirs").error("failed: %s in %s after %d of %s",
                                      ValueError("Inés"), task, 3, {"body": "Inés"})  # fmt: skip
    asyncio.get_running_loop().call_exception_handler(
        {"message": "Task exception was never retrieved", "future": task,
         "exception": task.exception()}
    )  # fmt: skip
    theirs, loops = lines(stream)
    assert theirs["event"] == f"failed: ValueError in Task lost after 3 of {{'body': '{HIDDEN}'}}"
    assert loops["event"] == "Task exception was never retrieved"
    assert "ValueError" in loops["exception"]
    assert "Inés" not in stream.getvalue()


def test_the_file_holds_json_and_rolls_at_midnight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1_900_000_000.0]  # 2030-03-17 17:46:40 UTC
    monkeypatch.setattr("logging.handlers.time.time", lambda: clock[0])
    path = tmp_path / "logs" / "centre.log"
    configure(given(LOG_FILE=str(path)), Terminal())
    structlog.get_logger().info("first day")
    clock[0] += 6 * 3600 + 14 * 60  # 00:00:40 of the next day
    structlog.get_logger().info("second day")
    assert json.loads(path.read_text())["event"] == "second day"
    rolled = path.with_name("centre.log.2030-03-17")
    assert json.loads(rolled.read_text())["event"] == "first day"


def test_an_unwritable_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be written .* choose another path"):
        configure(given(LOG_FILE=str(tmp_path / "file" / "x.log")), io.StringIO())
