"""Secret files: read them, and write the one that Uptime Kuma gives us.

Owns how secrets/<name> is read and written. Values leave this module wrapped in SecretStr, whose text and
repr are stars, so that no message, log line or plan can show one by accident.
"""

from pathlib import Path

from pydantic import SecretStr

from generator.disk.atomic import write_file
from generator.kuma.errors import KumaError, SecretMissing
from generator.secrets.forms import UnreadableSecret, read_value


def read_secret(secrets_dir: Path, name: str, needed_by: str) -> SecretStr:
    """The value in secrets/<name>, as generator.secrets.forms cleans it."""
    path = secrets_dir / name
    try:
        if not path.exists():
            raise SecretMissing(f"{needed_by} needs {path}, which does not exist", f"write it to {path}")
        value = read_value(path)
    except UnreadableSecret as error:
        raise SecretMissing(f"{needed_by} needs {path}, which {error}") from None
    except OSError as error:
        raise SecretMissing(f"{needed_by} needs {path}, which cannot be read: {type(error).__name__}") from None
    if not value:
        raise SecretMissing(f"{needed_by} needs {path}, which is empty", f"write it to {path}")
    return SecretStr(value)


def write_secret(secrets_dir: Path, name: str, value: SecretStr) -> None:
    """Write secrets/<name> in one step, readable by its owner alone from its first moment on."""
    path = secrets_dir / name
    try:
        secrets_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_file(path, value.get_secret_value() + "\n", 0o600)
    except OSError as error:
        raise KumaError(f"{path} cannot be written: {error.strerror}") from error
