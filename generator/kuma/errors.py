"""What goes wrong between Lookout and Uptime Kuma, as values with a message and a way out.

Owns the exception types of this package. It prints nothing and never holds a secret: messages are shown to
users.
"""


class KumaError(Exception):
    """Something a user has to know: `message` says what, `hint` what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class SecretMissing(KumaError):
    """A secret file that is needed is not there, is empty or cannot be read."""


class NoAnswer(KumaError):
    """The server did not answer in time, or the connection broke: worth another try."""
