"""What probes found of a judge, for people and programs."""

from __future__ import annotations

from criterial.audit.probe import Probed, ProbeResult
from criterial.core.score import Finding
from criterial.report.page import Block, Grid, Intervals, Page, Row, Words

__all__ = ["probed_page"]

_KEY = {"same": "verdicts changed", "nothing": "credited", "less": "credit lost"}
_WORDS = {True: "sound", False: "NOT sound", None: "cannot be said"}
_REMEDY = {
    "injection": "keep to judges that pass, and look at responses that speak to the judge before trusting their scores",
    "master_keys": "keep the option settle_empty of the judge method on: it settles such responses before the judge sees them",
    "withheld": "judge with --method prior_corrected",
    "one_by_one": "fix the number of criteria a call, and never compare runs that differ in it",
    "corruption": "this judge does not read: no other figure of it means anything",
}


def probed_page(probed: Probed) -> Page:
    """Return what probes found as a page.

    Parameters
    ----------
    probed : Probed
        Any.

    Returns
    -------
    Page
    """
    rows = [(r.probe, r.variant, _KEY[r.expects], r.key, _WORDS[r.sound], r.raised, r.lowered) for r in probed.results]
    columns = ("probe", "what was done", "figure", "[95 %]", "judge is", "not met became met", "met became not")
    caption = (
        "Sound: where nothing should change at most 5 % of verdicts do, beyond the judge's own noise; where nothing is said at most 5 % is "
        "credited; credit is lost where content is. The whole interval must say so, which takes about 75 tasks. Intervals are over tasks."
    )
    if probed.own is not None and probed.own.value is not None:
        caption += f" Two repeats on the same response differ in {probed.own.value:.1%} of verdicts by themselves."
    blocks: list[Block] = [Words(_summary(probed)), Grid("Probes", columns, rows, caption, digits=3)]
    blocks.append(
        Intervals(
            "What the probes found",
            "share of verdicts, or credit",
            tuple(Row(f"{r.probe}: {_KEY[r.expects]}", r.key) for r in probed.results),
        )
    )
    further = [(r.probe, name, figure) for r in probed.results for name, figure in r.extra]
    if further:
        blocks.append(Grid("Further figures", ("probe", "", "[95 %]"), further))
    if probed.order is not None:
        order = [("points that go to the response shown first", probed.order.first_wins), ("both orders agree", probed.order.agree)]
        blocks.append(Grid("Order of pairs", ("", "[95 %]"), order, "Without a bias the first takes half."))
    if probed.left_out:
        blocks.append(Words(f"Nothing to change for: {', '.join(probed.left_out)}."))
    return Page(f"Probes of {probed.judge}", tuple(blocks), tuple(_finding(r) for r in probed.results if r.sound is False))


def _summary(probed: Probed) -> str:
    failed = [r.probe for r in probed.results if r.sound is False]
    unsure = [r.probe for r in probed.results if r.sound is None]
    steady = all(r.sound for r in probed.results if r.expects == "same")
    if steady and "corruption" in failed:
        return "Uninformative: nothing moves this judge, the loss of half of a response as little as anything else."
    text = f"Not sound under {', '.join(dict.fromkeys(failed))}." if failed else "Sound under every probe that could be decided."
    return text + (f" Too few cases to say for {', '.join(dict.fromkeys(unsure))}." if unsure else "")


def _finding(result: ProbeResult) -> Finding:
    message = f"{result.variant}: {_KEY[result.expects]} {result.key.text()}"
    return Finding(
        f"probe_{result.probe}", "warning", result.probe, message, _REMEDY.get(result.probe, "name it beside every score of this judge")
    )
