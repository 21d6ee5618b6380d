"""The demo product: a small API that Lookout watches, and the example of how to instrument an app.

What makes it observable is the library `lookout_instrumentation`, used as any app would use it. Lookout itself imports
nothing from here.
"""

from typing import Final

__version__: Final = "0.1.0"
