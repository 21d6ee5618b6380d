"""The demo product: a small API that Lookout watches, and the example of how to instrument an app.

`demo.instrumentation` knows nothing of the product and can be lifted into any FastAPI app; the
product is everything beside it. Lookout itself imports nothing from here.
"""

from typing import Final

__version__: Final = "0.1.0"
