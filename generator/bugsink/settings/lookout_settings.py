"""Bugsink's settings, in its container: those of the image, which read environment variables, and two of ours.

The key that signs sessions comes from a file, as every secret does. The worker's lines are left out below warnings: it
writes down what each task is called with, and one argument is the bridge's address, which is a secret.
"""

from pathlib import Path

from bugsink_conf import *  # type: ignore[import-not-found]  # noqa: F403
from bugsink_conf import LOGGING

SECRET_KEY = Path("/run/secrets/bugsink_secret_key").read_text(encoding="utf-8").strip()
LOGGING["loggers"]["snappea"]["level"] = "WARNING"
