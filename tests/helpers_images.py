"""Whole images of a few bytes, each as large as its headers say."""

from __future__ import annotations

import struct
import zlib


def png(width: int = 1, height: int = 1) -> bytes:
    """Return an image of one colour; a large one is a few bytes that say that they are large."""
    blocks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(b"\0\0")), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(struct.pack(">I", len(b)) + k + b + struct.pack(">I", zlib.crc32(k + b)) for k, b in blocks)


def jpeg(width: int = 1, height: int = 1) -> bytes:
    """Return the frame of an image: its size, and a scan that holds nothing."""
    frame = struct.pack(">BHHBBBB", 8, height, width, 1, 1, 0x11, 0)
    blocks = [(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0"), (0xC0, frame), (0xDA, b"\1\1\0\0\x3f\0")]
    return b"\xff\xd8" + b"".join(b"\xff" + bytes([c]) + struct.pack(">H", len(b) + 2) + b for c, b in blocks) + b"\x12\xff\0\xff\xd9"


def gif(width: int = 1, height: int = 1, frames: int = 1) -> bytes:
    """Return an image with a table of two colours and so many frames."""
    frame = b"\x21\xf9\x04\0\0\0\0\0" + b"\x2c" + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\2\2\x44\1\0"
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6) + frame * frames + b"\x3b"


def webp(width: int = 1, height: int = 1) -> bytes:
    """Return the frame of an image without loss."""
    chunk = b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14)
    body = b"WEBPVP8L" + struct.pack("<I", len(chunk)) + chunk + bytes(len(chunk) & 1)
    return b"RIFF" + struct.pack("<I", len(body)) + body


PNG, JPEG, GIF, WEBP = png(), jpeg(), gif(), webp()
