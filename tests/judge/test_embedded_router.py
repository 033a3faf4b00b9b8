"""The embedded judge decides whether something is said, turns around what asks for its absence, and leaves all else alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from criterial.core.ports import Question
from criterial.model.floor_router import OTHER_SCRIPT, Route, claim_of, other_script, route

QUALITY = "it cannot judge quality, style, length or correctness"
FORM = "it only judges whether a response says something, and this criterion does not ask for that in a form it knows"


def routed(text: str, kind: str = "predicate", response: bool = True, media: bool = False, condition: str = "") -> Route:
    """Return what becomes of a criterion's text."""
    return route(Question("c", kind, text, condition=condition), response, media)  # type: ignore[arg-type]


COVERED = [
    # the criterion, and the claim that is looked for
    ("The response states that: the cat sat", "the cat sat"),
    ("The response states that the cat sat", "the cat sat"),
    ("States that water boils at 100 degrees", "water boils at 100 degrees"),
    ("Mentions Paris", "Paris"),
    ("mentions the year 1789", "the year 1789"),
    ("The answer mentions Paris", "Paris"),
    ("The summary includes the date of the match", "the date of the match"),
    ("The response should mention Paris", "Paris"),
    ("The model must explicitly state the dose", "the dose"),
    ("It needs to name a doctor", "a doctor"),
    ("Recommends seeing a doctor", "seeing a doctor"),
    ("Advises rest and fluids", "rest and fluids"),
    ("Explains why the sky is blue", "the sky is blue"),
    ("Describes how a bill becomes law", "a bill becomes law"),
    ("Lists fever, cough and fatigue", "fever, cough and fatigue"),
    ("Identifies the author as Jane Austen", "the author as Jane Austen"),
    ("Warns that ibuprofen may harm", "ibuprofen may harm"),
    ("Asks whether the patient has a fever", "the patient has a fever"),
    ("Notes that rain is likely", "rain is likely"),
    ("Provides the phone number 555-1234", "the phone number 555-1234"),
    ("Suggests a second opinion", "a second opinion"),
    ("Points out that the data are old", "the data are old"),
    ("Refers to the Treaty of Rome", "the Treaty of Rome"),
    ("Acknowledges uncertainty about the cause", "uncertainty about the cause"),
    ("Emphasises the need for sleep", "the need for sleep"),
    ("Emphasizes the need for sleep", "the need for sleep"),
    ("Specifies the deadline of 5 May", "the deadline of 5 May"),
    ("Gives the boiling point of water", "the boiling point of water"),
    ("Covers side effects of aspirin", "side effects of aspirin"),
    ("The text contains the word hello", "the word hello"),
    ("Cites the WHO guideline", "the WHO guideline"),
    ("Reports a profit of 3 million", "a profit of 3 million"),
    ("Does the response mention Paris?", "Paris"),
    ("Does the answer state that the cat sat?", "the cat sat"),
    ("Did the summary include the score?", "the score"),
    ("Has the model explicitly mentioned the dose?", "the dose"),
    ("Does it clearly explain photosynthesis?", "photosynthesis"),
    ("The assistant says that it cannot open files", "it cannot open files"),
    ("Mentions that it does not rain", "it does not rain"),
    ("The response states that the tone of the letter was friendly", "the tone of the letter was friendly"),
    ("Mentions fever as well as cough", "fever as well as cough"),
    ("Makes it clear that refunds end", "refunds end"),
]
INVERTED = [
    ("Fails to mention Paris", "Paris"),
    ("The response fails to state the dose", "the dose"),
    ("Does not mention the side effects", "the side effects"),
    ("The response does not mention rain", "rain"),
    ("The answer doesn't include a source", "a source"),
    ("The answer doesn\u2019t include a source", "a source"),
    ("The summary omits the final score", "the final score"),
    ("Omits the date", "the date"),
    ("The summary leaves out the date", "the date"),
    ("Neglects to mention allergies", "allergies"),
    ("Never mentions the budget", "the budget"),
    ("The response lacks a mention of fever", "a mention of fever"),
    ("Forgets to name the author", "the author"),
    ("Does not explicitly state the price", "the price"),
    ("The model did not recommend a doctor", "a doctor"),
    ("Failing to warn of bleeding", "of bleeding"),
    ("Fails to mention that the cat sat", "the cat sat"),
    ("Does the response fail to mention Paris?", "Paris"),
]
ALONE = [
    ("The response is polite", QUALITY),
    ("Is the response well-written?", QUALITY),
    ("The tone is friendly", QUALITY),
    ("The answer is concise", QUALITY),
    ("The answer is factually correct", QUALITY),
    ("Uses formal language", QUALITY),
    ("Is free of grammatical errors", QUALITY),
    ("The response is under 100 words long", QUALITY),
    ("Uses bullet points", QUALITY),
    ("The poem rhymes", QUALITY),
    ("Is the summary coherent and fluent?", QUALITY),
    ("The response hallucinates a source", QUALITY),
    ("The reply is creative and original", QUALITY),
    ("Has no spelling mistakes", QUALITY),
    ("Formatted as markdown", QUALITY),
    ("The answer is correct", FORM),
    ("Is the generated text a post title?", FORM),
    ("The response is in French", FORM),
    ("The response follows the instructions", FORM),
    ("The code compiles", FORM),
    ("The response avoids giving advice", FORM),
    ("The model refuses to answer", FORM),
    ("Is better than the reference", FORM),
    ("The response should not recommend aspirin", FORM),
    ("The response must not mention Paris", FORM),
    ("If asked, mentions Paris", FORM),
    ("The cat sat", FORM),
    ("42", "it reads languages in Latin script only, English best"),
    ("", "it reads languages in Latin script only, English best"),
    ("!?", "it reads languages in Latin script only, English best"),
    ("Omits x", FORM),
    ("Does not", FORM),
]


def test_the_table_is_as_long_as_it_should_be() -> None:
    assert len({t for t, _ in (*COVERED, *INVERTED, *ALONE)}) >= 80


@pytest.mark.parametrize(("text", "claim"), COVERED)
def test_what_asks_for_something_to_be_said_is_decided(text: str, claim: str) -> None:
    found = routed(text)
    assert (claim_of(found.claim), found.inverted, found.reason) == (claim, False, "")


@pytest.mark.parametrize(("text", "claim"), INVERTED)
def test_what_asks_for_something_to_be_left_out_is_turned_around(text: str, claim: str) -> None:
    assert routed(text) == Route(claim, True)


@pytest.mark.parametrize(("text", "reason"), ALONE)
def test_what_asks_for_anything_else_is_left_alone_with_the_reason(text: str, reason: str) -> None:
    assert routed(text) == Route("", reason=reason)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"response": False}, "it judges responses, and this is about the task"),
        ({"media": True}, "it does not see images"),
        ({"kind": "score"}, "it answers yes/no criteria only"),
        ({"kind": "choice"}, "it answers yes/no criteria only"),
        ({"kind": "number"}, "it answers yes/no criteria only"),
        ({"condition": "it rains"}, "it cannot tell whether a condition holds"),
    ],
)
def test_an_obstacle_leaves_even_a_good_criterion_alone(change: dict[str, object], reason: str) -> None:
    assert routed("Mentions Paris", **change) == Route("", reason=reason)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["提到巴黎", "Упоминает Париж", "يذكر باريس", "パリに言及する", "Αναφέρει το Παρίσι", "mentions 北京 上海 广州 深圳 天津"]
)
def test_other_scripts_are_left_alone(text: str) -> None:
    assert routed(text) == Route("", reason=OTHER_SCRIPT)


def test_a_name_in_another_script_or_an_accent_does_no_harm() -> None:
    assert routed("Mentions the Greek letter α").claim
    assert routed("Mentions Besançon and São Paulo").claim


@pytest.mark.parametrize(
    ("text", "foreign"),
    [("", False), ("42 😀", False), ("Tiếng Việt", False), ("the letter α", False), ("Библиотека", True), ("图书馆 in 北京 上海", True)],
)
def test_a_text_without_letters_is_in_no_script_and_latin_has_accents(text: str, foreign: bool) -> None:
    assert other_script(text) == foreign


@settings(max_examples=300)
@given(text=st.text(max_size=60))
def test_any_text_gets_either_a_claim_or_a_reason(text: str) -> None:
    found = routed(text)
    assert bool(found.claim) != bool(found.reason)
    assert found.claim or not found.inverted


@settings(max_examples=200)
@given(claim=st.from_regex(r"(?:the|a) [a-z]{3,9} [a-z]{3,9} [a-z]{3,9}", fullmatch=True))
def test_any_claim_in_the_usual_frame_comes_out_as_it_went_in(claim: str) -> None:
    assert claim_of(f"The response states that: {claim}") == claim
    assert routed(f"The response fails to mention {claim}") == Route(claim, True)


def test_a_note_at_the_end_is_no_part_of_the_claim() -> None:
    assert claim_of("Mentions Paris (note: the city)") == "Paris"
    assert claim_of("Mentions Paris (justification: it is asked)") == "Paris"
    assert claim_of("Mentions Paris (the city)") == "Paris (the city)"


@pytest.mark.parametrize("text", ["States", "The response mentions", "the of and"])
def test_a_frame_without_a_claim_is_kept_whole(text: str) -> None:
    assert claim_of(text) == text


# ---------------------------------------------------------------------------------------------------------------- what hides behind a verb

NOT_SAYING = [
    "The response does not exceed 100 words",
    "The response does not contradict the reference",
    "The response does not hallucinate facts",
    "The response never uses profanity",
    "The response does not follow the instructions",
    "Does not answer the question",
    "The response lacks empathy",
    "The answer lacks coherence",
    "The response does not fail to mention rain",
    "The response never fails to cite its sources",
    "The response does not contain spelling errors",
    "The response does not include any jargon",
]
QUALITIES = [
    "Provides a concise, well-structured answer",
    "The response provides a factually accurate account",
    "Gives a clear and coherent explanation in a friendly tone",
    "The response contains no spelling errors",
    "Contains no more than 100 words",
    "The response contains fewer than three sentences",
    "Includes exactly three bullet points",
    "The response includes a creative metaphor",
    "The response shows empathy",
    "Says something funny in a polite tone",
    "Explains why the sky is blue in a friendly tone",
    "States that the cat sat in two sentences",
]


@pytest.mark.parametrize("text", NOT_SAYING)
def test_an_absence_of_something_that_is_not_said_is_left_alone(text: str) -> None:
    assert routed(text).claim == ""


@pytest.mark.parametrize("text", QUALITIES)
def test_a_quality_after_a_verb_of_saying_is_left_alone(text: str) -> None:
    assert routed(text).claim == ""


@pytest.mark.parametrize("text", ["States", "The response mentions", "Does the response mention it?"])
def test_a_frame_with_nothing_in_it_is_left_alone(text: str) -> None:
    assert routed(text).claim == ""


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("The final answer states 42", "42"),
        ("The letter includes a date", "a date"),
        ("This response mentions Paris", "Paris"),
        ("The generated story mentions a dragon", "a dragon"),
        ("Outlines the plan", "the plan"),
        ("Encourages rest", "rest"),
    ],
)
def test_every_frame_that_is_recognised_is_taken_off(text: str, claim: str) -> None:
    assert routed(text).claim
    assert claim_of(routed(text).claim) == claim


@pytest.mark.parametrize("text", ["The response does not mention Paris", "It never says so", "Omits the date"])
def test_the_claim_of_what_should_be_left_out_is_the_whole(text: str) -> None:
    assert claim_of(text) == text
