"""What signing in takes and gives."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from contactcenter.core.validation import Schema

Transport = Literal["body", "cookie"]
Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, to_lower=True, max_length=254, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
    ),
]
Secret = Annotated[str, StringConstraints(strip_whitespace=False, min_length=1, max_length=200)]


class LoginIn(Schema):
    email: Email
    password: Secret = Field(repr=False)
    transport: Transport = Field(default="body", alias="token_transport")


class RefreshIn(Schema):
    refresh_token: Secret | None = Field(default=None, repr=False)
    """None: it is in the cookie."""
    transport: Transport = Field(default="body", alias="token_transport")


class UserOut(BaseModel):
    id: UUID
    email: str
    first_name: str
    last_name: str
    role: str
    locale: str


class TokensOut(BaseModel):
    access_token: str
    refresh_token: str | None
    """None: it went into the cookie."""
    expires_in: int
    """Seconds for which the access token holds."""


class LoginOut(TokensOut):
    user: UserOut


class AgentOut(BaseModel):
    id: UUID
    name: str


class MeOut(BaseModel):
    user: UserOut
    agent: AgentOut | None
    permissions: list[str]


class DemoUser(BaseModel):
    email: str
    password: str
    name: str
    role: str


class DemoUsersOut(BaseModel):
    items: list[DemoUser]
    next_cursor: str | None = None
