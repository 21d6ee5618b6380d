"""The repository uses the words of the glossary in CONTRIBUTING.md, and not the words that these replaced.

Every text that a person wrote is searched: code (identifiers are split into words), comments, messages, packs, pages,
scripts and tests. Rendered files are not: they follow from these.
"""

import re
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from generator.store.ownership import parse_lock

ROOT: Final = Path(__file__).resolve().parents[2]

# A word as it stands in a text -> what to write instead.
WORDS: Final = {
    "told|tell|tells|telling|foretold": "notify, report, show, log or configure",
    "heard|hear|hears": "receive, or say which metric or message arrived",
    "nobody|somebody|whoever|whom": "no one, a user, a program; or name the receiver, the owner, the caller",
    "anew": "again",
    "weigh|weighs|weighed": "compare",
    "wish|wishes|wished": "request",
    "farewell|patience|unhurried": "timeout, interval",
    "promise|promises|promised": "objective, target, requirement, or what a panel expects",
    "board|boards|canvas|tile|tiles": "dashboard, panel",
    "entrance|entrances": "endpoint",
    "fact|facts": "textfile metric",
    "graver": "more severe",
    "spoil|spoils|spoilt|spoiled": "break",
    "deaf": "without a receiver",
    "seldom|thrice": "rarely, three times",
    "mend|mends|mended|mending": "fix",
    "dearer": "more expensive",
    "an own alert": "a custom alert",
    "in vain": "without success",
    "keep quiet|keeps quiet|kept quiet|keeping quiet|stay quiet|stays quiet": "inhibit; does not fire",
    "keep still|keeps still|kept still|keeping still|stay still|stays still": "does not fire, does not notify",
    "put up with|puts up with": "allow",
}


class Allowed(NamedTuple):
    """`pattern` is removed from the text before the search, in files that match `files`."""

    pattern: str
    files: str
    reason: str


# Each was reviewed. Names that users type, or that are in their silences, routes and jobs, stay as they are.
ALLOWED: Final = (
    Allowed(
        r"\bFactStale\b|\bFactsUnreadable\b|\bErrorsNotTold\b|\bRabbitmqNobodyConsumes\b", "*",
        "names of alerts: silences and routes of users hold them",
    ),
    Allowed(
        r"data/facts|[:=]/facts\b|LOOKOUT_FACTS", "*",
        "the folder of textfile metrics and its variable: jobs of users name them",
    ),
    Allowed(
        r"""\bfact(?==)|['"]fact['"]|\{fact\}|labels\.fact|label `fact`""", "*",
        "the label of lookout_record_*: alerts of users may name it",
    ),
    Allowed(r"facts_late|host\.late_facts", "*", "a parameter: services.yaml of users may set it"),
    Allowed(r"notify/nobody", "*", "the code of an error: users look it up"),
    Allowed(r"adr/0025-containers-and-facts", "*", "the address of a page"),
    Allowed(r"\(nobody\)", "images/*", "the user of that name in a container"),
    Allowed(r"\bPromise\.all\b|new Promise\b", "*", "JavaScript"),
)  # fmt: skip

_SKIPPED: Final = (
    "*/fixtures/*", "*.prom", "*.sum", "*.mod", "*.png", "*.svg", "*package-lock.json", "*LICENSE", "NOTICE",
    "generated.lock", "generator/prove/marks.txt", "tests/unit/test_words.py",
)  # fmt: skip
_WORD: Final = re.compile(r"(?<![a-z])(?:" + "|".join(words.replace(" ", r"\s+") for words in WORDS) + r")(?![a-z])")


def split(text: str) -> str:
    """The text in small letters, its identifiers cut into words: `lastSeen_at` is three."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text).replace("_", " ").lower()


def found(text: str, path: str = "x.py") -> list[str]:
    """The words in `text` that are not used here."""
    for allowed in ALLOWED:
        if fnmatchcase(path, allowed.files):
            text = re.sub(allowed.pattern, " ", text)
    return _WORD.findall(split(text))


def written() -> Iterator[Path]:
    """Every text file of the repository that a person wrote."""
    rendered = parse_lock((ROOT / "generated.lock").read_bytes())
    names = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in names:
        if name not in rendered and not any(fnmatchcase(name, skipped) for skipped in _SKIPPED):
            yield ROOT / name


def texts() -> dict[str, str]:
    """The text of each such file by its path; of CONTRIBUTING.md without the glossary, which names the words."""
    read = {}
    for path in written():
        if path.is_file() and not path.is_symlink():
            read[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8", errors="ignore")
    read["CONTRIBUTING.md"] = read["CONTRIBUTING.md"].replace(glossary(), "")
    return read


def glossary() -> str:
    """The section of CONTRIBUTING.md that names the words."""
    return (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("\n## Words\n")[1].split("\n## ")[0]


def test_words_that_the_glossary_replaced_do_not_come_back() -> None:
    lines = []
    for name, text in texts().items():
        if found(text, name):
            for number, line in enumerate(text.splitlines(), 1):
                lines += [f"{name}:{number}: {word}" for word in found(line, name)]
    assert lines == [], "write the glossary's words (CONTRIBUTING.md)"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("an alert that nobody hears", ["nobody", "hears"]),
        ("def _is_told(alert):", ["told"]),
        ("class BoardRow:", ["board"]),
        ("tellsOf = 1", ["tells"]),
        ("it keeps\n    quiet", ["keeps\n    quiet"]),
        ("a dashboard, a keyboard, a factor, a textile and Mendel", []),
        ("data/facts of FactStale, notify/nobody", []),
    ],
)
def test_a_word_is_found_whole_and_inside_of_identifiers(text: str, words: list[str]) -> None:
    assert found(text) == words


def test_every_exception_is_needed() -> None:
    every = texts()
    unused = [
        allowed.pattern
        for allowed in ALLOWED
        if not any(
            fnmatchcase(name, allowed.files) and re.search(allowed.pattern, text) for name, text in every.items()
        )
    ]
    assert unused == []


def test_the_glossary_names_every_word() -> None:
    named = glossary().lower()
    single = [word for words in WORDS for word in words.split("|") if " " not in word]
    assert [word for word in single if not re.search(rf"\b{word}\b", named)] == []
