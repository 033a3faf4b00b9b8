"""A disk on which one operation fails: SQLite's own way of reaching the system is replaced, so that its real code meets the fault.

SQLite lets a test replace each system call that its files are made of (`xSetSystemCall`); only the sync, which it calls directly, is
replaced a step above. Nothing is compiled: `ctypes` speaks to the library that Python has loaded.
"""

from __future__ import annotations

import _sqlite3
import ctypes
import errno
import os
import re
from collections.abc import Callable
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int, c_int64, c_size_t, c_void_p
from pathlib import Path
from typing import Any

_IOERR_FSYNC = 1034
_READS, _WRITES = ("pread64", "pread", "read"), ("pwrite64", "pwrite", "write")
KINDS: dict[str, tuple[str, ...]] = {
    "EIO": ("open", "ftruncate", "mmap", "sync", *_READS, *_WRITES),
    "ENOSPC": ("open", "ftruncate", "sync", *_WRITES),
    "EINTR": ("open", "ftruncate", *_READS, *_WRITES),
    "short": (*_READS, *_WRITES),
}
"""What may go wrong, and with which operations."""

_CALLS: dict[str, Any] = {
    "open": CFUNCTYPE(c_int, c_void_p, c_int, c_int, use_errno=True),
    "ftruncate": CFUNCTYPE(c_int, c_int, c_int64, use_errno=True),
    "mmap": CFUNCTYPE(c_int64, c_void_p, c_size_t, c_int, c_int, c_int, c_int64, use_errno=True),
    **{name: CFUNCTYPE(c_int64, c_int, c_void_p, c_size_t, c_int64, use_errno=True) for name in (*_READS, *_WRITES) if name[0] == "p"},
    **{name: CFUNCTYPE(c_int64, c_int, c_void_p, c_size_t, use_errno=True) for name in ("read", "write")},
}
_KEPT: list[Any] = []
"""What C holds pointers to, for as long as the process lives."""
_OPEN = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, c_void_p)
_SYNC = CFUNCTYPE(c_int, c_void_p, c_int)
_SET = CFUNCTYPE(c_int, c_void_p, c_char_p, c_void_p)
_GET = CFUNCTYPE(c_void_p, c_void_p, c_char_p)


class _Vfs(ctypes.Structure):
    _fields_ = (
        [("version", c_int), ("file_size", c_int), ("longest_path", c_int)]
        + [("next", c_void_p), ("name", c_char_p), ("data", c_void_p), ("open", c_void_p)]
        + [(f"other{n}", c_void_p) for n in range(12)]
        + [("set_call", c_void_p), ("get_call", c_void_p), ("next_call", c_void_p)]
    )


class _Methods(ctypes.Structure):
    """What can be done with an open file: the fifth is the sync."""

    _fields_ = [
        ("version", c_int),
        *((f"other{n}", c_void_p) for n in range(4)),
        ("sync", c_void_p),
        *((f"more{n}", c_void_p) for n in range(13)),
    ]


class FaultyDisk:
    """Lets the n-th operation of a kind's fail, in this process and from now on.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    nth : int
        Which operation, from 1.
    met : int
        A file descriptor to which the operation's name is written when it fails.
    """

    def __init__(self, kind: str, nth: int, met: int) -> None:
        self._kind, self._nth, self._met = kind, nth, met
        self._count = 0
        library = sqlite_library()
        library.sqlite3_vfs_find.restype = POINTER(_Vfs)
        self._vfs = library.sqlite3_vfs_find(None).contents
        for name in KINDS[kind]:
            if name in _CALLS:
                self._replace(name)
        if "sync" in KINDS[kind]:
            self._replace_sync()

    def _fails(self, name: str) -> bool:
        self._count += 1
        if self._count != self._nth:
            return False
        os.write(self._met, name.encode())
        return True

    def _replace(self, name: str) -> None:
        vfs, form = ctypes.addressof(self._vfs), _CALLS[name]
        address = _GET(self._vfs.get_call)(vfs, name.encode())
        if not address:
            return
        real = form(address)

        def call(*given: Any) -> int:
            if not self._fails(name):
                return int(real(*given))
            if self._kind == "short":
                file, buffer, size, *place = given
                return int(real(file, buffer, size // 2, *place)) if size > 1 else int(real(*given))
            ctypes.set_errno(getattr(errno, self._kind))
            return -1

        self._keep(form(call), lambda made: _SET(self._vfs.set_call)(vfs, name.encode(), made))

    def _replace_sync(self) -> None:
        real = _OPEN(self._vfs.open)
        changed: dict[int, _Methods] = {}

        def open_file(vfs: int, name: int, file: int, flags: int, told: int) -> int:
            code = int(real(vfs, name, file, flags, told))
            methods = c_void_p.from_address(file)
            if methods.value:
                changed.setdefault(methods.value, self._with_sync(methods.value))
                methods.value = ctypes.addressof(changed[methods.value])
            return code

        self._keep(_OPEN(open_file), lambda made: setattr(self._vfs, "open", made))

    def _with_sync(self, address: int) -> _Methods:
        methods = _Methods.from_buffer_copy(ctypes.string_at(address, ctypes.sizeof(_Methods)))
        real = _SYNC(methods.sync)

        def sync(file: int, flags: int) -> int:
            return _IOERR_FSYNC if self._fails("sync") else int(real(file, flags))

        self._keep(_SYNC(sync), lambda made: setattr(methods, "sync", made))
        return methods

    def _keep(self, function: Any, install: Callable[[int | None], object]) -> None:
        _KEPT.append(function)
        install(ctypes.cast(function, c_void_p).value)


def sqlite_library() -> ctypes.CDLL:
    """Return the SQLite that Python uses.

    Raises
    ------
    OSError
        If it is linked into Python and cannot be reached.
    """
    loaded = re.findall(r"\S*libsqlite3\.so\S*", Path("/proc/self/maps").read_text())
    library = ctypes.CDLL(loaded[0] if loaded else _sqlite3.__file__)
    if not hasattr(library, "sqlite3_vfs_find"):
        raise OSError("SQLite is linked into Python and cannot be reached")
    return library
