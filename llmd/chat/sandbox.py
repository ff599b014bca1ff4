"""Jinja as Hugging Face renders it, for sources that nobody vouches for.

Whoever made a GGUF wrote its template. The sandbox keeps it from Python; a budget, spent by every
turn of a loop, every call of a macro and every long text made on the way, keeps it from running or
growing without end. What slips through, such as printing lists nested exponentially deep, costs the
worker process and nothing else.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import jinja2
from jinja2 import meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

STEPS = 1_000_000
"""Loop turns and macro calls of one rendering; about a second."""
LONGEST = 64 * 2**20
"""Characters of one rendering, or of any text made on the way."""

_LONG = 4096
_WIDEST = 100_000
# a call of a macro takes as long as some turns of a loop
_MACRO = 4
# no identifier, so that a template can neither read nor replace it
_BUDGET = "the budget"

FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    jinja2.TemplateError,
)
"""What compiling or rendering foreign source may raise."""


class Refusal(jinja2.TemplateError):
    """The template called `raise_exception`; the text is its own."""


class Spent(jinja2.TemplateError):
    """The template ran or grew beyond its budget."""


class Budget:
    """Steps that one rendering may still take."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def spend(self, steps: int) -> None:
        """Take steps off; raise Spent when there are none left."""
        self._left -= steps
        if self._left < 0:
            raise Spent("it does not come to an end")

    def weigh(self, length: int) -> None:
        """Charge a text of `length` characters; raise Spent when it is beyond all measure."""
        if length > LONGEST:
            raise Spent(f"it makes more than {LONGEST} characters")
        if length > _LONG:
            self.spend(length // _LONG)


class GenerationBlock(Extension):
    """`{% generation %}...{% endgeneration %}`: marks what the model wrote, for training; rendered
    as it stands.
    """

    tags = {"generation"}  # noqa: RUF012  declared so by Jinja

    def parse(self, parser: Parser) -> nodes.Node:
        """Return the body, in a scope of its own."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body, lineno=line)


class ChatEnvironment(ImmutableSandboxedEnvironment):
    """The environment that templates on the Hugging Face hub are written for."""

    intercepted_binops = frozenset({"+", "*", "**"})

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__(
            trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, GenerationBlock]
        )
        self.filters["tojson"] = to_json
        self.filters[_BUDGET] = count_turn
        self.globals["raise_exception"] = refuse
        self.globals["strftime_now"] = lambda style: now().strftime(style)
        del self.globals["lipsum"]

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Let lists be used as queues, as Kimi K2's template does: it works on copies that nobody
        else sees.
        """
        return (isinstance(obj, list) and attr in {"append", "pop"}) or super().is_safe_attribute(
            obj, attr, value
        )

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Refuse products and powers before they are made, and charge sums."""
        if operator in {"*", "**"}:
            _check_product(operator, left, right)
        value = super().call_binop(context, operator, left, right)
        if isinstance(value, str):
            _budget(context).weigh(len(value))
        return value

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Refuse absurd widths to methods of texts, such as `"".ljust(10**10)`."""
        method = isinstance(obj, types.BuiltinMethodType) and isinstance(obj.__self__, str)
        if method and any(isinstance(value, int) and value > _WIDEST for value in args):
            raise SecurityError(
                f"{obj.__name__} may not be asked for more than {_WIDEST} characters"
            )
        return super().call(context, obj, *args, **kwargs)

    def compiled(self, source: str) -> jinja2.Template:
        """Compile a source whose loops and macros count their turns; raise one of FAULTS."""
        tree = self.parse(source)
        for node in tree.find_all(nodes.Stmt):
            if isinstance(node, nodes.For | nodes.Macro | nodes.CallBlock):
                weight = nodes.Const(
                    1 if isinstance(node, nodes.For) else _MACRO, lineno=node.lineno
                )
                count = nodes.Filter(weight, _BUDGET, [], [], None, None, lineno=node.lineno)
                node.body.insert(0, nodes.ExprStmt(count, lineno=node.lineno))
        _add_instead_of_concat(tree)
        tree.set_environment(self)
        return jinja2.Template.from_code(self, self.compile(tree), self.globals)

    def variables(self, source: str) -> frozenset[str]:
        """Return the names that a source looks up from outside; raise one of FAULTS."""
        return frozenset(meta.find_undeclared_variables(self.parse(source)))


def to_json(
    value: Any,
    ensure_ascii: bool = False,  # noqa: FBT001, FBT002  the signature templates know
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,  # noqa: FBT001, FBT002  as above
) -> str:
    """Return JSON as `json.dumps` writes it, where Jinja's own filter escapes HTML and sorts
    keys.
    """
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


@jinja2.pass_context
def count_turn(context: Context, weight: int) -> None:
    """Charge a turn of a loop or a call of a macro."""
    _budget(context).spend(weight)


def refuse(message: str = "") -> None:
    """Be `raise_exception`."""
    raise Refusal(str(message))


def run(template: jinja2.Template, variables: Mapping[str, Any], steps: int = STEPS) -> str:
    """Render within a budget; raise one of FAULTS."""
    budget = Budget(steps)
    pieces: list[str] = []
    length = 0
    for piece in template.generate({**variables, _BUDGET: budget}):
        length += len(piece)
        budget.weigh(length if length > LONGEST else len(piece))
        pieces.append(piece)
    return "".join(pieces)


def _budget(context: Context) -> Budget:
    budget = context.parent[_BUDGET]
    assert isinstance(budget, Budget)  # noqa: S101  nobody else can write this key
    return budget


def _check_product(operator: str, left: Any, right: Any) -> None:
    if operator == "**":
        if isinstance(left, int) and isinstance(right, int) and left.bit_length() * right > _LONG:
            raise SecurityError("the power is too large")
        return
    if (
        isinstance(left, int)
        and isinstance(right, int)
        and left.bit_length() + right.bit_length() > _LONG
    ):
        raise SecurityError("the product is too large")
    for many, times in ((left, right), (right, left)):
        if (
            isinstance(many, str | list | tuple)
            and isinstance(times, int)
            and len(many) * times > LONGEST // 16
        ):
            raise SecurityError("the repetition is too long")


def _add_instead_of_concat(tree: nodes.Template) -> None:
    """Turn `a ~ b` into `a|string + b|string`, because only `+` can be charged."""

    def text(node: nodes.Expr) -> nodes.Expr:
        return nodes.Filter(node, "string", [], [], None, None, lineno=node.lineno)

    def visit(node: nodes.Node) -> None:
        for child in node.iter_child_nodes():
            visit(child)
        for field, value in node.iter_fields():
            if isinstance(value, list):
                setattr(node, field, [replaced(item) for item in value])
            else:
                setattr(node, field, replaced(value))

    def replaced(value: Any) -> Any:
        if not isinstance(value, nodes.Concat):
            return value
        whole, *rest = (text(part) for part in value.nodes)
        for part in rest:
            whole = nodes.Add(whole, part, lineno=value.lineno)
        return whole

    visit(tree)
