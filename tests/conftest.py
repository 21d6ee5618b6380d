"""What holds for every test: verdicts of its own, and no skip where `make test` asks for all."""

import os
import signal

from generator.prove.verdicts import VARIABLE
from tests.support.verdicts import FOLDER

# Of child processes too. What a user of this machine had proven is neither read nor written.
os.environ[VARIABLE] = str(FOLDER)

# Ended by scripts/test.sh, tests remove what they started as after an interrupt from the keyboard.
signal.signal(signal.SIGTERM, signal.default_int_handler)

pytest_plugins = ["tests.support.strict"]
