from __future__ import annotations

from datetime import UTC, datetime

import pytest

from contactcenter.identity.two_factor import matching_step

SECRET = b"12345678901234567890"


# RFC 6238, appendix B, SHA-1: the last six of the eight digits.
@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_standard_s_vectors(seconds: int, code: str) -> None:
    now = datetime.fromtimestamp(seconds, UTC)
    step = seconds // 30
    assert matching_step(SECRET, code, now, after=0) == step
    assert matching_step(SECRET, code, now, after=step) is None
    assert matching_step(b"another secret of 20", code, now, after=0) is None
