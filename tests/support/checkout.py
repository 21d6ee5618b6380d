"""The repository as git would commit it now, for tests that need a copy or a clone of it."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from tests.docs.blocks import proven_by

REPOSITORY: Final = Path(__file__).resolve().parents[2]
# How the README's first block begins: a release writes the repository's address there.
CLONE: Final = re.compile(r"git clone \S+ lookout\n")
_WHO: Final = ("-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false")


def copy_repository(target: Path) -> None:
    """The files that git would commit, as they are now."""
    listed = _git("ls-files", "--cached", "--others", "--exclude-standard", "-z", folder=REPOSITORY)
    for name in filter(None, listed.split("\0")):
        source = REPOSITORY / name
        if source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)


def bare_repository(folder: Path) -> Path:
    """A bare repository below `folder` that holds them as one commit: what a person clones."""
    bare, work = folder / "lookout.git", folder / "committed"
    work.mkdir()
    copy_repository(work)
    _git("init", "--quiet", "--initial-branch", "main", folder=work)
    _git("add", "--all", "--force", folder=work)
    _git(*_WHO, "commit", "--quiet", "--message", "All of it", folder=work)
    _git("clone", "--quiet", "--bare", str(work), str(bare), folder=folder)
    shutil.rmtree(work)
    return bare


def begin(target: Path) -> str:
    """Clone into `target` as the README's first block says, and return what the block does after that."""
    (block,) = (block for block in proven_by("elsewhere") if CLONE.match(block.text))
    with tempfile.TemporaryDirectory() as folder:
        bare = bare_repository(Path(folder))
        text = CLONE.sub(f"git clone {bare} {target}\n", block.text).replace("cd lookout\n", f"cd {target}\n")
        clone, _, rest = text.partition("\n")
        subprocess.run(["bash", "-euc", clone], check=True, capture_output=True, text=True)
    return rest


def _git(*arguments: str, folder: Path) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout
