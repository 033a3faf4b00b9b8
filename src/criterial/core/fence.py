"""Fencing: how untrusted text is shown to a model so that nothing in it can close its own block.

Every block stands between tags that carry a 64-bit nonce of its own. The nonce is drawn from the hash of the block and of those
before it, so the same input always gives the same prompt (a provider's prefix cache can rely on it, and blocks that two inputs
share at the start look alike in both), and no text can hold the nonce that would close it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from criterial.core.task import Media

__all__ = ["Block", "nonces", "render"]


@dataclass(frozen=True)
class Block:
    """One piece of what is judged. Its text is data: it is fenced before a model sees it."""

    label: str
    """``task``, ``context``, ``reference``, ``response``, ..."""
    text: str
    """The content."""
    media: tuple[Media, ...] = ()
    """Images that belong to it."""


def nonces(blocks: Sequence[Block]) -> list[str]:
    """Return 16 hexadecimal digits for each block that occur in none of them.

    Parameters
    ----------
    blocks : sequence of Block
        What will be fenced, in order.

    Returns
    -------
    list of str
    """
    hasher = hashlib.sha256()
    out: list[str] = []
    for block in blocks:
        hasher.update(f"{block.label}\0{block.text}\0".encode("utf-8", "surrogatepass"))
        nonce = hasher.hexdigest()[:16]
        while any(nonce in b.text for b in blocks):
            hasher.update(b"again")
            nonce = hasher.hexdigest()[:16]
        out.append(nonce)
    return out


def render(blocks: Sequence[Block]) -> str:
    """Return the blocks as text, each between tags of its label and its nonce.

    Parameters
    ----------
    blocks : sequence of Block
        What is shown; the order is kept.

    Returns
    -------
    str
        Equal for equal blocks.
    """
    return "\n".join(f"<{b.label} {n}>\n{b.text}\n</{b.label} {n}>" for b, n in zip(blocks, nonces(blocks), strict=True))
