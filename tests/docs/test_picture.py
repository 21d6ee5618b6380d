"""The README's picture shows what is rendered today: it carries the digest of what it was drawn from."""

from pathlib import Path

from tests.docs.blocks import demo, pages
from tests.docs.picture import PICTURE, SCALE, SIZE, digest, digest_of, size_of, sources


def test_the_picture_is_of_todays_home_page_and_message(tmp_path: Path) -> None:
    assert digest_of(PICTURE.read_bytes()) == digest(sources(demo(), tmp_path)), "run `make picture`"


def test_another_message_or_page_makes_the_picture_an_old_one(tmp_path: Path) -> None:
    files = sources(demo(), tmp_path)
    for name in ("index.html", "site.css", "home.js", "picture.html"):
        assert digest({**files, name: files[name] + b" "}) != digest(files)
    assert b"api:8000 does not answer" in files["picture.html"]


def test_the_picture_is_on_the_readmes_first_screen_and_no_heavier_than_a_page() -> None:
    picture = PICTURE.read_bytes()
    assert size_of(picture) == tuple(int(side * SCALE) for side in SIZE)
    assert len(picture) < 400_000
    before = pages()["README.md"].partition("](docs/pictures/first-screen.png)")[0]
    assert before.count("\n") < 15 and "\n![" in before
