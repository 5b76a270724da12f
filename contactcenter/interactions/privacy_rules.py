"""What the hall's tables of contacts and their contacts with us hold of a person (core.privacy)."""

from __future__ import annotations

from typing import Final

from contactcenter.core.privacy import TableRule

EXPORT_CONTACT = "SELECT name, locale, verified, created_at FROM contacts WHERE id = $1"
ERASE_CONTACT = """
UPDATE contacts SET name = '', sort_key = '', verified = false, version = version + 1 WHERE id = $1
"""
EXPORT_ADDRESSES = "SELECT kind, address FROM contact_addresses WHERE contact_id = $1"
ERASE_ADDRESSES = "DELETE FROM contact_addresses WHERE contact_id = $1"
EXPORT_CONVERSATIONS = """
SELECT channel, subject, topic, state, created_at, closed_at FROM conversations
WHERE contact_id = $1
"""
ERASE_CONVERSATIONS = """
UPDATE conversations SET subject = NULL, topic = NULL, visitor_token_hash = NULL
WHERE contact_id = $1
"""
EXPORT_INTERACTIONS = """
SELECT channel, direction, state, subject, outcome, tags, metadata, created_at, closed_at
FROM interactions WHERE contact_id = $1
"""
EXPORT_OF_CUSTOMER = """
SELECT channel, direction, state, subject, outcome, tags, metadata, created_at, closed_at
FROM interactions WHERE customer_id = $1
"""
ERASE_INTERACTIONS = """
UPDATE interactions SET subject = NULL, metadata = '{}', tags = '{}', routing_facts = '{}'
WHERE contact_id = $1
"""
EXPORT_MESSAGES = """
SELECT m.sender, m.body, m.created_at FROM messages m
JOIN conversations c ON c.id = m.conversation_id
WHERE c.contact_id = $1 AND m.kind = 'text' ORDER BY m.created_at, m.id
"""
EXPORT_SAID = """
SELECT m.sender, m.body, m.created_at FROM messages m
JOIN interactions i ON i.id = m.interaction_id
WHERE i.customer_id = $1 AND m.kind = 'text' ORDER BY m.created_at, m.id
"""
ERASE_MESSAGES = """
UPDATE messages m SET body = '', client_id = NULL FROM conversations c
WHERE c.id = m.conversation_id AND c.contact_id = $1
"""

RULES: Final = (
    TableRule(
        "contacts",
        "erase",
        "The contact stays as an empty row, for what refers to it.",
        {"contact": EXPORT_CONTACT},
        {"contact": ERASE_CONTACT},
        last=True,
        reason_es="El contacto queda como una fila vacía, a la que otras se refieren.",
    ),
    TableRule(
        "contact_addresses",
        "erase",
        "Addresses and numbers.",
        {"contact": EXPORT_ADDRESSES},
        {"contact": ERASE_ADDRESSES},
        reason_es="Direcciones y números.",
    ),
    TableRule(
        "conversations",
        "erase",
        "Subjects, chosen topics; the visitor's token.",
        {"contact": EXPORT_CONVERSATIONS},
        {"contact": ERASE_CONVERSATIONS},
        reason_es="Asuntos, temas elegidos; la credencial del visitante.",
    ),
    TableRule(
        "interactions",
        "erase",
        "Subjects, tags and facts; times and outcomes stay for statistics.",
        {"contact": EXPORT_INTERACTIONS, "customer": EXPORT_OF_CUSTOMER},
        {"contact": ERASE_INTERACTIONS},
        reason_es="Asuntos, etiquetas y datos; las horas y los resultados quedan para la "
        "estadística.",
    ),
    TableRule(
        "messages",
        "erase",
        "What was written, on both sides.",
        {"contact": EXPORT_MESSAGES, "customer": EXPORT_SAID},
        {"contact": ERASE_MESSAGES},
        reason_es="Lo que se escribió, por ambas partes.",
    ),
)
