"""Eighty payloads of XSS and Markdown in every text of a run, in a real browser: nothing runs or is fetched, no element is made of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from criterial.core.criterion import Criterion
from criterial.core.score import Finding
from criterial.core.task import Case, Message, Task
from criterial.core.verdict import Verdict
from criterial.score.record import Run
from tests.helpers_files import answer, case, run_of, verdicts_of
from tests.web.conftest import Watched

ALERT = "alert(document.domain)"
PAYLOADS = [
    f"<script>{ALERT}</script>",
    f"</script><script>{ALERT}</script>",
    f"</ScRiPt><sCrIpT>{ALERT}</sCrIpT>",
    f"<script\x0b>{ALERT}</script>",
    f"<<script>{ALERT}//<</script>",
    f"<script/src=data:,{ALERT}></script>",
    f"<img src=x onerror={ALERT}>",
    f"<img src=`x` onerror={ALERT}>",
    f"<img/src/onerror={ALERT}>",
    f"<img src=http://127.0.0.1:9/leak onerror={ALERT}>",
    f"<svg onload={ALERT}>",
    f"<svg><script>{ALERT}</script></svg>",
    f"<svg><animate onbegin={ALERT} attributeName=x dur=1s>",
    f"<svg><a xlink:href='javascript:{ALERT}'><text y=20>x</text></a></svg>",
    f"<math><mtext><img src=x onerror={ALERT}></mtext></math>",
    f"<math href='javascript:{ALERT}'>x</math>",
    f"<iframe src='javascript:{ALERT}'></iframe>",
    f"<iframe srcdoc='<script>parent.{ALERT}</script>'></iframe>",
    "<iframe src=http://127.0.0.1:9/frame></iframe>",
    f"<object data='javascript:{ALERT}'></object>",
    f"<embed src='javascript:{ALERT}'>",
    f"<video src=x onerror={ALERT}></video>",
    f"<audio src=x onerror={ALERT}></audio>",
    f"<video><source onerror={ALERT}></video>",
    f"<body onload={ALERT}>",
    f"<input autofocus onfocus={ALERT}>",
    f"<select autofocus onfocus={ALERT}>",
    f"<textarea autofocus onfocus={ALERT}>",
    f"<details open ontoggle={ALERT}>x</details>",
    f"<marquee onstart={ALERT}>x</marquee>",
    f"<style>@import 'http://127.0.0.1:9/css'</style><b onmouseover={ALERT}>x</b>",
    "<link rel=stylesheet href=http://127.0.0.1:9/css>",
    "<base href=http://127.0.0.1:9/>",
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'>",
    f"<form action='javascript:{ALERT}'><button>x</button></form>",
    f"<a href='javascript:{ALERT}'>x</a>",
    f"<a href='data:text/html,<script>{ALERT}</script>'>x</a>",
    f"<div style='background:url(javascript:{ALERT})'>x</div>",
    f"<table background='javascript:{ALERT}'>",
    f"<isindex action='javascript:{ALERT}' type=submit>",
    f"<noscript><p title='</noscript><img src=x onerror={ALERT}>'>",
    f"<template><script>{ALERT}</script></template>",
    f"<xmp><img src=x onerror={ALERT}></xmp>",
    f"--><script>{ALERT}</script><!--",
    f"<!--<script>{ALERT}</script>-->",
    f"<![CDATA[<script>{ALERT}</script>]]>",
    f"]]><script>{ALERT}</script>",
    f"'\"><img src=x onerror={ALERT}>",
    f"' onmouseover={ALERT} x='",
    f'" autofocus onfocus={ALERT} x="',
    f"javascript:{ALERT}",
    f'"}};{ALERT};//',
    f"\\u003cscript\\u003e{ALERT}\\u003c/script\\u003e",
    f"\u2028{ALERT}\u2029",
    f"${{{ALERT}}}`{ALERT}`",
    f"{{{{constructor.constructor('{ALERT}')()}}}}",
    f"{{% for x in ().__class__.__base__.__subclasses__() %}}{ALERT}{{% endfor %}}",
    f"&lt;script&gt;{ALERT}&lt;/script&gt;",
    f"&#60;img src=x onerror={ALERT}&#62;",
    f"＜script＞{ALERT}＜/script＞",
    f"<scr\ufeffipt>{ALERT}</scr\ufeffipt>",
    "__proto__",
    f"[x](javascript:{ALERT})",
    f"[x](JaVaScRiPt&colon;{ALERT})",
    f"[x](  java\nscript:{ALERT})",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    f"[x](http://127.0.0.1:9/a \"' onmouseover={ALERT} '\")",
    "![x](http://127.0.0.1:9/pixel.png)",
    f'![x](x"onerror="{ALERT})',
    f"![x`<img src=x onerror={ALERT}>`]()",
    f"[x]: javascript:{ALERT}\n\n[x]",
    f"<javascript:{ALERT}>",
    "<http://127.0.0.1:9/auto>",
    f"```html\n<script>{ALERT}</script>\n```",
    f"~~~\n</code></pre><img src=x onerror={ALERT}>\n~~~",
    f"`</code><svg onload={ALERT}>`",
    f"> <details open ontoggle={ALERT}>\n> x",
    f"| a |\n|---|\n| <img src=x onerror={ALERT}> |",
    f"# <a name=x onclick={ALERT}>x</a> {{#x onload={ALERT}}}",
    f"$$\\href{{javascript:{ALERT}}}{{x}}$$",
    f"```mermaid\ngraph TD; A[<img src=x onerror={ALERT}>]-->B; click A javascript:{ALERT}\n```",
    f"[^1]\n\n[^1]: <iframe src='javascript:{ALERT}'>",
]
FOREIGN = (
    "img, iframe, object, embed, video, audio, source, link, base, form, textarea, marquee, math, template, xmp, a, animate, isindex, "
    "b[onmouseover], meta[http-equiv=refresh]"
)


def planted(text: str, number: int) -> Case:
    """Return a case whose every text is a payload; ids stay distinct by a number at their end."""
    return case(
        Criterion(text, text, title=text, category=(text, text), tags=(text,)),
        Criterion(f"{text} two", f"{text} two"),
        of=Task(f"{text} {number}", (Message("user", text), Message("assistant", text), Message("user", text)), (text,), text, (text,)),
        responses=[answer(text, identity=f"{text} r", system=text, tags=(text,))],
        title=text,
        id=text,
        guidelines=text,
    )


def attacked() -> Run:
    """Return a run with every payload in every text field."""
    rows = [planted(text, i) for i, text in enumerate(PAYLOADS)]
    marks = [Verdict(**{**vars(v), "reason": PAYLOADS[i // 2 % len(PAYLOADS)]}) for i, v in enumerate(verdicts_of(rows, judge=PAYLOADS[0]))]
    notes = [Finding(text, "warning", text, text, text) for text in PAYLOADS]
    return run_of(
        rows, marks, judge=PAYLOADS[0], stopped=PAYLOADS[6], notes=notes, lost_calls=(PAYLOADS[6],), name=f"<img src=x onerror={ALERT}>"
    )


CLICK_ALL = """() => {
  let clicks = 0;
  for (let page = 0; page < 9; page++) {
    for (const details of document.querySelectorAll("details")) details.open = true;
    for (const button of [...document.querySelectorAll("#map table button")]) {
      button.focus(); button.click(); button.dispatchEvent(new MouseEvent("mouseover", { bubbles: true })); clicks++;
      document.querySelector("#panel .close").click();
    }
    const on = [...document.querySelectorAll("#map .controls button")].find((b) => b.textContent === "On");
    if (on.disabled) break;
    on.click();
  }
  return clicks;
}"""


def test_eighty_payloads_in_every_field_do_nothing(opened: Callable[[Run | str], Watched]) -> None:
    assert len(set(PAYLOADS)) >= 80
    watched = opened(attacked())
    page = watched.page
    assert page.evaluate(CLICK_ALL) == len(PAYLOADS) * 5  # two columns, two cells and a name a row
    for select in page.query_selector_all("select"):
        for value in select.evaluate("s => [...s.options].map(o => o.value)"):
            select.select_option(value)
    page.fill("input[list]", PAYLOADS[5])
    page.fill("input[type=search]", PAYLOADS[0])
    page.wait_for_timeout(300)
    watched.assert_quiet()
    assert page.query_selector_all(FOREIGN) == []
    assert page.evaluate("document.querySelectorAll('script').length") == 2
    assert (
        page.evaluate("[...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => a.name.startsWith('on'))).length") == 0
    )
    assert page.evaluate("({}).polluted") is None


@pytest.mark.parametrize("number", range(0, len(PAYLOADS), 9))
def test_a_payload_is_shown_letter_by_letter(number: int, opened: Callable[[Run | str], Watched]) -> None:
    text = PAYLOADS[number]
    made = planted(text, number)
    watched = opened(run_of([made], verdicts_of([made], reason=text, judge=text), judge=text))
    watched.page.click("#map td.cell button >> nth=0")
    blocks = watched.page.eval_on_selector_all("#panel pre", "nodes => nodes.map(n => n.textContent)")
    assert blocks[:3] == [text, text, text]  # reason, criterion, response
    assert watched.page.text_content("#top .soft") == f"judged by {text}"
    watched.assert_quiet()


@pytest.mark.parametrize(
    ("html", "what"),
    [
        (f"<img src=x onerror={ALERT}>", "dialogs"),
        (f"<svg onload={ALERT}>", "dialogs"),
        (f"<script>{ALERT}</script>", "dialogs"),
        ("<script>throw Error('x')</script>", "errors"),
        ("<img src='other.png'>", "requests"),
    ],
)
def test_the_watch_would_notice(html: str, what: str, opened: Callable[[Run | str], Watched]) -> None:
    """The control: on a page without a policy the same payloads open dialogs, make errors and requests."""
    watched = opened(f"<!doctype html><body>{html}</body>")
    watched.page.wait_for_timeout(200)
    noticed = {"dialogs": watched.dialogs, "errors": watched.errors, "requests": watched.requests[1:]}
    assert noticed[what]
    with pytest.raises(AssertionError):
        watched.assert_quiet()


def test_the_policy_stops_what_a_hole_in_the_script_would_let_through(opened: Callable[[Run | str], Watched]) -> None:
    made = case("a")
    watched = opened(run_of([made], verdicts_of([made])))
    watched.page.evaluate(f"document.getElementById('map').innerHTML = `<img src=x onerror={ALERT}><svg onload={ALERT}>`")
    watched.page.evaluate(f"const s = document.createElement('script'); s.textContent = '{ALERT}'; document.body.append(s)")
    watched.page.wait_for_timeout(200)
    assert watched.dialogs == []
    assert any("Content Security Policy" in error for error in watched.errors)
