"""Twenty-five small tasks, each with a response that meets two criteria and misses two, so that the right verdicts are known."""

from __future__ import annotations

from criterial.core.criterion import Criterion
from criterial.core.rubric import Rubric
from criterial.core.task import Case, Message, Response, Task
from criterial.core.verdict import Verdict

__all__ = ["tasks"]

# id, question, answer, two criteria that it meets, two that it misses
_TASKS: tuple[tuple[str, str, str, tuple[str, str], tuple[str, str]], ...] = (
    ("tea", "How do I make black tea?", "Boil fresh water, pour it over the leaves and let them steep for four minutes.",
     ("Says to boil water", "Says how long the tea steeps"), ("Mentions warming the pot", "Mentions milk or lemon")),
    ("tyre", "My bicycle tyre is flat. What now?", "Take the wheel out, find the hole in the tube and put a patch over it.",
     ("Says to take the wheel out", "Mentions a patch"), ("Says to look for a thorn in the tyre", "Says how much air to pump in")),
    ("moon", "Why do we see only one side of the moon?", "It turns once on its axis in the time in which it goes once around the earth.",
     ("States that the moon turns on its axis", "States that the moon goes around the earth"), ("Mentions tides", "Mentions libration")),
    ("bread", "Why does bread rise?", "Yeast feeds on sugar in the dough and gives off gas, and the gas is held by gluten.",
     ("Mentions yeast", "Mentions gas"), ("States at what temperature it bakes", "Mentions salt")),
    ("garden", "How can I keep slugs off my lettuce?", "Water in the morning, lay boards as traps and collect the slugs at dusk.",
     ("Says to water in the morning", "Mentions traps"), ("Warns of poison for pets", "Mentions copper tape")),
    ("password", "What makes a good password?", "Make it long, use it for one account only and keep it in a password manager.",
     ("Says that it should be long", "Mentions a password manager"), ("Mentions a second factor", "Warns of phishing")),
    ("rent", "My landlord keeps the deposit.", "Write to the landlord, set a date for payment and keep copies of all letters.",
     ("Says to write to the landlord", "Says to keep copies"), ("Mentions a tenants' union", "Mentions the small claims court")),
    ("burn", "I burnt my finger on the stove.", "Hold it under cool running water for ten minutes and cover it with a clean cloth.",
     ("Mentions cool water", "Says to cover the burn"), ("Warns against butter on the burn", "Says when to see a doctor")),
    ("exam", "How should I learn for an exam in history?", "Make a timeline, explain it aloud to somebody and answer old exam questions.",
     ("Mentions a timeline", "Mentions old exam questions"), ("Mentions sleep", "Says to plan breaks")),
    ("cat", "My cat does not drink enough.", "Put several bowls around the flat, away from the food, and give it wet food.",
     ("Mentions several bowls", "Mentions wet food"), ("Says to see a vet", "Mentions a drinking fountain")),
    ("rainbow", "How does a rainbow come about?", "Sunlight is bent as it enters a drop, is reflected at its back and splits into colours.",
     ("Mentions sunlight", "States that light is reflected in the drop"), ("States the angle of 42 degrees", "Mentions a second rainbow")),
    ("train", "I missed my connecting train.", "Ask at the desk for the next train and have the delay stamped on your ticket.",
     ("Says to ask at the desk", "Says to have the ticket stamped"), ("Mentions a hotel voucher", "Says how to claim money back")),
    ("loop", "My program runs for ever.", "Look for a loop whose condition never turns false, and print the variable in it.",
     ("Mentions the condition of a loop", "Says to print the variable"), ("Mentions a debugger", "Mentions a test")),
    ("soup", "My soup is too salty.", "Add more water and vegetables and let it simmer; a potato takes up a little.",
     ("Says to add water", "Mentions a potato"), ("Mentions cream", "Mentions sugar or vinegar")),
    ("speech", "I am afraid of giving a speech.", "Practise it aloud before a friend, breathe slowly, know your first sentence by heart.",
     ("Says to practise aloud", "Says to breathe slowly"), ("Mentions visiting the room", "Mentions notes on cards")),
    ("noise", "The neighbours are loud at night.", "Talk to them first and write down the times at which it was loud.",
     ("Says to talk to the neighbours", "Says to write down the times"), ("Mentions the landlord", "Mentions ear plugs")),
    ("plant", "The leaves of my plant turn yellow.", "It may stand in water: let the soil dry out and put it in a brighter place.",
     ("Says to let the soil dry out", "Mentions a brighter place"), ("Mentions fertiliser", "Says to look for pests")),
    ("photo", "My photos are blurred in the evening.", "Rest the camera on something firm and use the timer, so that it does not shake.",
     ("Says to rest the camera on something firm", "Mentions the timer"), ("Mentions the ISO value", "Mentions a wider aperture")),
    ("move", "What should I think of when moving house?", "Label the boxes by room, read the meters and tell the post office your address.",
     ("Says to label the boxes", "Mentions the meters"), ("Mentions a parking permit", "Mentions insurance")),
    ("swim", "How do I teach a child to swim?", "Start in water that the child can stand in, play at blowing bubbles and hold its back.",
     ("Mentions shallow water", "Mentions blowing bubbles"), ("Says never to leave the child alone", "Mentions a swimming course")),
    ("glue", "Which glue holds wood?", "Use wood glue on both faces, press them with clamps and wait for a day.",
     ("Mentions clamps", "Says how long to wait"), ("Says to sand the faces first", "Mentions wiping off what runs out")),
    ("quake", "What do I do in an earthquake?", "Get under a firm table, hold on to it and stay away from windows.",
     ("Says to get under a table", "Says to stay away from windows"), ("Warns of using the lift", "Mentions aftershocks")),
    ("mean", "When is the median better than the mean?", "When a few values are extreme: they pull the mean and not the median.",
     ("Mentions extreme values", "States that the mean is pulled"), ("Mentions incomes", "Mentions the mode")),
    ("dog", "A dog runs at me. What do I do?", "Stand still with your arms at your sides, and look past it, not into its eyes.",
     ("Says to stand still", "Says not to look into its eyes"), ("Mentions speaking in a calm voice", "Says to walk away backwards")),
    ("coffee", "My coffee tastes bitter.", "Use coarser powder or let the water run through faster, and clean the machine.",
     ("Mentions coarser powder", "Says to clean the machine"), ("Mentions water below the boil", "Mentions fresher beans")),
)  # fmt: skip


def tasks() -> tuple[Case, ...]:
    """Return the tasks, with labels by ``author``.

    Returns
    -------
    tuple of Case
    """
    return tuple(_case(*task) for task in _TASKS)


def _case(name: str, question: str, answer: str, met: tuple[str, str], missed: tuple[str, str]) -> Case:
    told = [*((text, 1.0) for text in met), *((text, 0.0) for text in missed)]
    criteria = tuple(Criterion(f"c{i}", text) for i, (text, _) in enumerate(told))
    labels = tuple(Verdict(name, f"c{i}", value=value, judge="author", task=name) for i, (_, value) in enumerate(told))
    response = Response(name, (Message("assistant", answer),))
    return Case(Task(name, (Message("user", question),)), Rubric(criteria), (response,), labels)
