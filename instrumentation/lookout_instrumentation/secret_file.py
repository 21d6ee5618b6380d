"""Reading a secret from the file that holds it. A file that is not there, or may not be read, holds none: what the
secret is for is then off or closed, and the app runs."""

from pathlib import Path


def read_secret(file: Path | None) -> bytes:
    """What stands in `file`, without the white space around it; nothing when there is none."""
    try:
        return file.read_bytes().strip() if file else b""
    except OSError:
        return b""
