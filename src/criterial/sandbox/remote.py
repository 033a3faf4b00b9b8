"""Tests and the code that they test, in two sandboxes that exchange plain data. This file alone is laid into both, so it imports nothing.

The code under test cannot claim a success: it runs where neither the tests nor what they expect can be reached. The module `solution`
that tests import is a stand-in. Each call goes to the other side as plain data (numbers, texts, lists, tuples, dicts, sets) and comes back
as such. An object of the code's own class stays there; tests hold a `Remote` that asks it, and that equals no plain data, whatever its
class says of equality. Functions that tests hand over can be called from there, and nothing else of the tests.
"""

from __future__ import annotations

import base64
import builtins
import importlib
import io
import json
import operator
import os
import socket
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["Peer", "Remote", "answer", "run_tests"]

_MOST = 1 << 24
_TOLD = 300


class Remote:
    """An object of the other side."""

    def __init__(self, peer: Peer, number: int) -> None:
        object.__setattr__(self, "_peer", peer)
        object.__setattr__(self, "_number", number)

    def __getattr__(self, name: str) -> Any:
        return self._peer.ask("getattr", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._peer.ask("setattr", self, name, value)

    def __instancecheck__(self, instance: Any) -> bool:
        return isinstance(instance, Remote) and bool(self._peer.ask("isinstance", instance, self))

    def __eq__(self, other: object) -> bool:
        # an object that claims to equal everything must not equal what a test expects
        return isinstance(other, Remote) and bool(self._peer.ask("eq", self, other))

    def __hash__(self) -> int:
        return int(self._peer.ask("hash", self))


def _asking(name: str) -> Callable[..., Any]:
    def ask(self: Remote, *arguments: Any, **named: Any) -> Any:
        return self._peer.ask(name, self, *arguments, **named)

    return ask


def _between_objects(name: str) -> Callable[..., Any]:
    def ask(self: Remote, other: Any) -> Any:
        return self._peer.ask(name, self, other) if isinstance(other, Remote) else NotImplemented

    return ask


_ASKED = ("bool", "len", "iter", "next", "str", "repr", "int", "float", "index", "call", "getitem", "setitem", "delitem", "contains")
_ASKED_OF_TWO = ("lt", "le", "gt", "ge", "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and_", "or_", "xor")
for _name in _ASKED:
    setattr(Remote, f"__{_name}__", _asking(_name))
for _name in _ASKED_OF_TWO:
    setattr(Remote, f"__{_name.strip('_')}__", _between_objects(_name))
Remote.__enter__ = lambda self: self._peer.ask("enter", self)  # type: ignore[attr-defined]
Remote.__exit__ = lambda self, *_: self._peer.ask("exit", self)  # type: ignore[attr-defined]

_OPERATIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(operator, name) for name in ("eq", "getitem", "setitem", "delitem", "contains", "index", *_ASKED_OF_TWO)},
    **{f.__name__: f for f in (bool, len, iter, next, str, repr, int, float, hash, getattr, setattr, isinstance, dir)},
    "call": lambda function, *arguments, **named: function(*arguments, **named),
    "enter": lambda manager: manager.__enter__(),
    "exit": lambda manager: manager.__exit__(None, None, None),
}


class Peer:
    """One end of the line between both sides.

    Parameters
    ----------
    line : socket
        The line.
    serves : collection of str
        What the other side may ask of objects on this side.
    """

    def __init__(self, line: socket.socket, serves: Any) -> None:
        self._reader = line.makefile("rb")
        self._writer = line.makefile("wb")
        self._serves = serves
        self._objects: list[Any] = []
        self._classes: dict[str, type[Exception]] = {}

    def ask(self, operation: str, *arguments: Any, **named: Any) -> Any:
        """Have the other side do an operation on objects.

        Parameters
        ----------
        operation : str
            One of those that it serves.
        *arguments : object
            What with: plain data, objects of that side, and what is handed over.
        **named : object
            The same, by name.

        Returns
        -------
        object

        Raises
        ------
        Exception
            What the operation raised, or `ConnectionError` where the other side is gone.
        """
        self._send({"do": operation, "of": [self.packed(a) for a in arguments], "by": {k: self.packed(v) for k, v in named.items()}})
        while True:
            said = self._receive()
            if "do" in said:
                self.serve(said)
                continue
            sys.stdout.write(str(said.get("printed", "")))
            for place, value in said.get("changed", {}).items():
                _put(arguments[int(place)], self.unpacked(value))
            if "raised" in said:
                error = self._exception(operation, said["raised"], str(said.get("why", "")))
                error.__dict__["of_the_code"] = True
                raise error
            return self.unpacked(said["is"])

    def serve(self, said: dict[str, Any]) -> None:
        """Do what the other side asks, and tell it what came of it.

        Parameters
        ----------
        said : dict
            Its request.
        """
        reply: dict[str, Any] = {}
        arguments: list[Any] = []
        try:
            if said["do"] not in self._serves:
                raise PermissionError(f"{said['do']} is not for this side to ask")
            arguments = [self.unpacked(a) for a in said["of"]]
            result = _OPERATIONS[said["do"]](*arguments, **{k: self.unpacked(v) for k, v in said["by"].items()})
            reply["is"] = self.packed(result)
        except BaseException as error:
            reply = {"raised": [c.__name__ for c in type(error).__mro__], "why": str(error)[:_TOLD]}
        try:
            after = {i: self.packed(a) for i, a in enumerate(arguments) if isinstance(a, (list, dict, set, bytearray))}
            reply["changed"] = {str(i): v for i, v in after.items() if v != said["of"][i]}
        except Exception:
            reply["changed"] = {}
        if isinstance(sys.stdout, io.StringIO):
            reply["printed"] = sys.stdout.getvalue()[:_MOST]
            sys.stdout.seek(0)
            sys.stdout.truncate()
        self._send(reply)

    def requests(self) -> Iterator[dict[str, Any]]:
        """Yield what the other side asks, until it is gone.

        Yields
        ------
        dict
        """
        while True:
            try:
                yield self._receive()
            except ConnectionError:
                return

    def _send(self, message: dict[str, Any]) -> None:
        self._writer.write(json.dumps(message).encode() + b"\n")
        self._writer.flush()

    def _receive(self) -> dict[str, Any]:
        line = self._reader.readline(_MOST)
        if not line.endswith(b"\n"):
            raise ConnectionError("the code under test is gone, or said more than 16 MB")
        said = json.loads(line)
        if not isinstance(said, dict):
            raise ConnectionError("the code under test broke the line to its tests")
        return said

    def packed(self, value: Any) -> Any:
        """Return a value as JSON: data as it is, anything else as the number of an object.

        Parameters
        ----------
        value : object
            Any.

        Returns
        -------
        object
        """
        if value is None or type(value) in (bool, int, float, str):
            return value
        if isinstance(value, Remote):
            return {"yours": object.__getattribute__(value, "_number")}
        for name, (kind, take, _) in _DATA.items():
            if isinstance(value, kind):
                return {name: take(self, value)}
        if isinstance(value, type) and issubclass(value, Exception):
            return {"error": [c.__name__ for c in value.__mro__]}
        self._objects.append(value)
        return {"mine": len(self._objects) - 1}

    def unpacked(self, said: Any) -> Any:
        """Return what `packed` was given on the other side.

        Parameters
        ----------
        said : object
            What it returned there.

        Returns
        -------
        object
        """
        if not isinstance(said, dict):
            return said
        ((name, content),) = said.items()
        if name == "mine":
            return Remote(self, int(content))
        if name == "yours":
            return self._objects[int(content)]
        if name == "error":
            return self._class(content)
        return _DATA[name][2](self, content)

    def _exception(self, operation: str, names: list[str], why: str) -> Exception:
        """Return an exception of the other side's class, or of a class of that name and those bases."""
        if "Exception" not in names or (names[0].startswith("Stop") and operation != "next"):
            return RuntimeError(f"{names[0]}: {why}")  # neither the end of this process nor that of a loop
        try:
            return self._class(names)(why)
        except TypeError:  # a few need more than a message
            return RuntimeError(f"{names[0]}: {why}")

    def _class(self, names: list[str]) -> type[Exception]:
        known = getattr(builtins, names[0], None)
        if isinstance(known, type) and issubclass(known, Exception):
            return known
        if names[0] not in self._classes:
            self._classes[names[0]] = type(names[0], (self._class(names[1:]),), {})
        return self._classes[names[0]]


_DATA: dict[str, tuple[Any, Callable[[Peer, Any], Any], Callable[[Peer, Any], Any]]] = {
    "bool": (bool, lambda p, v: bool(v), lambda p, v: bool(v)),
    "int": (int, lambda p, v: int(v), lambda p, v: int(v)),
    "float": (float, lambda p, v: float(v), lambda p, v: float(v)),
    "str": (str, lambda p, v: str.__str__(v), lambda p, v: str(v)),
    "complex": (complex, lambda p, v: [v.real, v.imag], lambda p, v: complex(*v)),
    "bytes": (bytes, lambda p, v: base64.b64encode(v).decode(), lambda p, v: base64.b64decode(v)),
    "bytearray": (bytearray, lambda p, v: base64.b64encode(v).decode(), lambda p, v: bytearray(base64.b64decode(v))),
    "list": (list, lambda p, v: [p.packed(x) for x in v], lambda p, v: [p.unpacked(x) for x in v]),
    "tuple": (tuple, lambda p, v: [p.packed(x) for x in v], lambda p, v: tuple(p.unpacked(x) for x in v)),
    "set": (set, lambda p, v: [p.packed(x) for x in v], lambda p, v: {p.unpacked(x) for x in v}),
    "frozenset": (frozenset, lambda p, v: [p.packed(x) for x in v], lambda p, v: frozenset(p.unpacked(x) for x in v)),
    "dict": (
        dict,
        lambda p, v: [[p.packed(x), p.packed(y)] for x, y in v.items()],
        lambda p, v: {p.unpacked(x): p.unpacked(y) for x, y in v},
    ),
}


def _put(target: Any, content: Any) -> None:
    """Make a list, dict or set that was handed over what it has become on the other side."""
    if type(target) is not type(content):
        return
    if isinstance(target, (list, bytearray)):
        target[:] = content
    elif isinstance(target, (dict, set)):
        target.clear()
        target.update(content)


def answer() -> None:
    """Serve the code under test: `solution.py` in the working folder, to whoever is at the other end of standard input."""
    line = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.path.insert(0, os.getcwd())
    sys.stdout = io.StringIO()
    _OPERATIONS["load"] = lambda: importlib.import_module("solution")
    peer = Peer(line, _OPERATIONS)
    for asked in peer.requests():
        peer.serve(asked)
    os._exit(0)  # threads of the code do not hold this up


def run_tests() -> None:
    """Run `tests.py` of the working folder against what answers at the other end of standard input, and report on standard output."""
    report = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.stdout = open(os.devnull, "w")
    sys.path.insert(0, os.getcwd())
    peer = Peer(socket.socket(fileno=os.dup(0)), ("call",))

    def tell(**said: Any) -> None:
        report.write(json.dumps(said) + "\n")
        report.flush()

    try:
        sys.modules["solution"] = _stand_in(peer.ask("load"))
        cases = _cases(importlib.import_module("tests"))
    except BaseException as error:
        if isinstance(error, ModuleNotFoundError) and "of_the_code" not in error.__dict__:
            tell(broken=f"the tests need a module that python3 in the sandbox does not have: {error}")
            return
        tell(tests=1)
        tell(test="import", passed=False, why=_told(error))
        return
    tell(tests=max(len(cases), 1))
    if not cases:
        tell(test="asserts", passed=True, why="")
    for name, case in cases:
        try:
            case()
        except BaseException as error:
            tell(test=name, passed=False, why=_told(error))
        else:
            tell(test=name, passed=True, why="")


def _stand_in(code: Any) -> types.ModuleType:
    module = types.ModuleType("solution")

    def attribute(name: str) -> Any:
        if name == "__all__":
            return [n for n in code._peer.ask("dir", code) if not n.startswith("_")]
        if name == "__path__":
            raise AttributeError(name)
        return getattr(code, name)

    module.__dict__["__getattr__"] = attribute
    return module


def _cases(tests: types.ModuleType) -> list[tuple[str, Callable[[], Any]]]:
    """Return the tests of a module: its functions of that name, and the methods of its classes."""
    found: list[tuple[str, Callable[[], Any]]] = []
    for name, value in list(vars(tests).items()):
        if isinstance(value, types.FunctionType) and name.startswith("test"):
            found.append((name, value))
        elif isinstance(value, type) and value.__module__ == tests.__name__:
            of_unittest = hasattr(value, "setUpClass")
            if of_unittest or name.startswith("Test"):
                found += [(f"{name}.{m}", _method(value, m, of_unittest)) for m in dir(value) if m.startswith("test")]
    return found


def _method(kind: Any, name: str, of_unittest: bool) -> Callable[[], Any]:
    def run() -> None:
        if of_unittest:
            kind.setUpClass()
            kind(name).debug()
        else:
            getattr(kind(), name)()

    return run


def _told(error: BaseException) -> str:
    line = _line_of(error)
    return f"{type(error).__name__}: {error}{f' in: {line}' if line else ''}"[:_TOLD]


def _line_of(error: BaseException) -> str:
    """Return the last line of the tests in which an error arose, if it was in one."""
    import traceback

    lines = [frame.line or "" for frame in traceback.extract_tb(error.__traceback__) if os.path.basename(frame.filename) == "tests.py"]
    return lines[-1] if lines else ""


if __name__ == "__main__":
    {"code": answer, "tests": run_tests}[sys.argv[1]]()
