"""Images of tasks and responses: from data URLs and from files beside the cases. Nothing is fetched."""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path

from criterial.core.task import Media
from criterial.errors import FormatError

__all__ = ["read_media"]

_MOST = 20 << 20
_DATA_URL = re.compile(r"data:(image/[a-z+.-]+);base64,([A-Za-z0-9+/=\s]*)", re.IGNORECASE)
_WEB = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_MAGIC: dict[str, tuple[bytes, ...]] = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
}


def read_media(named: str, folder: Path | None, path: str = "", name: str = "") -> Media:
    """Return an image, from a data URL or from a file below the folder of the cases.

    Parameters
    ----------
    named : str
        ``data:image/png;base64,...`` or a relative path.
    folder : Path or None
        Folder of the cases file; None where the cases are no file.
    path : str
        Where the name stands in its document.
    name : str
        The image's name for people; empty takes the file's.

    Returns
    -------
    Media

    Raises
    ------
    FormatError
        If it is a web address, leads out of the folder, is no image, or is larger than 20 MB.
    """
    if _WEB.match(named):
        raise FormatError("web addresses are not fetched", path=path, hint="save the image beside the cases, or write it as a data: URL")
    if named[:5].lower() == "data:":
        match = _DATA_URL.fullmatch(named)
        if match is None:
            raise FormatError("not a base64 data URL of an image", path=path)
        try:
            data = base64.b64decode(match.group(2), validate=False)
        except binascii.Error as error:
            raise FormatError(f"not base64: {error}", path=path) from error
        return _checked(data, match.group(1).lower(), name, path)
    if folder is None:
        raise FormatError("a file name, but the cases come from no file", path=path, hint="write the image as a data: URL")
    try:
        return _checked(_read(named, folder, path), "", name or Path(named).name, path)
    except (OSError, RuntimeError) as error:
        raise FormatError(f"{named[:80]!r} cannot be read: {getattr(error, 'strerror', None) or error}"[:200], path=path) from None


def _read(named: str, folder: Path, path: str) -> bytes:
    file = (folder / named).resolve()
    if not file.is_relative_to(folder.resolve()):
        raise FormatError(f"{named[:80]!r} leads out of the folder of the cases", path=path)
    if not file.is_file():
        raise FormatError(f"there is no file {named[:80]!r} beside the cases", path=path)
    if file.stat().st_size > _MOST:
        raise FormatError(f"{named[:80]!r} is larger than {_MOST >> 20} MB", path=path)
    return file.read_bytes()


def _checked(data: bytes, said: str, name: str, path: str) -> Media:
    if len(data) > _MOST:
        raise FormatError(f"an image larger than {_MOST >> 20} MB", path=path)
    found = next((mime for mime, starts in _MAGIC.items() if any(data.startswith(s) for s in starts)), None)
    if found == "image/webp" and data[8:12] != b"WEBP":
        found = None
    if found is None:
        raise FormatError("not a PNG, JPEG, GIF or WebP image", path=path)
    if said and said.replace("jpg", "jpeg") != found:
        raise FormatError(f"said to be {said}, but is {found}", path=path)
    return Media(found, data, name)
