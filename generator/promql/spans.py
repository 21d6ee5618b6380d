"""Where the parts of a PromQL expression stand in its text: operands, numbers, matchers, ranges.

Owns the grammar, as far as positions need it. Only what promql-parser has accepted is read here.
"""

from dataclasses import dataclass
from typing import Final

from generator.promql.tokens import COMPARISONS, GROUPINGS, MATCHINGS, Token, tokens

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
class Spans:
    """All that stands in an expression, in the order of the text."""

    tokens: tuple[Token, ...]
    binaries: tuple[Binary, ...]
    # The name of the label, and where its matcher stands, the comma after (or before) it included.
    matchers: tuple[tuple[str, Span], ...]
    # ` offset 7d`, with the word.
    offsets: tuple[Span, ...]


def read_spans(expr: str) -> Spans:
    """The positions in an expression that promql-parser accepts."""
    reader = _Reader(tuple(tokens(expr)))
    reader.expression(0)
    if reader.at != len(reader.tokens):
        raise AssertionError(f"read to {reader.tokens[reader.at]} of {expr}")
    binaries = tuple(sorted(reader.binaries, key=lambda each: each.at))
    return Spans(reader.tokens, binaries, tuple(reader.matchers), tuple(reader.offsets))


class _Reader:
    """Precedence climbing that notes positions and builds nothing."""

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self.tokens = tokens
        self.at = 0
        self.binaries: list[Binary] = []
        self.matchers: list[tuple[str, Span]] = []
        self.offsets: list[Span] = []

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
                self._next()
                if self._peek() == "(":
                    self._skip_group()
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
            end = self._grouping(end)
            if self._peek() == "(":
                end = self._grouping(self._arguments())
            elif self._peek() == "{":
                self._next()
                end = self._braces()
        return token.start, end

    def _grouping(self, end: int) -> int:
        if self._peek() in GROUPINGS:
            self._next()
            return self._skip_group()
        return end

    def _skip_group(self) -> int:
        while (token := self._next()).text != ")":
            pass
        return token.end

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
            name, _, value = self._next(), self._next(), self._next()
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
