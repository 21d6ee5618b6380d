"""`python -m generator.verbs.hold COMMAND...`: runs a command of a script while no other run changes this tree, or what
runs from it. No verb: scripts/up.sh calls it where Docker Compose is asked without the compiler.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from generator.clients.docker import running_stack_name
from generator.diagnostics import Problems
from generator.disk.locks import LONGEST_WAIT, running_lock, tree_lock


def main(arguments: Sequence[str]) -> int:
    """The command's exit code; 1 when it was not run."""
    root = Path.cwd()

    def say(line: str) -> None:
        print(f"  {line}", file=sys.stderr)

    try:
        with tree_lock(root, say, LONGEST_WAIT), running_lock(running_stack_name(root), say, LONGEST_WAIT):
            return subprocess.run(arguments, check=False).returncode
    except Problems as problems:
        for problem in problems.diagnostics:
            print(f"error[{problem.code}]: {problem.message}; {problem.hint}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
