"""What promtool said in an earlier run of these tests: of the same rules and proof, by the same promtool and code.

Beside the folder that `check` of a user has, never in it; tests of the remembering itself have a folder of their own.
"""

import os
from pathlib import Path
from typing import Final

from generator.prove.verdicts import Verdicts

FOLDER: Final = Path(os.environ.get("LOOKOUT_VERDICTS") or Path.home() / ".cache" / "lookout" / "verdicts")
VERDICTS: Final = Verdicts(FOLDER, failures=True)
