from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactcenter.core.vault import Unopenable, Vault

VAULT = Vault({"k2": b"2" * 32, "k1": b"1" * 32})


@given(st.binary(max_size=200), st.text(max_size=40))
def test_what_is_sealed_opens_where_it_belongs(plain: bytes, place: str) -> None:
    sealed = VAULT.seal(plain, place)
    assert VAULT.open(sealed, place) == plain
    assert VAULT.seal(plain, place) != sealed
    with pytest.raises(Unopenable):
        VAULT.open(sealed, place + "x")


@given(st.data())
def test_a_flipped_bit_does_not_open(data: st.DataObject) -> None:
    sealed = bytearray(VAULT.seal(b"secret", "here"))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Unopenable):
        VAULT.open(bytes(sealed), "here")


@pytest.mark.parametrize("sealed", [b"", b"\x00", b"\x02k2", b"\xff" * 40, b"\x02k9" + b"0" * 40])
def test_what_is_not_sealed_does_not_open(sealed: bytes) -> None:
    with pytest.raises(Unopenable):
        VAULT.open(sealed, "here")


def test_keys_change() -> None:
    old = Vault({"k1": b"1" * 32}).seal(b"secret", "here")
    assert VAULT.open(old, "here") == b"secret"
    assert VAULT.stale(old)
    fresh = VAULT.seal(b"secret", "here")
    assert not VAULT.stale(fresh)
    with pytest.raises(Unopenable):
        Vault({"k1": b"1" * 32}).open(fresh, "here")


def test_a_signature_is_of_one_text_for_one_purpose() -> None:
    old = Vault({"k1": b"1" * 32}).sign("a", b"data")
    for signature in (old, VAULT.sign("a", b"data")):
        assert VAULT.signed(signature, "a", b"data")
        assert not VAULT.signed(signature, "a", b"date")
        assert not VAULT.signed(signature, "b", b"data")
        assert not VAULT.signed(signature[:-1], "a", b"data")
    for unknown in (b"", b"\x02k9" + b"0" * 32, b"\x02\xff\xff" + b"0" * 32):
        with pytest.raises(Unopenable):
            VAULT.signed(unknown, "a", b"data")


def test_each_purpose_has_its_own_mac() -> None:
    made = {VAULT.mac(purpose, b"data", key) for purpose in "ab" for key in ("k1", "k2", None)}
    assert len(made) == 4
    with pytest.raises(Unopenable):
        VAULT.mac("a", b"data", "gone")
