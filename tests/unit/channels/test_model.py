from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.model import plain_text
from channels.webchat.model import Talk, stage, token_hash, transcript
from contactcenter.interactions.model import STATES
from contactcenter.interactions.schemas import MessageCard
from contactcenter.interactions.visitor import VisitorMessage, visitor_message


@pytest.mark.parametrize("text", ["a\0b", "\x1b[31m", "a\x07", "\x9b", "\ud800"])
def test_control_characters_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="control"):
        plain_text(text)


def test_line_ends_become_one() -> None:
    assert plain_text("a\r\nb\rc\n\td") == "a\nb\nc\n\td"


@given(st.text(st.characters(exclude_categories=("Cc", "Cs"))))
def test_every_other_text_stays_as_it_is(text: str) -> None:
    assert plain_text(text) == text


def test_markup_is_text() -> None:
    assert plain_text("<script>alert(1)</script>") == "<script>alert(1)</script>"


@pytest.mark.parametrize("state", STATES)
def test_every_state_has_a_stage(state: str) -> None:
    shown = stage(state, customer_present=True, left=False)
    assert shown == {
        "new": "waiting",
        "queued": "waiting",
        "offered": "waiting",
        "active": "active",
        "held": "active",
        "parked": "active",
    }.get(state, "ended")
    assert stage(state, customer_present=False, left=False) == "ended"


def test_a_left_message_waits_as_such() -> None:
    assert stage("queued", customer_present=True, left=True) == "message_left"
    assert stage("active", customer_present=True, left=True) == "active"
    assert stage(None, customer_present=False, left=False) == "new"


def test_only_the_hash_of_a_token_is_kept() -> None:
    assert token_hash("visitor_a") != token_hash("visitor_b")
    assert len(token_hash("visitor_a")) == 32


def _message(body: str, sender: str, hour: int, name: str | None = None) -> VisitorMessage:
    return VisitorMessage.model_validate(
        {
            "message_id": uuid4(),
            "conversation_id": uuid4(),
            "sender": sender,
            "kind": "text",
            "agent_name": name,
            "body": body,
            "created_at": datetime(2027, 3, 16, hour, 5, tzinfo=UTC),
            "client_id": None,
        }
    )


def test_a_transcript_reads_like_the_conversation() -> None:
    talk = Talk(
        "Brezo",
        "ref-1",
        (
            _message("Hola\notra línea", "visitor", 9),
            _message("Buenos días", "agent", 10, "Lucía"),
            _message("Tarde", "visitor", 23),
        ),
    )
    assert transcript(talk, "es", ZoneInfo("Europe/Madrid")) == (
        "Conversación con Brezo\nReferencia: ref-1\nHoras en Europe/Madrid.\n\n"
        "— 16/03/2027 —\n[10:05] Usted: Hola\n        otra línea\n[11:05] Lucía: Buenos días\n"
        "— 17/03/2027 —\n[00:05] Usted: Tarde\n"
    )
    empty = transcript(Talk("Brezo", "r", ()), "en", ZoneInfo("Europe/Madrid"))
    assert empty.endswith("\n\nThere are no messages.\n")


def test_a_note_is_not_for_visitors() -> None:
    card = MessageCard(
        message_id=uuid4(),
        conversation_id=uuid4(),
        interaction_id=None,
        sender="agent",
        kind="note",
        agent_id=uuid4(),
        agent_name="Lucía Gil",
        body="ojo",
        client_id=None,
        created_at=datetime(2027, 3, 16, tzinfo=UTC),
    )
    assert visitor_message(card) is None
    shown = visitor_message(card.model_copy(update={"kind": "text"}))
    assert shown is not None
    assert shown.agent_name == "Lucía"
    assert "agent_id" not in shown.model_dump()
