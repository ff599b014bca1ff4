"""What may stand at the cursor of a command line, by the table of all commands. Pure.

A node of the table is a command: `help`, its `options` and `arguments`, and `commands` where it is
a group. An option has its `names`, `help`, whether it `takes` a value and may be given `many`
times; options and arguments say of their values the `choices`, or the `kind` (see kinds.py).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

Node = dict[str, Any]
Offer = tuple[str, str]
"""A word, and what it means."""


class Want(NamedTuple):
    """What may stand at the cursor: words of the grammar itself, or values of a kind."""

    offers: list[Offer]
    kind: str = ""
    prefix: str = ""
    """What of the current word stands before the value, such as `--model=`."""
    typed: str = ""
    """The beginning of the value."""
    before: tuple[str, ...] = ()
    """The arguments that stand already."""


class _Place(NamedTuple):
    """Where the words before the cursor lead."""

    node: Node | None
    arguments: tuple[str, ...]
    given: frozenset[str]
    pending: Node | None
    """The option whose value comes next."""
    ended: bool
    """Whether `--` was there, behind which no options stand."""


def wanted(root: Node, words: Sequence[str], current: str) -> Want:
    """Return what may stand at the cursor, `words` being complete and `current` begun."""
    place = _follow(root, words)
    if place.node is None:
        return Want([])
    if place.pending:
        return _values(place.pending, "", current, place.arguments)
    if current.startswith("-") and not place.ended:
        return _option(place, current)
    if "commands" in place.node:
        commands = place.node["commands"].items()
        return Want([(name, node["help"]) for name, node in commands if name.startswith(current)])
    arguments = place.node["arguments"]
    number = len(place.arguments)
    if number >= len(arguments) and not (arguments and arguments[-1].get("many")):
        return Want([])
    return _values(arguments[min(number, len(arguments) - 1)], "", current, place.arguments)


def _follow(root: Node, words: Sequence[str]) -> _Place:
    place = _Place(root, (), frozenset(), None, ended=False)
    for word in words:
        place = _step(place, word)
    return place


def _step(place: _Place, word: str) -> _Place:
    node = place.node
    if node is None or place.pending:
        return place._replace(pending=None)
    if word == "--" and not place.ended:
        return place._replace(ended=True)
    if word.startswith("-") and word != "-" and not place.ended:
        option, valued = _named(node, word)
        given = place.given | frozenset(option["names"] if option else ())
        waits = option if option and option.get("takes") and not valued else None
        return place._replace(given=given, pending=waits)
    if "commands" in node:
        return _Place(node["commands"].get(word), (), frozenset(), None, ended=False)
    return place._replace(arguments=(*place.arguments, word))


def _named(node: Node, word: str) -> tuple[Node | None, bool]:
    """Return the option that a word names, and whether its value stands in the same word."""
    options = {name: option for option in node["options"] for name in option["names"]}
    if word.startswith("--"):
        name, equals, _ = word.partition("=")
        return options.get(name), bool(equals)
    for place, letter in enumerate(word[1:], 2):
        option = options.get(f"-{letter}")
        if option is None or option.get("takes"):
            return option, place < len(word)
    return options.get(f"-{word[-1]}"), False


def _option(place: _Place, current: str) -> Want:
    node = place.node or {"options": []}
    name, equals, typed = current.partition("=")
    if equals and name.startswith("--"):
        option, _ = _named(node, name)
        if option is None or not option.get("takes"):
            return Want([])
        return _values(option, f"{name}=", typed, place.arguments)
    open_ = (
        option
        for option in node["options"]
        if option.get("many") or place.given.isdisjoint(option["names"])
    )
    shown = ((name, option["help"]) for option in open_ for name in option["names"])
    # a lone dash asks for all there is, but of two spellings the long one says more
    long = [offer for offer in shown if offer[0].startswith("--")]
    if current == "-":
        return Want(long)
    return Want([offer for offer in long if offer[0].startswith(current)])


def _values(holder: Node, prefix: str, typed: str, before: tuple[str, ...]) -> Want:
    offers = [
        (prefix + choice, "") for choice in holder.get("choices", ()) if choice.startswith(typed)
    ]
    return Want(offers, holder.get("kind", ""), prefix, typed, before)
