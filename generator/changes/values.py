"""What differs between two texts that say the same with other values: `300ms` and `400ms`.

Owns the comparison of sentences and of expressions, word by word. What differs in more than values is not explained.
"""

import difflib
import re
from collections.abc import Sequence
from typing import Final

from generator.promql.tokens import tokens

Pairs = tuple[tuple[str, str], ...]

_WORD: Final = re.compile(r"\{\{.*?\}\}|[^\s(),;]+|[\s(),;]+")
_VALUE: Final = re.compile(r"[^\d]{0,4}\d.*")


def changed_values(before: str, after: str) -> Pairs:
    """The values that differ between two sentences; none where more differs, or nothing."""
    return _pairs(_WORD.findall(before), _WORD.findall(after))


def changed_numbers(before: str, after: str) -> Pairs:
    """The same of two expressions."""
    return _pairs([token.text for token in tokens(before)], [token.text for token in tokens(after)])


def in_words(pairs: Pairs) -> str:
    """`300ms → 400ms`, each pair once."""
    return ", ".join(f"{before} → {after}" for before, after in dict.fromkeys(pairs))


def _pairs(before: Sequence[str], after: Sequence[str]) -> Pairs:
    if before == after:
        return ()
    found = []
    for action, start, end, other, last in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if action == "equal":
            continue
        if action != "replace" or end - start != last - other:
            return ()
        found += [(_bare(a), _bare(b)) for a, b in zip(before[start:end], after[other:last], strict=True)]
    return tuple(found) if all(_VALUE.fullmatch(word) for pair in found for word in pair) else ()


def _bare(word: str) -> str:
    return word.rstrip(".:").strip("\"'")
