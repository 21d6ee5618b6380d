"""The figures of a bench are printed; with `--write-tables` they are what docs/measurements.md shows too."""

from collections.abc import Callable, Iterator

import pytest

from tests.support.tables import OPTION, PAGE, circumstances, written

Show = Callable[[str, str], None]
BEGAN = circumstances()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, action="store_true", help="write the tables of docs/measurements.md")


@pytest.fixture(scope="session", autouse=True)
def compiled_modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Python keeps what it has compiled, as it does for a user, whatever the environment says, in its own folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        patch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path_factory.mktemp("compiled")))
        yield


@pytest.fixture
def show(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Show:
    """Print a table, and write it where that is asked for."""

    def print_it(name: str, body: str) -> None:
        with capsys.disabled():
            print(f"\n{name}: {BEGAN}\n{body}")
        if request.config.getoption(OPTION):
            text = PAGE.read_text(encoding="utf-8")
            PAGE.write_text(written(text, name, f"{BEGAN}\n\n{body}"), encoding="utf-8")

    return print_it
