"""Makes a Python app observable: metrics, JSON logs, health endpoints, error reports, traces.

An app calls `init` of the module for its framework (`lookout_instrumentation.fastapi`, `.flask`, `.django`, `.celery`)
once and is given a `Lookout`, the one handle for what it counts by itself. The names that an app exports are in
`catalogue`; what is configured, and from where, is in `settings`.
"""

from typing import Final

from lookout_instrumentation.core import Lookout
from lookout_instrumentation.settings import Settings, SettingsError

__all__ = ["Lookout", "Settings", "SettingsError", "__version__"]

__version__: Final = "0.1.0"
