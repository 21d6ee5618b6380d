"""Makes the provider stub fail: `docker compose exec providers python3 -m demo.fault llm 429`.

Further words: the share of calls (0 to 1) and for how many seconds. Without any word it shows what is on.
"""

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Final

STUB: Final = "http://127.0.0.1:8000/fault"
_USAGE: Final = "usage: python3 -m demo.fault [llm|payments|messages ok|429|5xx|slow|hang|timeout [SHARE [SECONDS]]]"


def order(words: Sequence[str]) -> dict[str, object] | None:
    """The order that the words give; nothing for none. Raises ValueError for words that give none."""
    if not words:
        return None
    target, mode, *numbers = words
    share, seconds = [*map(float, numbers), *(1.0, 60.0)[len(numbers) :]]
    return {"target": target, "mode": mode, "share": share, "seconds": seconds}


def main(words: Sequence[str], url: str = STUB) -> int:
    """Give the order and print what is on; the exit code."""
    try:
        given = order(words)
    except ValueError:
        print(_USAGE, file=sys.stderr)
        return 2
    body = None if given is None else json.dumps(given).encode()
    try:
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            print(answer.read().decode())
    except urllib.error.HTTPError as error:
        print(f"{error.read().decode()}\n{_USAGE}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{url}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
