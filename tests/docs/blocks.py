"""The pages of the documentation: their code blocks, headings, links and words.

Owns reading alone. The word after a block's language says what proves it (CONTRIBUTING.md lists the words); pages whose
source is not ours to mark up have one word for all of their blocks.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from generator.packs import load_packs
from generator.pipeline import Compiled
from generator.reference.product import make_product
from generator.verbs.stages import compile_file

REPOSITORY: Final = Path(__file__).resolve().parents[2]
# Folders and pages that are rendered, or tested elsewhere, and the word for every block in them.
_WORDS: Final = {"docs/errors/": "error", "docs/runbooks/": "runbook", "docs/reference/": "services"}


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: where it stands, its language, the word that says what proves it, and what follows the word."""

    page: str
    line: int
    language: str
    word: str
    arguments: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@cache
def demo() -> Compiled:
    """What the committed services.yaml compiles to."""
    return compile_file(REPOSITORY / "services.yaml")


@cache
def pages() -> dict[str, str]:
    """Every page by its path; what is rendered, or made of packs and models, as it would be now."""
    written = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
    found = {str(path.relative_to(REPOSITORY)): path.read_text(encoding="utf-8") for path in written}
    rendered = {a.path: a.content for a in demo().artifacts if a.path.startswith("docs/") and a.path.endswith(".md")}
    kept = {name: text for name, text in found.items() if not name.startswith("docs/runbooks/")}
    made = {artifact.path: artifact.content for artifact in make_product(load_packs()) if artifact.path.endswith(".md")}
    return {**kept, **made, **rendered}


@cache
def blocks() -> tuple[Block, ...]:
    """Every block of every page, in the order of the pages."""
    return tuple(block for page, text in pages().items() for block in _blocks(page, text))


def proven_by(word: str) -> list[Block]:
    """The blocks that claim one kind of proof."""
    return [block for block in blocks() if block.word == word]


def services_above(block: Block) -> str:
    """The services.yaml that a reader of `block` has before them: the nearest one above it, or the demo's."""
    above = [b for b in proven_by("services") if b.page == block.page and b.line < block.line]
    return above[-1].text if above else (REPOSITORY / "services.yaml").read_text(encoding="utf-8")


def commands(block: Block) -> Iterator[tuple[str, str]]:
    """The commands of a console block, each with the output that the page shows."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output.strip("\n")


def anchors(text: str) -> set[str]:
    """The names by which a page's headings can be linked to."""
    tokens = _tokens(text)
    headings = [tokens[index + 1].content for index, token in enumerate(tokens) if token.type == "heading_open"]
    named = re.findall(r'^<a id="([\w-]+)"></a>$', text, re.MULTILINE)
    return {*named, *(re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-") for heading in headings)}


def links(text: str) -> list[str]:
    """Where a page's links lead."""
    return [str(token.attrs["href"]) for token in _inline(text) if token.type == "link_open"]


def codes(text: str) -> list[str]:
    """What stands between backticks in a page's sentences."""
    return [token.content for token in _inline(text) if token.type == "code_inline"]


def _blocks(page: str, text: str) -> Iterator[Block]:
    given = next((word for prefix, word in _WORDS.items() if page.startswith(prefix)), "")
    for token in _tokens(text):
        if token.type == "fence":
            language, word, *arguments = [*token.info.split(), "", ""]
            line = token.map[0] + 1 if token.map else 0
            yield Block(page, line, language, given or word, tuple(filter(None, arguments)), token.content)


@cache
def _tokens(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(text)


def _inline(text: str) -> Iterator[Token]:
    for token in _tokens(text):
        yield from token.children or ()
