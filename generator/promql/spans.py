"""Where the parts of a PromQL expression stand in its text: operands, numbers, matchers, ranges.

Owns the grammar, as far as positions need it. Only what promql-parser has accepted is read here.
"""

from dataclasses import dataclass
from typing import Final

from generator.promql.tokens import AGGREGATIONS, COMPARISONS, GROUPINGS, MATCHINGS, Token, tokens

Span = tuple[int, int]

_LEVELS: Final = (("or",), ("and", "unless"), COMPARISONS, ("+", "-"), ("*", "/", "%", "atan2"), ("^",))


@dataclass(frozen=True, slots=True)
class Binary:
    """`left op right`: where the operator and its operands stand."""

    op: str
    at: Span
    left: Span
    right: Span

    @property
    def whole(self) -> Span:
        """From the beginning of the left operand to the end of the right one."""
        return self.left[0], self.right[1]


@dataclass(frozen=True, slots=True)
class LabelList:
    """`by (a, b)`, `on (a)` and the like: the word, and what stands between the brackets, both included."""

    word: str
    names: tuple[str, ...]
    at: Span


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`sum by (a) (…)`: the aggregation's name, its list of labels if it has one, and all of it."""

    op: str
    at: Span
    labels: LabelList | None
    whole: Span


@dataclass(frozen=True, slots=True)
class Value:
    """The value of a matcher, with its quotes."""

    label: str
    op: str
    text: str
    at: Span


@dataclass(frozen=True, slots=True)
class Spans:
    """All that stands in an expression, in the order of the text."""

    tokens: tuple[Token, ...]
    binaries: tuple[Binary, ...]
    # The name of the label, and where its matcher stands, the comma after (or before) it included.
    matchers: tuple[tuple[str, Span], ...]
    # ` offset 7d`, with the word.
    offsets: tuple[Span, ...]
    # The duration after `[`.
    ranges: tuple[Span, ...]
    aggregates: tuple[Aggregate, ...]
    # `on`, `ignoring`, `group_left` and `group_right`.
    matchings: tuple[LabelList, ...]
    values: tuple[Value, ...]


def read_spans(expr: str) -> Spans:
    """The positions in an expression that promql-parser accepts."""
    reader = _Reader(tuple(tokens(expr)))
    reader.expression(0)
    if reader.at != len(reader.tokens):
        raise AssertionError(f"read to {reader.tokens[reader.at]} of {expr}")
    binaries = tuple(sorted(reader.binaries, key=lambda each: each.at))
    return Spans(
        tokens=reader.tokens,
        binaries=binaries,
        matchers=tuple(reader.matchers),
        offsets=tuple(reader.offsets),
        ranges=tuple(reader.ranges),
        aggregates=tuple(sorted(reader.aggregates, key=lambda each: each.at)),
        matchings=tuple(reader.matchings),
        values=tuple(reader.values),
    )


class _Reader:
    """Precedence climbing that notes positions and builds nothing."""

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self.tokens = tokens
        self.at = 0
        self.binaries: list[Binary] = []
        self.matchers: list[tuple[str, Span]] = []
        self.offsets: list[Span] = []
        self.ranges: list[Span] = []
        self.aggregates: list[Aggregate] = []
        self.matchings: list[LabelList] = []
        self.values: list[Value] = []

    def _peek(self, ahead: int = 0) -> str:
        return self.tokens[self.at + ahead].text if self.at + ahead < len(self.tokens) else ""

    def _next(self) -> Token:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def expression(self, level: int) -> Span:
        if level == len(_LEVELS):
            return self._unary()
        left = self.expression(level + 1)
        while self._peek() in _LEVELS[level]:
            operator = self._next()
            if self._peek() == "bool":
                self._next()
            while self._peek() in MATCHINGS:
                word = self._next().text
                if self._peek() == "(":
                    self.matchings.append(self._label_list(word))
            # `^` binds to the right, everything else to the left.
            right = self.expression(level if operator.text == "^" else level + 1)
            self.binaries.append(Binary(operator.text, (operator.start, operator.end), left, right))
            left = (left[0], right[1])
        return left

    def _unary(self) -> Span:
        if self._peek() in ("-", "+"):
            sign = self._next()
            return sign.start, self.expression(len(_LEVELS) - 1)[1]
        return self._with_suffixes(self._primary())

    def _primary(self) -> Span:
        token = self._next()
        if token.text == "(":
            self.expression(0)
            return token.start, self._next().end
        if token.text == "{":
            return token.start, self._braces()
        end = token.end
        if token.kind == "word":
            before = self._grouping()
            if self._peek() == "(":
                end = self._arguments()
                after = self._grouping()
                end = after.at[1] if after else end
                if token.text in AGGREGATIONS:
                    at = (token.start, token.end)
                    self.aggregates.append(Aggregate(token.text, at, before or after, (token.start, end)))
            elif self._peek() == "{":
                self._next()
                end = self._braces()
        return token.start, end

    def _grouping(self) -> LabelList | None:
        return self._label_list(self._next().text) if self._peek() in GROUPINGS else None

    def _label_list(self, word: str) -> LabelList:
        start, names = self._next().start, []
        while (token := self._next()).text != ")":
            if token.kind == "word":
                names.append(token.text)
        return LabelList(word, tuple(names), (start, token.end))

    def _arguments(self) -> int:
        self._next()
        while self._peek() != ")":
            self.expression(0)
            if self._peek() == ",":
                self._next()
        return self._next().end

    def _braces(self) -> int:
        """Matchers, after the opening brace."""
        before = self.tokens[self.at - 1].end
        while self._peek() != "}":
            name, op, value = self._next(), self._next(), self._next()
            self.values.append(Value(name.text, op.text, value.text, (value.start, value.end)))
            end = value.end
            if self._peek() == ",":
                end = self._next().end
            # The first goes with the comma after it, any other with the one before.
            is_last = self._peek() == "}"
            self.matchers.append((name.text, (before, value.end) if is_last else (name.start, end)))
            before = value.end
        return self._next().end

    def _with_suffixes(self, span: Span) -> Span:
        end = span[1]
        while self._peek() in ("[", "offset", "@"):
            token = self._next()
            if token.text == "[":
                self.ranges.append((self.tokens[self.at].start, self.tokens[self.at].end))
                while (token := self._next()).text != "]":
                    pass
                end = token.end
                continue
            if self._peek() == "-":
                self._next()
            end = self._next().end
            if self._peek() == "(":
                end = self._arguments()
            if token.text == "offset":
                self.offsets.append((token.start, end))
        return span[0], end
