"""The secrets that Uptime Kuma needs, and the one that it gives us.

Owns the words about one that is missing. Values leave this module wrapped in SecretStr, whose text and
repr are stars, so that no message, log line or plan can show one by accident.
"""

from pathlib import Path

from pydantic import SecretStr

from generator.kuma.errors import KumaError, SecretMissing
from generator.secrets.values import MissingSecret, UnreadableSecret, needed_value, write_value


def read_secret(secrets_dir: Path, name: str, needed_by: str) -> SecretStr:
    """The value in secrets/<name>, as generator.secrets.values reads it."""
    path = secrets_dir / name
    try:
        return SecretStr(needed_value(path))
    except MissingSecret as error:
        raise SecretMissing(f"{needed_by} needs {path}, which {error}", f"write it to {path}") from None
    except UnreadableSecret as error:
        raise SecretMissing(f"{needed_by} needs {path}, which {error}") from None


def write_secret(secrets_dir: Path, name: str, value: SecretStr) -> None:
    """Write secrets/<name> in one step, readable by its owner alone from its first moment on."""
    path = secrets_dir / name
    try:
        write_value(path, value.get_secret_value())
    except OSError as error:
        raise KumaError(f"{path} cannot be written: {error.strerror}") from error
