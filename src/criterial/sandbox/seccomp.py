"""A filter of system calls: what a graded program never needs, and what would reach around the other limits.

Shared memory of System V, queues of messages and memory files are in nobody's limit of memory; new namespaces would give a program rights
inside them; the rest is surface of the kernel: tracing, keys, BPF, io_uring, modules, mounts.
"""

from __future__ import annotations

import errno
import platform
import struct

__all__ = ["seccomp_filter"]

# name: number on x86_64, number on aarch64 (the kernel's unistd.h)
_REFUSED = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "delete_module": (176, 106),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "mq_open": (240, 180),
    "msgget": (68, 186),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "personality": (135, 92),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "semget": (64, 190),
    "setns": (308, 268),
    "shmget": (29, 194),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
}
_CLONE, _CLONE3 = (56, 220), (435, 435)
_NEW_NAMESPACES = 0x7E020000
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_X32 = 0x40000000

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # classes of BPF instructions
_NUMBER, _MACHINE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
_KILL, _ALLOW = 0x80000000, 0x7FFF0000


def _fails(number: int) -> int:
    return 0x00050000 | number


def seccomp_filter(machine: str = "") -> bytes | None:
    """Return the filter as a BPF program.

    Parameters
    ----------
    machine : str
        As `platform.machine` names it; empty is this one.

    Returns
    -------
    bytes or None
        None on a machine whose numbers of system calls are not known here.
    """
    known = _MACHINES.get(machine or platform.machine())
    if known is None:
        return None
    column, architecture = known
    refused = sorted(numbers[column] for numbers in _REFUSED.values())
    # instructions as (code, jump if true, jump if false, operand); a jump skips so many instructions
    code = [
        (_LOAD, 0, 0, _MACHINE),
        (_EQUAL, 1, 0, architecture),  # the same numbers mean other calls under another architecture's entry
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _KILL),
        (_EQUAL, 0, 1, _CLONE3[column]),  # its flags lie in memory, where a filter cannot look: the C library falls back on clone
        (_RETURN, 0, 0, _fails(errno.ENOSYS)),
        *[(_EQUAL, len(refused) - i + 2, 0, number) for i, number in enumerate(refused)],
        (_EQUAL, 0, 3, _CLONE[column]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_ANY_BIT, 0, 1, _NEW_NAMESPACES),
        (_RETURN, 0, 0, _fails(errno.EPERM)),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in code)
