"""What identity's tables hold of a person (core.privacy)."""

from __future__ import annotations

from typing import Final

from contactcenter.core.privacy import TableRule, nothing_personal

EXPORT_USER = """
SELECT email, first_name, last_name, phone, role, status, locale, email_verified, created_at,
       last_login_at FROM users WHERE id = $1
"""
ERASE_USER = """
UPDATE users SET email = 'erased-' || id || '@invalid', first_name = '', last_name = '',
    phone = NULL, password_hash = NULL, status = 'erased', email_verified = false,
    two_factor_enabled = false, last_login_at = NULL, version = version + 1
WHERE id = $1
"""
EXPORT_SESSIONS = """
SELECT ip_address, user_agent, created_at, last_activity_at, ended_at FROM sessions
WHERE user_id = $1
"""
ERASE_SESSIONS = "DELETE FROM sessions WHERE user_id = $1"
ERASE_REFRESH = """
DELETE FROM refresh_tokens WHERE session_id IN (SELECT id FROM sessions WHERE user_id = $1)
"""
ERASE_ONCE = "DELETE FROM one_time_tokens WHERE user_id = $1"
ERASE_FACTOR = "DELETE FROM two_factor WHERE user_id = $1"
ERASE_RECOVERY = "DELETE FROM recovery_codes WHERE user_id = $1"
EXPORT_IDENTITIES = """
SELECT provider, issuer, email, created_at, last_used_at FROM oauth_identities WHERE user_id = $1
"""
ERASE_IDENTITIES = "DELETE FROM oauth_identities WHERE user_id = $1"
ERASE_FLOWS = "DELETE FROM oauth_flows WHERE user_id = $1"
ERASE_SCOPES = "DELETE FROM user_scopes WHERE user_id = $1"
ERASE_LETTERS = """
DELETE FROM mailbox WHERE lower(address) = (SELECT lower(email) FROM users WHERE id = $1)
"""
EXPORT_AUDIT = """
SELECT action, resource_type, created_at FROM audit_logs WHERE user_id = $1 OR person = $1
"""
ERASE_KEY = "DELETE FROM person_keys WHERE person = $1"
ERASE_REQUESTS = "UPDATE privacy_requests SET export = NULL WHERE person = $1"

RULES: Final = (
    TableRule(
        "users",
        "erase",
        "The account stays as an empty row, for what refers to it.",
        {"user": EXPORT_USER},
        {"user": ERASE_USER},
        last=True,
        reason_es="La cuenta queda como una fila vacía, a la que otras se refieren.",
    ),
    TableRule(
        "sessions",
        "erase",
        "Addresses and browsers of sign-ins.",
        {"user": EXPORT_SESSIONS},
        {"user": ERASE_SESSIONS},
        last=True,
        reason_es="Direcciones y navegadores de los inicios de sesión.",
    ),
    TableRule(
        "refresh_tokens",
        "erase",
        "Hashes only.",
        {},
        {"user": ERASE_REFRESH},
        reason_es="Solo huellas.",
    ),
    TableRule(
        "one_time_tokens",
        "erase",
        "Hashes only.",
        {},
        {"user": ERASE_ONCE},
        reason_es="Solo huellas.",
    ),
    TableRule(
        "two_factor",
        "erase",
        "A sealed secret.",
        {},
        {"user": ERASE_FACTOR},
        reason_es="Un secreto sellado.",
    ),
    TableRule(
        "recovery_codes",
        "erase",
        "Hashes only.",
        {},
        {"user": ERASE_RECOVERY},
        reason_es="Solo huellas.",
    ),
    TableRule(
        "oauth_identities",
        "erase",
        "Who the user is at a provider.",
        {"user": EXPORT_IDENTITIES},
        {"user": ERASE_IDENTITIES},
        reason_es="Quién es en otro proveedor.",
    ),
    TableRule(
        "oauth_flows",
        "erase",
        "Sign-ins under way.",
        {},
        {"user": ERASE_FLOWS},
        reason_es="Inicios de sesión a medias.",
    ),
    TableRule(
        "user_scopes",
        "erase",
        "What rights were limited to.",
        {},
        {"user": ERASE_SCOPES},
        reason_es="A qué se limitaban sus permisos.",
    ),
    TableRule(
        "mailbox",
        "erase",
        "A development system's letters.",
        {},
        {"user": ERASE_LETTERS},
        reason_es="Las cartas de un sistema de desarrollo.",
    ),
    TableRule(
        "audit_logs",
        "keep",
        "Evidence of who did what (GDPR art. 5.2 and 17.3.e). What is personal in a row is sealed "
        "with the person's key, which is erased.",
        {"user": EXPORT_AUDIT, "contact": EXPORT_AUDIT},
        reason_es="Prueba de quién hizo qué (RGPD art. 5.2 y 17.3.e). Lo personal de cada fila "
        "está sellado con la clave de la persona, que se borra.",
    ),
    TableRule(
        "person_keys",
        "erase",
        "Without the key the audit log's sealed parts cannot be read.",
        {},
        {"user": ERASE_KEY, "contact": ERASE_KEY},
        last=True,
        reason_es="Sin la clave no se puede leer lo sellado del registro de auditoría.",
    ),
    TableRule(
        "privacy_requests",
        "erase",
        "Exports are sealed and go; certificates stay, with ids and counts.",
        {},
        {"user": ERASE_REQUESTS, "contact": ERASE_REQUESTS},
        reason_es="Las exportaciones están selladas y se van; los certificados quedan, con "
        "identificadores y cantidades.",
    ),
    *nothing_personal("Ids and hashes.", "audit_chain"),
    *nothing_personal("Settings.", "roles", "teams"),
)
