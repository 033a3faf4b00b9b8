"""Images come from data URLs and from files beside the cases, are what they say they are, and nothing is fetched."""

from __future__ import annotations

import base64
import random
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from criterial.core.task import Media
from criterial.errors import FormatError
from criterial.formats.image_size import measure
from criterial.formats.load import read_cases
from criterial.formats.media import INLINE, Sources, read_media
from criterial.formats.native import case_of
from tests.helpers_files import write
from tests.helpers_images import GIF, JPEG, PNG, WEBP, gif, jpeg, png, webp


def url(mime: str, data: bytes) -> str:
    """Return a data URL."""
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


def minimal(**fields: Any) -> dict[str, Any]:
    """Return a case with fields beside."""
    return {"id": "t", "prompt": "Ask", "rubric": ["a"], **fields}


@pytest.mark.parametrize(
    ("mime", "data"),
    [("image/png", PNG), ("image/jpeg", JPEG), ("image/gif", GIF), ("image/gif", GIF.replace(b"89a", b"87a")), ("image/webp", WEBP)],
)
def test_an_image_is_known_by_its_first_bytes_wherever_it_stands(mime: str, data: bytes, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "picture.bin").write_bytes(data)
    assert read_media("deep/picture.bin", Sources(tmp_path)) == Media(mime, data, "picture.bin")
    assert read_media(url(mime, data), INLINE) == Media(mime, data)
    assert read_media(Media(mime, data).url, INLINE).digest == Media(mime, data).digest


def test_jpg_is_another_word_for_jpeg() -> None:
    assert read_media(url("image/jpg", JPEG), INLINE).mime == "image/jpeg"


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ("http://example.org/a.png", "not fetched"),
        ("https://example.org/a.png", "not fetched"),
        ("ftp://example.org/a.png", "not fetched"),
        ("file:///etc/passwd", "not fetched"),
        ("gopher+x://h", "not fetched"),
        ("../outside.png", "leads out"),
        ("deep/../../outside.png", "leads out"),
        ("/etc/passwd", "leads out"),
        ("//example.org/a.png", "leads out"),
        ("link.png", "leads out"),
        ("deep", "no file"),
        ("absent.png", "no file"),
        ("text.png", "not a PNG"),
        ("empty.png", "not a PNG"),
        ("sound.webp", "not a PNG"),
        (url("image/png", b"no image"), "not a PNG"),
        (url("image/png", JPEG), "said to be image/png, but is image/jpeg"),
        (url("image/svg+xml", b"<svg onload='alert(1)'/>"), "not a PNG"),
        (url("text/html", b"<script>"), "not a base64 data URL"),
        ("data:image/png,raw", "not a base64 data URL"),
        ("data:image/png;base64,%%%", "not a base64 data URL"),
        ("data:image/png;base64,QQ", "not base64"),
        ("data:image/png;base64,", "not a PNG"),
    ],
)
def test_what_is_no_image_beside_the_cases_is_refused_with_its_path(named: str, says: str, tmp_path: Path) -> None:
    folder = tmp_path / "cases"
    (folder / "deep").mkdir(parents=True)
    (tmp_path / "outside.png").write_bytes(PNG)
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    (folder / "text.png").write_text("words")
    (folder / "empty.png").write_bytes(b"")
    (folder / "sound.webp").write_bytes(b"RIFF\x00\x00\x00\x00WAVE")
    with pytest.raises(FormatError, match=says) as caught:
        read_media(named, Sources(folder), "media[3]")
    assert caught.value.path == "media[3]"


@pytest.mark.parametrize("how", ["file", "url"])
def test_an_image_over_20_megabytes_is_refused(how: str, tmp_path: Path) -> None:
    data = PNG + bytes(20 << 20)
    (tmp_path / "big.png").write_bytes(data)
    with pytest.raises(FormatError, match="larger than 20 MB"):
        read_media("big.png" if how == "file" else url("image/png", data), Sources(tmp_path))


@pytest.mark.parametrize("make", [png, jpeg, gif, webp])
def test_an_image_is_as_large_as_its_headers_say_and_over_40_million_pixels_is_refused(make: Callable[..., bytes], tmp_path: Path) -> None:
    sides = (8000, 5000)
    assert (measure(make(*sides)).pixels, measure(make(*sides)).end) == (40_000_000, len(make(*sides)))
    assert read_media("a", Sources(write_bytes(tmp_path / "a", make(*sides)))).data == make(*sides)
    for width, height in ((8001, 5000), (8000, 5001), (16383, 16383)):
        folder = write_bytes(tmp_path / "a", make(width, height))
        for named in ("a", url(measure(make()).mime, make(width, height))):
            with pytest.raises(FormatError, match="million pixels; 40 are the most"):
                read_media(named, Sources(folder), "media[0]")


def test_the_pixels_of_an_animation_count_together() -> None:
    assert measure(gif(100, 100, frames=7)).pixels == 70_000
    frame = struct.pack(">IIIIIHHBB", 0, 300, 200, 0, 0, 1, 1, 0, 0)
    moving = PNG.replace(b"\0\0\0\0IEND", b"".join(struct.pack(">I", 26) + b"fcTL" + frame + bytes(4) for _ in range(5)) + b"\0\0\0\0IEND")
    assert measure(moving).pixels == 300_000


def test_a_webp_image_is_measured_in_all_its_forms() -> None:
    lossy = b"\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", 0x4000 | 300, 0xC000 | 200)
    canvas = b"\0\0\0\0" + b"\x2b\x01\0" + b"\xc7\0\0"
    moving = b"\0\0\0\0\0\0" + b"\x2b\x01\0" + b"\xc7\0\0" + bytes(4) + chunk(b"VP8 ", lossy)
    assert measure(riff(chunk(b"VP8 ", lossy))).pixels == 60_000
    assert measure(riff(chunk(b"VP8X", canvas))).pixels == 60_000
    assert measure(riff(chunk(b"VP8X", canvas) + chunk(b"ANMF", moving) * 4)).pixels == 240_000


@pytest.mark.parametrize("data", [PNG, JPEG, GIF, WEBP], ids=["png", "jpeg", "gif", "webp"])
def test_an_image_that_is_cut_off_anywhere_is_refused_and_what_stands_behind_one_is_seen(data: bytes) -> None:
    assert measure(data + b"PK\x03\x04<script>").end == len(data)
    for length in range(len(data)):
        with pytest.raises(FormatError, match=r"not a PNG|cut off or damaged"):
            measure(data[:length])


@pytest.mark.parametrize("data", [PNG, JPEG, gif(frames=2), WEBP], ids=["png", "jpeg", "gif", "webp"])
def test_a_damaged_image_is_an_image_or_a_format_error(data: bytes) -> None:
    rng = random.Random(1)
    for _ in range(3000):
        torn = bytearray(data)
        for _ in range(rng.randint(1, 4)):
            torn[rng.randrange(len(torn))] = rng.choice((0, 255, rng.randrange(256)))
        try:
            size = measure(bytes(torn))
        except FormatError:
            continue
        assert size.pixels > 0 and 0 < size.end <= len(torn)


@pytest.mark.parametrize("block", [b"\xff\xfe\0\2", b"\x21\xfe\1\0\0", b"\2\0", b"\0\0\0\0tEXt\0\0\0\0"], ids=repr)
def test_an_image_of_millions_of_blocks_is_walked_in_seconds(block: bytes) -> None:
    heads = {b"\xff": JPEG[:2], b"\x21": GIF[:19], b"\2": GIF[:19] + b"\x21\xfe", b"\0": PNG[:33]}
    began = time.monotonic()
    with pytest.raises(FormatError, match="cut off"):
        measure(heads[block[:1]] + block * ((5 << 20) // len(block)))
    assert time.monotonic() - began < 5.0  # a quarter of the most bytes, in half of the most seconds


def chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body


def riff(chunks: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks


def write_bytes(path: Path, data: bytes) -> Path:
    """Write a file and return its folder."""
    path.write_bytes(data)
    return path.parent


def test_a_file_name_needs_a_file_of_cases() -> None:
    with pytest.raises(FormatError, match="come from no file") as caught:
        case_of(minimal(media=["a.png"]))
    assert "data: URL" in caught.value.hint


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"media": ["p.png"]}, id="beside the prompt"),
        pytest.param({"prompt": [{"role": "user", "content": "Ask", "media": ["p.png"]}]}, id="in the message"),
        pytest.param(
            {"prompt": [{"role": "user", "content": [{"text": "Ask"}, {"type": "image_url", "image_url": {"url": "p.png"}}]}]}, id="a part"
        ),
        pytest.param({"prompt": [{"role": "user", "content": [{"text": "Ask"}, {"image_url": "p.png"}]}]}, id="a short part"),
    ],
)
@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".yaml", ".toml"])
def test_a_tasks_image_may_stand_in_four_places(fields: dict[str, Any], suffix: str, tmp_path: Path) -> None:
    (tmp_path / "p.png").write_bytes(PNG)
    (message,) = read_cases(write(tmp_path, f"c{suffix}", minimal(**fields)))[0].task.messages
    assert (message.content, message.media) == ("Ask", (Media("image/png", PNG, "p.png"),))


def test_an_image_beside_belongs_to_the_last_message_of_task_and_response(tmp_path: Path) -> None:
    (tmp_path / "p.png").write_bytes(PNG)
    turns = [{"role": "user", "content": "1"}, {"role": "user", "content": "2"}]
    given = {"id": "t", "messages": turns, "media": ["p.png"], "rubric": ["a"], "responses": [{"messages": ["x", "y"], "media": ["p.png"]}]}
    made = case_of(given, Sources(tmp_path))
    assert [len(m.media) for m in made.task.messages] == [0, 1]
    assert [len(m.media) for m in made.responses[0].messages] == [0, 1]
    assert [m.role for m in made.responses[0].messages] == ["assistant", "assistant"]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"prompt": [{"content": "x", "media": ["http://a/b"]}]}, "prompt[0].media[0]"),
        ({"responses": ["ok", {"messages": [{"content": "x", "media": ["http://a/b"]}]}]}, "responses[1].messages[0].media[0]"),
        ({"media": ["http://a/b"]}, "media[0]"),
        ({"responses": [{"text": "x", "media": ["http://a/b"]}]}, "responses[0].media[0]"),
        ({"prompt": [{"content": [{"text": "x"}, {"image_url": {"url": "http://a/b"}}]}]}, "prompt[0].content[1].image_url.url"),
    ],
)
def test_a_refused_image_is_found_by_its_path(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(FormatError, match="not fetched") as caught:
        case_of(minimal(**fields))
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        pytest.param(
            {"prompt": [{"content": "x", "media": ["n" * 5000 + ".png"]}]}, "a name that is too long is an OSError", id="long name"
        ),
        pytest.param({"prompt": [{"content": "x", "media": 5}]}, "media that are no list are a TypeError", id="number"),
        pytest.param({"prompt": [{"content": "x", "media": None}]}, "media null in a message is a TypeError", id="null"),
        pytest.param({"responses": [{"text": "x", "media": 5}]}, "media of a response that are no list are a TypeError", id="response"),
    ],
)
def test_media_that_cannot_be_read_are_a_format_error(fields: dict[str, Any], why: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError):
        case_of(minimal(**fields), Sources(tmp_path))


def test_a_web_address_is_one_whatever_its_letters(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="not fetched"):
        read_media("HTTPS://example.org/a.png", Sources(tmp_path))


@pytest.mark.parametrize("given", [{"url": 5}, {"name": "x.png"}, {"url": "p.png", "name": 5}, 5, None], ids=str)
def test_an_image_is_a_name_or_an_object_with_a_url(given: Any, tmp_path: Path) -> None:
    (tmp_path / "p.png").write_bytes(PNG)
    assert case_of(minimal(media=[{"url": "p.png", "name": "n"}]), Sources(tmp_path)).task.messages[0].media[0].name == "n"
    with pytest.raises(FormatError) as caught:
        case_of(minimal(media=[given]), Sources(tmp_path))
    assert caught.value.path.startswith("media[0]")
