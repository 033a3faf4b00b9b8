"""How large an image is and where it ends, told by its own headers: nothing is unpacked.

PNG, JPEG, GIF and WebP are walked block by block to their last byte. What is inside a block (pixels, colours, comments) is not looked at.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass

from criterial.errors import FormatError

__all__ = ["ImageSize", "measure"]

_MARKER = re.compile(rb"\xff+([\x01-\xfe])", re.DOTALL)
_SCAN_END = re.compile(rb"\xff+[\x01-\xcf\xd8-\xfe]", re.DOTALL)
_START, _END, _SCAN = 0xD8, 0xD9, 0xDA
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_EXTENSION, _PICTURE, _TRAILER = 0x21, 0x2C, 0x3B


@dataclass(frozen=True)
class ImageSize:
    """What an image's headers say."""

    mime: str
    """Its type."""
    pixels: int
    """Those of its canvas, or those of all its frames together where these are more."""
    end: int
    """How many bytes belong to it; any beyond are something else."""


def measure(data: bytes) -> ImageSize:
    """Return the type and the size of an image.

    Parameters
    ----------
    data : bytes
        A whole file.

    Returns
    -------
    ImageSize

    Raises
    ------
    FormatError
        If it is no PNG, JPEG, GIF or WebP image, or a part of one.
    """
    found = next((kind for starts, kind in _KINDS.items() if data.startswith(starts)), None)
    if found is None or (found[0] == "image/webp" and data[8:12] != b"WEBP"):
        raise FormatError("not a PNG, JPEG, GIF or WebP image", hint="save it as one of these")
    mime, walk = found
    try:
        canvas, frames, end = walk(data)
    except (struct.error, IndexError):
        canvas = frames = end = 0
    if not 0 < end <= len(data):
        raise FormatError(f"an image ({mime}) that is cut off or damaged", hint="save it anew")
    if not max(canvas, frames):
        raise FormatError(f"an image ({mime}) that does not say how large it is", hint="save it anew")
    return ImageSize(mime, max(canvas, frames), end)


def _png(data: bytes) -> tuple[int, int, int]:
    place = len(_PNG)
    canvas = frames = 0
    if data[place + 4 : place + 8] != b"IHDR":
        return 0, 0, 0
    while True:
        length, kind = struct.unpack_from(">I4s", data, place)
        if kind == b"IHDR":
            canvas = max(canvas, _product(">II", data, place + 8))
        elif kind == b"fcTL":  # a frame of an animation, after its number
            frames += _product(">II", data, place + 12)
        place += 12 + length
        if kind == b"IEND":
            return canvas, frames, place


def _jpeg(data: bytes) -> tuple[int, int, int]:
    place = 2
    pixels = 0
    while marker := _MARKER.match(data, place):
        code, place = marker.group(1)[0], marker.end()
        if code == _END:
            return pixels, 0, place
        (length,) = struct.unpack_from(">H", data, place)
        if code in _FRAMES:
            pixels += _product(">HH", data, place + 3)
        place += length
        if code == _SCAN:
            after = _SCAN_END.search(data, place)
            place = after.start() if after else len(data)
        if code == _START or length < 2:
            break
    return 0, 0, 0


def _gif(data: bytes) -> tuple[int, int, int]:
    canvas, frames = _product("<HH", data, 6), 0
    place = 13 + _colours(data[10])
    while data[place] != _TRAILER:
        if data[place] == _PICTURE:
            frames += _product("<HH", data, place + 5)
            place += 11 + _colours(data[place + 9])  # the last byte is the width of the pixels' codes
        elif data[place] == _EXTENSION:
            place += 2
        else:
            return 0, 0, 0
        while data[place]:
            place += 1 + data[place]
        place += 1
    return canvas, frames, place + 1


def _colours(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _webp(data: bytes) -> tuple[int, int, int]:
    (length,) = struct.unpack_from("<I", data, 4)
    end, place = 8 + length, 12
    canvas = frames = 0
    while place < end:
        kind, size = struct.unpack_from("<4sI", data, place)
        body = place + 8
        if kind == b"VP8X":
            canvas = max(canvas, _whole_24(data, body + 4) * _whole_24(data, body + 7))
        elif kind == b"ANMF":  # a frame of an animation: the chunks of its picture follow its header
            canvas = max(canvas, _whole_24(data, body + 6) * _whole_24(data, body + 9))
            size = 16
        elif kind == b"VP8 ":
            width, height = struct.unpack_from("<HH", data, body + 6)
            frames += (width & 0x3FFF) * (height & 0x3FFF)
        elif kind == b"VP8L":
            (bits,) = struct.unpack_from("<I", data, body + 1)
            frames += ((bits & 0x3FFF) + 1) * ((bits >> 14 & 0x3FFF) + 1)
        place = body + size + (size & 1)
    return (canvas, frames, end) if place == end else (0, 0, 0)


def _whole_24(data: bytes, place: int) -> int:
    """Return a side of a canvas: three bytes, one less than it is."""
    low, high = struct.unpack_from("<HB", data, place)
    return int(low) + (int(high) << 16) + 1


def _product(form: str, data: bytes, place: int) -> int:
    width, height = struct.unpack_from(form, data, place)
    return int(width) * int(height)


_PNG = b"\x89PNG\r\n\x1a\n"
_KINDS: dict[bytes, tuple[str, Callable[[bytes], tuple[int, int, int]]]] = {
    _PNG: ("image/png", _png),
    b"\xff\xd8\xff": ("image/jpeg", _jpeg),
    b"GIF87a": ("image/gif", _gif),
    b"GIF89a": ("image/gif", _gif),
    b"RIFF": ("image/webp", _webp),
}
