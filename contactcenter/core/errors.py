"""What can go wrong for a caller, once for HTTP (RFC 9457) and sockets.

A service raises one of these; the border turns it into a problem document or an error ack. `code`
is the socket contract's word, `status` the HTTP status, `title` says it for everybody, `detail`
says it for this case in one sentence, `ctx` holds what a screen needs to say it in its language.
None of them carries personal data or echoes what the caller sent.
"""

# ruff: noqa: N818 -- a problem is named after what happened; all of them derive from Problem

from __future__ import annotations

from typing import Any, ClassVar


class Problem(Exception):
    """Something the caller is told about; see the module's docstring."""

    code: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[str]

    def __init__(self, detail: str = "", **ctx: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.ctx = ctx

    def headers(self) -> dict[str, str]:
        """HTTP headers that belong to this answer."""
        return {}


class Malformed(Problem):
    """The text is not JSON."""

    code = "invalid"
    status = 400
    title = "The request cannot be read."


class Invalid(Problem):
    """The request is JSON, but not what this operation takes.

    `errors` lists what is wrong where: {"loc": [...], "type": "...", "ctx": {...}, "msg": "..."}.
    """

    code = "invalid"
    status = 422
    title = "The request is not valid."

    def __init__(
        self, detail: str = "", *, errors: list[dict[str, Any]] | None = None, **ctx: Any
    ) -> None:
        super().__init__(detail, **ctx)
        self.errors = errors or []

    @classmethod
    def field(cls, loc: str, kind: str, msg: str, **ctx: Any) -> Invalid:
        """One wrong field that only the service could see: field("queue", "unknown_queue", …)."""
        return cls(msg, errors=[{"loc": [loc], "type": kind, "ctx": ctx, "msg": msg}])


class Unauthenticated(Problem):
    """No token, or one that is worth nothing."""

    code = "unauthenticated"
    status = 401
    title = "Sign in first."

    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class Forbidden(Problem):
    """Signed in, but not allowed to."""

    code = "forbidden"
    status = 403
    title = "This is not permitted to you."


class NotFound(Problem):
    """It does not exist, or the caller may not see it: the two look the same."""

    code = "not_found"
    status = 404
    title = "There is no such thing."


class NotAllowed(Problem):
    """The path exists, the method does not."""

    code = "unsupported"
    status = 405
    title = "This method is not supported here."

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__(allowed=sorted(allowed))
        self.allowed = tuple(sorted(allowed))

    def headers(self) -> dict[str, str]:
        return {"Allow": ", ".join(self.allowed)}


class Conflict(Problem):
    """An illegal change of state, or a race that somebody else won."""

    code = "conflict"
    status = 409
    title = "This does not fit the present state."


class Expired(Problem):
    """It was possible until a moment ago: an offer that ran out."""

    code = "expired"
    status = 409
    title = "The time for this is over."


class PreconditionFailed(Problem):
    """`If-Match` names another version than the stored one."""

    code = "conflict"
    status = 412
    title = "It has changed since you read it."


class PreconditionRequired(Problem):
    """The operation needs `If-Match`."""

    code = "invalid"
    status = 428
    title = "Send If-Match with the version you read."


class TooLarge(Problem):
    """The body or payload is over the limit; ctx.limit gives it in bytes or characters."""

    code = "too_large"
    status = 413
    title = "That is too large."


class UnsupportedType(Problem):
    """The body's media type is not one the operation takes."""

    code = "unsupported"
    status = 415
    title = "This content type is not supported."


class Unsupported(Problem):
    """A command or capability that does not exist here."""

    code = "unsupported"
    status = 404
    title = "This is not supported."


class RateLimited(Problem):
    """Too many in too short a time; `retry_after` is in seconds."""

    code = "rate_limited"
    status = 429
    title = "Too many requests."

    def __init__(self, retry_after: float, detail: str = "", **ctx: Any) -> None:
        self.retry_after = _whole_seconds(retry_after)
        super().__init__(detail, retry_after=self.retry_after, **ctx)

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after)}


class Unavailable(Problem):
    """A dependency is down or too slow; nothing is known to have happened. Try again."""

    code = "unavailable"
    status = 503
    title = "This is not available just now."

    def __init__(self, detail: str = "", *, retry_after: float = 1, **ctx: Any) -> None:
        self.retry_after = _whole_seconds(retry_after)
        super().__init__(detail, retry_after=self.retry_after, **ctx)

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after)}


class Internal(Problem):
    """A fault of ours; the log holds the rest under the request's id."""

    code = "unavailable"
    status = 500
    title = "Something went wrong on our side."


def _whole_seconds(seconds: float) -> int:
    """Retry-After counts whole seconds; rounding down would invite a retry too early."""
    return max(1, -int(-seconds // 1))
