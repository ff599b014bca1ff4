"""Which sequences of the KV cache hold which prefixes. Pure: a radix tree over tokens.

Every llama.cpp sequence id in use, be it of a running answer or of a parked prefix, is a *holder*
of one path from the root. Sequences that share a prefix share its cells (`llama_memory_seq_cp` with
a unified KV cache), so the cells in use are those of the tree's nodes, each counted once for every
*copy* of it that was computed apart. After RadixAttention (Zheng et al., "SGLang", NeurIPS 2024).
What is given up first follows GreedyDual-Size-Frequency (Cherkasova, 1998): prefixes that are used
often and those that are dear to compute again (deep ones) stay longer, and everything ages.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

# at this depth the attention of a token costs about as much as its weights
_DEEP = 8192


@dataclass(slots=True, eq=False)
class Node:
    """A run of tokens below its parent; `depth` tokens come before it."""

    tokens: list[int]
    depth: int
    parent: Node | None
    children: dict[int, Node] = field(default_factory=dict)
    holders: dict[int, int] = field(default_factory=dict)
    """Sequence id to the copy of these cells that it refers to."""
    hits: int = 0
    rank: tuple[float, int] = (0.0, 0)

    @property
    def end(self) -> int:
        """Tokens from the root to the end of this node."""
        return self.depth + len(self.tokens)

    def cells(self, without: frozenset[int] = frozenset()) -> int:
        """Return the KV cells of these tokens, of all holders but some."""
        copies = {copy for holder, copy in self.holders.items() if holder not in without}
        return len(self.tokens) * len(copies)


@dataclass(frozen=True, slots=True)
class Match:
    """`length` tokens that every one of `holders` holds."""

    length: int
    holders: tuple[int, ...]


def common(first: list[int], second: list[int]) -> int:
    """Return the length of the common prefix of two lists."""
    low, high = 0, min(len(first), len(second))
    if first[:high] == second[:high]:
        return high
    while high - low > 1:  # they agree before low, and differ somewhere before high
        middle = (low + high) // 2
        low, high = (middle, high) if first[low:middle] == second[low:middle] else (low, middle)
    return low


class PrefixCache:
    """The tree, and which of its holders are parked: kept only for requests to come.

    `space` keeps apart what must never be shared, such as answers with different adapters.
    """

    def __init__(self) -> None:
        self._roots: dict[Hashable, Node] = {}
        self._ends: dict[int, Node] = {}
        """The last node of every holder's path."""
        self._parked: set[int] = set()
        self._age = 0.0
        self._uses = 0
        self._copies = 0
        self.cells = 0
        """KV cells of all nodes together."""

    @property
    def parked(self) -> frozenset[int]:
        """Sequence ids that are kept only for reuse."""
        return frozenset(self._parked)

    def length(self, holder: int) -> int:
        """Return how many tokens a sequence id holds here."""
        end = self._ends.get(holder)
        return end.end if end else 0

    def space(self, holder: int) -> Hashable:
        """Return the space that a sequence id holds something in."""
        node = self._ends.get(holder)
        while node and node.parent:
            node = node.parent
        return next((space for space, root in self._roots.items() if root is node), None)

    def tokens(self, holder: int) -> list[int]:
        """Return the tokens a sequence id holds here."""
        return [token for node in self._path(holder) for token in node.tokens]

    def holders(self, space: Hashable) -> tuple[int, ...]:
        """Return the sequence ids that hold anything in a space."""
        root = self._roots.get(space)
        children = root.children.values() if root else ()
        return tuple(holder for child in children for holder in child.holders)

    def match(self, space: Hashable, tokens: list[int]) -> list[Match]:
        """Return the prefixes of `tokens` that are held, longest first, each with who holds it."""
        node, at = self._roots.get(space), 0
        found: list[Match] = []
        while node and at < len(tokens) and (child := node.children.get(tokens[at])):
            count = common(child.tokens, tokens[at : child.end])
            at += count
            found.append(Match(at, tuple(child.holders)))
            node = child if at == child.end else None
        return found[::-1]

    def share(self, source: int, target: int, length: int) -> None:
        """Note that `target`, which held nothing, refers to the first cells of `source`."""
        for node in list(self._path(source)):
            if node.depth >= length:
                return
            kept = node if node.end <= length else self._split(node, length - node.depth)
            kept.holders[target] = kept.holders[source]
            self._ends[target] = kept

    def extend(self, holder: int, space: Hashable, tokens: list[int]) -> None:
        """Note that `holder` computed more: it holds `tokens`, which begin with what it held."""
        at = self.length(holder)
        node = self._ends.get(holder) or self._roots.setdefault(space, Node([], 0, None))
        self._copies += 1
        while at < len(tokens):
            child = node.children.get(tokens[at])
            if child is None:
                self._grow(node, holder, tokens[at:])
                return
            count = common(child.tokens, tokens[at : child.end])
            if count < len(child.tokens):
                child = self._split(child, count)
            child.holders[holder] = self._copies
            self.cells += count
            self._ends[holder] = node = child
            at += count

    def touch(self, holder: int, length: int) -> None:
        """Count a use of the first `length` tokens of a holder."""
        for node in self._path(holder):
            if node.depth < length:
                node.hits += 1
                self._rank(node)

    def park(self, holder: int) -> bool:
        """Keep a sequence for reuse; False, and nothing kept, when others hold all of it anyway."""
        end = self._ends.get(holder)
        if end is None or len(end.holders) > 1:
            self.cut(holder, 0)
            return False
        self._rank(end)
        self._parked.add(holder)
        return True

    def unpark(self, holder: int) -> None:
        """Note that a parked sequence runs again."""
        self._parked.discard(holder)

    def cut(self, holder: int, length: int) -> None:
        """Note that a holder gave up what lies behind its first `length` tokens; 0: everything."""
        node = self._ends.pop(holder, None)
        while node and node.parent and node.end > length:
            if node.depth < length:
                self._split(node, length - node.depth)
            parent = node.parent
            self._leave(node, holder)
            node = parent
        if node and node.parent:
            self._ends[holder] = node
        else:
            self._parked.discard(holder)

    def spare(self, keep: frozenset[int] = frozenset()) -> int:
        """Return the cells that giving up all parked sequences but `keep` would free."""
        going = frozenset(self._parked - keep)
        return sum(node.cells() - node.cells(going) for node in self._nodes()) if going else 0

    def victim(self, keep: frozenset[int] = frozenset(), most: int | None = None) -> int | None:
        """Return the parked sequence that is worth least, of those that hold no more than `most`
        cells alone, and let the others age.
        """
        going = self._parked - keep
        if most is not None:
            going = {holder for holder in going if self.tail(holder) <= most}
        if not going:
            return None
        worst = min(going, key=lambda holder: self._ends[holder].rank)
        self._age = max(self._age, self._ends[worst].rank[0])
        return worst

    def redundant(self) -> int | None:
        """Return a parked sequence whose cells others refer to as well, if there is one."""
        return next((holder for holder in self._parked if not self.tail(holder)), None)

    def tail(self, holder: int) -> int:
        """Return how many cells giving up a holder would free."""
        without = frozenset({holder})
        return sum(node.cells() - node.cells(without) for node in self._path(holder))

    def _rank(self, node: Node) -> None:
        self._uses += 1
        node.rank = (self._age + (1 + node.hits) * (1 + node.end / _DEEP), self._uses)

    def _path(self, holder: int) -> Iterator[Node]:
        """Yield the nodes of a holder's path from the root on."""
        node, path = self._ends.get(holder), []
        while node and node.parent:
            path.append(node)
            node = node.parent
        return reversed(path)

    def _nodes(self) -> Iterator[Node]:
        stack = list(self._roots.values())
        while stack:
            node = stack.pop()
            yield node
            stack += node.children.values()

    def _grow(self, node: Node, holder: int, tokens: list[int]) -> None:
        self.cells += len(tokens)
        if node.parent and not node.children and set(node.holders) == {holder}:
            node.tokens += tokens
            return
        child = Node(tokens, node.end, node, holders={holder: self._copies})
        self._rank(child)
        node.children[tokens[0]] = child
        self._ends[holder] = child

    def _split(self, node: Node, at: int) -> Node:
        """Cut a node in two; return the upper part. Holders that ended with it end in the lower."""
        parent = node.parent
        upper = Node(node.tokens[:at], node.depth, parent, {node.tokens[at]: node})
        upper.holders, upper.hits, upper.rank = dict(node.holders), node.hits, node.rank
        if parent:
            parent.children[upper.tokens[0]] = upper
        node.tokens, node.depth, node.parent = node.tokens[at:], node.depth + at, upper
        return upper

    def _leave(self, node: Node, holder: int) -> None:
        self.cells -= node.cells()
        del node.holders[holder]
        self.cells += node.cells()
        if not node.holders and node.parent:
            del node.parent.children[node.tokens[0]]
