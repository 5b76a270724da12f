"""Secrets at rest: AES-256-GCM, bound to the row that holds them, under keys that can change.

A sealed value is  name-length | key name | nonce (12) | ciphertext and tag.  What it belongs to
(`"two_factor.secret/<user id>"`) is authenticated with it, so a value that was copied to another
row does not open. The first key of ENCRYPTION_KEYS seals and all of them open: a new key is put in
front, `core.reseal` seals with it by and by what an older one sealed, `python -m contactcenter
check` counts what each key still opens, and once that is nothing the older one goes. What a key has
signed (`sign`, `mac`) stays signed with it: the links of the audit log cannot be made anew, or they
would prove nothing. So a key that goes is kept with the archive, and given to `audit verify` beside
the others when rows of its time are looked at.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from prometheus_client import Counter

UNOPENED = Counter("vault_unopened_values_total", "Sealed values that did not open")

NONCE_BYTES: Final = 12


class Unopenable(Exception):  # noqa: N818 -- what it is, not what went wrong
    """Sealed for something else, damaged, or with a key that is not there any more."""


class Vault:
    """Seals and opens. `keyring`: key name → 32 bytes; the first one seals."""

    def __init__(self, keyring: Mapping[str, bytes]) -> None:
        self._ciphers = {name.encode(): AESGCM(key) for name, key in keyring.items()}
        self._keys = {name.encode(): key for name, key in keyring.items()}
        self._current = next(iter(self._ciphers))

    def seal(self, plain: bytes, bound_to: str) -> bytes:
        """Ciphertext of `plain`, of no use anywhere but at `bound_to`."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._ciphers[self._current].encrypt(nonce, plain, self.head + bound_to.encode())
        return self.head + nonce + sealed

    def open(self, sealed: bytes, bound_to: str) -> bytes:
        """What was sealed for `bound_to`; raises Unopenable for anything else."""
        name, start = _key_name(sealed), 1 + sealed[0] if sealed else 0
        cipher = self._ciphers.get(name)
        if cipher is None:
            UNOPENED.inc()
            raise Unopenable
        nonce, text = sealed[start : start + NONCE_BYTES], sealed[start + NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, text, sealed[:start] + bound_to.encode())
        except (InvalidTag, ValueError) as error:
            UNOPENED.inc()
            raise Unopenable from error

    def stale(self, sealed: bytes) -> bool:
        """Whether another key than the present one sealed it."""
        return _key_name(sealed) != self._current

    @property
    def head(self) -> bytes:
        """How each value begins that the present key seals."""
        return bytes((len(self._current),)) + self._current

    @property
    def current(self) -> str:
        """The name of the key that seals."""
        return self._current.decode()

    def mac(self, purpose: str, data: bytes, key_name: str | None = None) -> bytes:
        """HMAC-SHA-256 with a key of its own for `purpose`, made from the one called `key_name`
        (default: the present one). Raises Unopenable when that key is not there any more."""
        key = self._keys.get(self._current if key_name is None else key_name.encode())
        if key is None:
            raise Unopenable
        return hmac.digest(hmac.digest(key, purpose.encode(), "sha256"), data, "sha256")

    def sign(self, purpose: str, data: bytes) -> bytes:
        """A signature of `data` that says with which key it was made: key name and `mac`."""
        return self.head + self.mac(purpose, data)

    def signed(self, signature: bytes, purpose: str, data: bytes) -> bool:
        """Whether `sign` made it of this. Raises Unopenable when its key is not there any more."""
        name = _key_name(signature)
        right = self.mac(purpose, data, name.decode(errors="replace"))
        return hmac.compare_digest(signature[1 + len(name) :], right)


def _key_name(sealed: bytes) -> bytes:
    return sealed[1 : 1 + sealed[0]] if sealed else b""
