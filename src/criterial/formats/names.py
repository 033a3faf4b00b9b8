"""The names of all formats of cases; a format is the module of its name."""

from __future__ import annotations

__all__ = ["NAMES"]

NAMES: tuple[str, ...] = (
    "native",
    "healthbench",
    "paperbench",
    "infobench",
    "prometheus",
    "autorubric",
    "realsumm",
    "roscoe",
    "saf",
    "frank",
    "wildbench",
    "llmbar",
    "pandalm",
    "judgebench",
    "llmfao",
    "scholarqa",
    "zeroeval",
    "deepresearch_bench",
    "writingbench",
    "ifeval",
    "gherkin",
    "table",
    "openrubrics",
    "rar",
    "rusca",
    "verifiers",
    "rubric_spec",
    "tinker",
    "profbench",
    "qworld",
    "dices",
    "sureal",
    "wice",
    "bigbench_mistake",
    "gherkin_pairs",
)
"""In the order in which errors list them."""
