"""Finding a sandbox: one that is tried for real, once, before anything untrusted is run in it."""

from __future__ import annotations

import socket
import sys

from criterial.core.ports import Sandbox
from criterial.errors import SandboxUnavailable

__all__ = ["find_sandbox"]

_PROBE = b"""
import os, platform, socket, sys
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1)
except OSError:
    pass
else:
    sys.exit("the network of this machine can be reached from inside")
for path in ("/usr/probe", "/probe", "/dev/probe"):
    try:
        open(path, "w")
    except OSError:
        pass
    else:
        sys.exit("files outside its own folder can be written from inside")
open("/tmp/probe", "w").write("x")
print(platform.python_version())
"""
_HINT = (
    "bubblewrap needs user namespaces, which some systems refuse: see the settings kernel.unprivileged_userns_clone, "
    "user.max_user_namespaces and kernel.apparmor_restrict_unprivileged_userns, and the options of the container that this runs in; "
    "inside, python3 must be found under /usr"
)


async def find_sandbox() -> Sandbox:
    """Return a sandbox that works here.

    Returns
    -------
    Sandbox
        Its `level` says what it enforces. A probe has run in it, and was refused the network and what lies outside its folder.

    Raises
    ------
    SandboxUnavailable
        If there is none. Nothing weaker takes its place.
    """
    if sys.platform != "linux":
        raise SandboxUnavailable(f"untrusted programs are run on Linux alone, and this is {sys.platform}", "run it in a virtual machine")
    from criterial.sandbox.bubblewrap import Bubblewrap  # it imports what Linux alone has

    sandbox = Bubblewrap()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = ["python3", "-I", "probe.py", str(listener.getsockname()[1])]
        try:
            probed = await sandbox.run({"probe.py": _PROBE}, command)
        except SandboxUnavailable as error:
            raise SandboxUnavailable(f"bubblewrap does not work here: {error.message}", _HINT) from error
    if probed.status != 0:
        told = probed.stderr.decode(errors="replace").strip()[-300:]
        raise SandboxUnavailable(f"a probe in bubblewrap failed: {told or f'status {probed.status}'}", _HINT)
    return Bubblewrap(probed.stdout.decode().strip())
