"""Images and references of cases: in the case itself, in files beside it, and from hosts that were named. Else nothing is fetched."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from criterial.core.task import Media
from criterial.errors import FormatError
from criterial.formats.image_size import measure
from criterial.formats.strict import decode

if TYPE_CHECKING:
    from criterial.formats.fetching import Fetched, Fetcher

__all__ = ["INLINE", "Sources", "read_media", "read_text"]

_MOST = 20 << 20
_MOST_PIXELS = 40_000_000
_DATA_URL = re.compile(r"data:(image/[a-z+.-]+);base64,([A-Za-z0-9+/=\s]*)", re.IGNORECASE)
_WEB = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_TEXTS = ("text/plain", "text/markdown")


@dataclass(frozen=True)
class Sources:
    """Where the images and references of cases may come from."""

    folder: Path | None = None
    """Folder of the cases file; None where the cases are no file."""
    fetcher: Fetcher | None = None
    """Fetches what stands at a URL; None where nothing is fetched."""

    def fetched(self, address: str, path: str) -> Fetched:
        """Return what stands at a URL.

        Parameters
        ----------
        address : str
            The URL.
        path : str
            Where it stands in its document.

        Returns
        -------
        Fetched

        Raises
        ------
        FormatError
            If nothing is fetched, or not this.
        """
        if self.fetcher is None:
            hint = "save it beside the cases, or have `criterial grade` fetch it with --fetch HOST"
            raise FormatError("web addresses are not fetched", path=path, hint=hint)
        try:
            return self.fetcher.get(address)
        except FormatError as error:
            raise error.located(path=path) from None


INLINE = Sources()
"""Nothing but what stands in the case itself."""


def read_text(address: str, sources: Sources, path: str) -> str:
    """Return a text that stands at a URL.

    Parameters
    ----------
    address : str
        The URL.
    sources : Sources
        What may be fetched.
    path : str
        Where the URL stands in its document.

    Returns
    -------
    str

    Raises
    ------
    FormatError
        If it may not be fetched, or is no plain text in UTF-8.
    """
    found = sources.fetched(address, path)
    if found.kind not in _TEXTS or found.charset not in ("", "utf-8", "us-ascii"):
        said = f"{found.kind} {found.charset}".strip()
        raise FormatError(f"{said[:60]} is no plain text in UTF-8", path=path, hint="write the text itself into the case")
    try:
        return decode(found.data, "").removeprefix("\ufeff")
    except FormatError as error:
        raise FormatError(f"what was fetched is no text: {error.message}", path=path, hint="write the text itself into the case") from None


def read_media(named: str, sources: Sources, path: str = "", name: str = "") -> Media:
    """Return an image, from a data URL, from a file below the folder of the cases, or from a host that was named.

    Parameters
    ----------
    named : str
        ``data:image/png;base64,...``, a relative path, or a web address.
    sources : Sources
        Where it may come from.
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
        If it is a web address that may not be fetched, leads out of the folder, is no image, or is larger than 20 MB or 40 million pixels.
    """
    if _WEB.match(named):
        found = sources.fetched(named, path)
        return _checked(found.data, found.kind, name or _last_part(named), path, alone=True)
    if named[:5].lower() == "data:":
        match = _DATA_URL.fullmatch(named)
        if match is None:
            raise FormatError("not a base64 data URL of an image", path=path)
        try:
            data = base64.b64decode(match.group(2), validate=False)
        except binascii.Error as error:
            raise FormatError(f"not base64: {error}", path=path) from error
        return _checked(data, match.group(1).lower(), name, path)
    if sources.folder is None:
        raise FormatError("a file name, but the cases come from no file", path=path, hint="write the image as a data: URL")
    try:
        return _checked(_read(named, sources.folder, path), "", name or Path(named).name, path)
    except (OSError, RuntimeError) as error:
        raise FormatError(f"{named[:80]!r} cannot be read: {getattr(error, 'strerror', None) or error}"[:200], path=path) from None


def _last_part(address: str) -> str:
    return re.split(r"[?#]", address)[0].rpartition("/")[2][-100:]


def _read(named: str, folder: Path, path: str) -> bytes:
    file = (folder / named).resolve()
    if not file.is_relative_to(folder.resolve()):
        raise FormatError(f"{named[:80]!r} leads out of the folder of the cases", path=path)
    if not file.is_file():
        raise FormatError(f"there is no file {named[:80]!r} beside the cases", path=path)
    if file.stat().st_size > _MOST:
        raise FormatError(f"{named[:80]!r} is larger than {_MOST >> 20} MB", path=path)
    return file.read_bytes()


def _checked(data: bytes, said: str, name: str, path: str, alone: bool = False) -> Media:
    if len(data) > _MOST:
        raise FormatError(f"an image larger than {_MOST >> 20} MB", path=path)
    try:
        size = measure(data)
    except FormatError as error:
        raise error.located(path=path) from None
    if said and said.replace("jpg", "jpeg") != size.mime:
        hint = "write the type that it is, or save it beside the cases"
        raise FormatError(f"said to be {said[:60]}, but is {size.mime}", path=path, hint=hint)
    if size.pixels > _MOST_PIXELS:
        most = _MOST_PIXELS // 1_000_000
        raise FormatError(f"an image of {size.pixels // 1_000_000} million pixels; {most} are the most", path=path, hint="make it smaller")
    if alone and size.end < len(data):  # one's own photographs may carry a film or a second picture behind them
        beyond = len(data) - size.end
        raise FormatError(f"an image with {beyond} bytes of something else behind it", path=path, hint="save it anew beside the cases")
    return Media(size.mime, data, name)
