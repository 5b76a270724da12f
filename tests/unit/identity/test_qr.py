"""The picture of a second factor is read back as a camera reads it, by a reader of our own that
knows ISO/IEC 18004 and nothing of the library that draws it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator

import pyotp
import pytest

from contactcenter.identity.two_factor import _qr

BLOCKS = {5: (43, 43), 6: (27,) * 4, 7: (31,) * 4, 8: (38, 38, 39, 39), 9: (36, 36, 36, 37, 37),
          10: (43, 43, 43, 43, 44), 11: (50, 51, 51, 51, 51)}  # fmt: skip
"""Version → codewords of data in each block, at level M."""
CENTRES = {5: (6, 30), 6: (6, 34), 7: (6, 22, 38), 8: (6, 24, 42), 9: (6, 26, 46),
           10: (6, 28, 50), 11: (6, 30, 54)}  # fmt: skip
"""Version → where the middles of its alignment patterns lie."""
MASKS: tuple[Callable[[int, int], bool], ...] = (
    lambda i, j: (i + j) % 2 == 0,
    lambda i, j: i % 2 == 0,
    lambda i, j: j % 3 == 0,
    lambda i, j: (i + j) % 3 == 0,
    lambda i, j: (i // 2 + j // 3) % 2 == 0,
    lambda i, j: i * j % 2 + i * j % 3 == 0,
    lambda i, j: (i * j % 2 + i * j % 3) % 2 == 0,
    lambda i, j: ((i + j) % 2 + i * j % 3) % 2 == 0,
)


def modules(svg: str) -> list[list[bool]]:
    """The dark squares, without the quiet zone: what the picture's strokes cover."""
    root = ET.fromstring(svg)
    whole = int(root.attrib["viewBox"].split()[2])
    dark = [[False] * whole for _ in range(whole)]
    strokes = next(path.attrib["d"] for path in root if "stroke" in path.attrib)
    x, y = 0, 0.0
    for command, numbers in re.findall(r"([Mmh])([^Mmh]*)", strokes):
        given = [float(text) for text in re.findall(r"-?[\d.]+", numbers)]
        if command == "h":
            for column in range(x, x + int(given[0])):
                dark[int(y)][column] = True
            x += int(given[0])
        else:
            x, y = (0, 0.0) if command == "M" else (x, y)
            x, y = x + int(given[0]), y + given[1]
    assert not any(any(line[:2]) or any(line[-2:]) for line in dark), "a quiet zone around it"
    return [line[2:-2] for line in dark[2:-2]]


def is_function(size: int, version: int, i: int, j: int) -> bool:
    """Whether the square belongs to the patterns, not to the data."""
    near, far = 8, size - 8
    if (i <= near and (j <= near or j >= far)) or (i >= far and j <= near) or 6 in {i, j}:
        return True
    if version >= 7 and ((i < 6 and j >= size - 11) or (j < 6 and i >= size - 11)):
        return True
    middles = CENTRES[version]
    corners = {(6, 6), (6, middles[-1]), (middles[-1], 6)}
    return any(
        abs(i - a) <= 2 and abs(j - b) <= 2 and (a, b) not in corners
        for a in middles
        for b in middles
    )


def squares(size: int) -> Iterator[tuple[int, int]]:
    """In the order of the data: two columns at a time from the right, up and down in turn."""
    upwards = True
    right = size - 1
    while right > 0:
        right -= right == 6
        for step in range(size):
            i = size - 1 - step if upwards else step
            yield from ((i, right), (i, right - 1))
        upwards = not upwards
        right -= 2


def read(svg: str) -> str:
    """The text in a QR code of level M and bytes. Damage is not mended: there is none."""
    dark = modules(svg)
    size = len(dark)
    version = (size - 17) // 4
    told = [dark[8][j] for j in (0, 1, 2, 3, 4)]
    shape = int("".join("1" if bit else "0" for bit in told), 2) ^ 0b10101
    assert shape >> 3 == 0b00, "level M"
    mask = MASKS[shape & 0b111]
    bits = [
        dark[i][j] ^ mask(i, j) for i, j in squares(size) if not is_function(size, version, i, j)
    ]
    words = [
        int("".join("1" if bit else "0" for bit in bits[at : at + 8]), 2)
        for at in range(0, len(bits) - 7, 8)
    ]
    lengths = BLOCKS[version]
    blocks: list[list[int]] = [[] for _ in lengths]
    given = iter(words)
    for place in range(max(lengths)):
        for block, length in zip(blocks, lengths, strict=True):
            if place < length:
                block.append(next(given))
    stream = "".join(f"{word:08b}" for block in blocks for word in block)
    assert stream[:4] == "0100", "bytes"
    start = 4 + (8 if version < 10 else 16)
    count = int(stream[4:start], 2)
    return bytes(int(stream[start + 8 * n : start + 8 * n + 8], 2) for n in range(count)).decode()


@pytest.mark.parametrize(
    "address",
    ["a@b.es", "ada@example.com", "maria.del.carmen.fernandez-villaverde@correduria.example",
     "ñandú@correo.example", f"{'x' * 50}@example.com"],
)  # fmt: skip
@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_a_camera_reads_the_address_in_it(address: str, seed: int) -> None:
    secret = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[seed:] + "ABCD"[:seed]
    uri = pyotp.TOTP(secret).provisioning_uri(name=address, issuer_name="Centro de atención")
    assert read(_qr(uri)) == uri
    found = pyotp.parse_uri(read(_qr(uri)))
    assert (found.secret, found.name) == (secret, address)
