"""What signing in and accounts take and give."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, StringConstraints
from pydantic_core import PydanticCustomError

from contactcenter.core.validation import Schema
from contactcenter.identity.model import PASSWORD_BYTES, PASSWORD_LENGTH, password_lacks

Transport = Literal["body", "cookie"]
Locale = Literal["es", "en"]
Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, to_lower=True, max_length=254, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
    ),
]
Secret = Annotated[str, StringConstraints(strip_whitespace=False, min_length=1, max_length=200)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f]+$")]
Token = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Code = Annotated[
    str,
    StringConstraints(
        to_upper=True, max_length=20, pattern=r"^([0-9]{6}|[A-Za-z2-7]{5}(-?[A-Za-z2-7]{5}){2})$"
    ),
]
"""Six digits of the authenticator, or a recovery code."""
Digits = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]


def _strong(password: str) -> str:
    lacks = password_lacks(password)
    if lacks:
        raise PydanticCustomError(
            "weak_password",
            "At least {length} characters with a lower and an upper case letter, a digit and a "
            "symbol, and at most {bytes} bytes.",
            {"length": PASSWORD_LENGTH, "bytes": PASSWORD_BYTES, "lacks": ", ".join(lacks)},
        )
    return password


def _e164(text: str) -> str:
    """A number of any country (RFC 3966's +…), or a Spanish one without the country's code."""
    import phonenumbers  # 75 ms, for the few who give a number

    try:
        number = phonenumbers.parse(text, "ES")
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number):
        raise PydanticCustomError("bad_phone", "Not a telephone number.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


NewPassword = Annotated[Secret, AfterValidator(_strong)]
Phone = Annotated[str, StringConstraints(min_length=3, max_length=40), AfterValidator(_e164)]
"""Normalised to E.164."""


class RegisterIn(Schema):
    email: Email
    password: NewPassword = Field(repr=False)
    first_name: Name
    last_name: Name
    phone: Phone | None = None
    locale: Locale = "es"


class Said(BaseModel):
    """What is answered whatever is known: nothing can be learned from it."""

    detail: str


class VerifyIn(Schema):
    token: Token = Field(repr=False)
    password: Secret | None = Field(default=None, repr=False)
    """The account's; None where the request comes from a session of that very account."""


class EmailIn(Schema):
    email: Email


class NewPasswordIn(Schema):
    token: Token = Field(repr=False)
    password: NewPassword = Field(repr=False, alias="new_password")


class AcceptIn(Schema):
    token: Token = Field(repr=False)
    password: NewPassword = Field(repr=False)
    first_name: Name | None = None
    last_name: Name | None = None


class ChangePasswordIn(Schema):
    current_password: Secret = Field(repr=False)
    new_password: NewPassword = Field(repr=False)


class ProfileIn(Schema):
    """What is left out stays; `phone: null` takes the number away."""

    first_name: Name | None = None
    last_name: Name | None = None
    phone: Phone | None = None
    locale: Locale | None = None


class LoginIn(Schema):
    email: Email
    password: Secret = Field(repr=False)
    transport: Transport = Field(default="body", alias="token_transport")


class SecondStepIn(Schema):
    temp_token: Token = Field(repr=False)
    code: Code = Field(repr=False)
    transport: Transport = Field(default="body", alias="token_transport")


class RefreshIn(Schema):
    refresh_token: Secret | None = Field(default=None, repr=False)
    """None: it is in the cookie."""
    transport: Transport = Field(default="body", alias="token_transport")


class CodeIn(Schema):
    code: Code = Field(repr=False)


class DigitsIn(Schema):
    code: Digits = Field(repr=False)


class UserOut(BaseModel):
    id: UUID
    email: str
    first_name: str
    last_name: str
    role: str
    locale: str
    phone: str | None
    email_verified: bool
    two_factor_enabled: bool
    version: int


class TokensOut(BaseModel):
    access_token: str
    refresh_token: str | None
    """None: it went into the cookie."""
    expires_in: int
    """Seconds for which the access token holds."""


class LoginOut(BaseModel):
    """Tokens; or, where the user has a second factor, `requires_2fa` and `temp_token`."""

    user: UserOut | None = None
    access_token: str | None = None
    refresh_token: str | None = None
    """None: it went into the cookie."""
    expires_in: int | None = None
    """Seconds for which the access token holds."""
    requires_2fa: bool = False
    temp_token: str | None = None
    """Goes with the code to /auth/2fa/login, within five minutes."""


class SignedInOut(TokensOut):
    user: UserOut


class AgentOut(BaseModel):
    id: UUID
    name: str


class MeOut(BaseModel):
    user: UserOut
    agent: AgentOut | None
    permissions: list[str]
    queues: list[str] | None
    """What the rights are limited to; null: not limited."""
    teams: list[str] | None


class SetUpOut(BaseModel):
    secret: str
    otpauth_url: str
    qr_svg: str


class RecoveryOut(BaseModel):
    recovery_codes: list[str]
    """Each works once. They are not shown again."""


class SessionOut(BaseModel):
    id: UUID
    address: Annotated[str | None, Field(examples=["203.0.113.7"])]
    user_agent: str | None
    created_at: datetime
    last_activity_at: datetime
    expires_at: datetime
    current: bool


class SessionsOut(BaseModel):
    items: list[SessionOut]
    next_cursor: str | None = None


class DemoUser(BaseModel):
    email: str
    password: str
    name: str
    role: str


class DemoUsersOut(BaseModel):
    items: list[DemoUser]
    next_cursor: str | None = None


class MailboxLetter(BaseModel):
    id: str
    address: str
    subject: str
    body: str
    created_at: datetime


class MailboxOut(BaseModel):
    items: list[MailboxLetter]
    next_cursor: str | None = None


Text = Annotated[str, StringConstraints(max_length=4096)]


class BeginQuery(Schema):
    next: Annotated[str, StringConstraints(max_length=200)] = "/"
    """Path of our own to go on to."""


class BackQuery(BaseModel):
    """What a provider sends back; what else it sends is not looked at."""

    code: Text | None = None
    state: Text = ""
    error: Text | None = None
    iss: Text | None = None


class ProviderOut(BaseModel):
    name: str
    label: str


class ProvidersOut(BaseModel):
    items: list[ProviderOut]
    next_cursor: str | None = None


class LinkIn(Schema):
    next: Annotated[str, Field(max_length=200)] = "/"


class LinkOut(BaseModel):
    authorization_url: str


class IdentityOut(BaseModel):
    provider: str
    email: str | None
    created_at: datetime
    last_used_at: datetime


class IdentitiesOut(BaseModel):
    items: list[IdentityOut]
    next_cursor: str | None = None
