"""A certificate authority for one test run, and certificates that it signs, made with openssl."""

import subprocess
from pathlib import Path

DAYS = "90"


def make_authority(folder: Path, name: str, days: str = DAYS) -> None:
    """Write ca.pem, and server.pem (certificate and key) for `name`, into `folder`, readable by any container.

    The certificate ends after so many days, the authority's own after the usual ones.
    """
    folder.mkdir(parents=True, exist_ok=True)
    subject = ["-subj", "/CN=Lookout test authority"]
    _openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", DAYS,
             "-keyout", "ca.key", "-out", "ca.pem", *subject)  # fmt: skip
    make_certificate(folder, "server", name, days)


def make_certificate(folder: Path, file: str, name: str, days: str) -> None:
    """Write FILE.pem, certificate and key for `name`, signed by the authority in `folder`."""
    _openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{file}.key", "-out", f"{file}.csr",
             "-subj", f"/CN={name}")  # fmt: skip
    (folder / "names").write_text(f"subjectAltName=DNS:{name}\n")
    _openssl(folder, "x509", "-req", "-in", f"{file}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
             "-days", days, "-extfile", "names", "-out", f"{file}.crt")  # fmt: skip
    (folder / f"{file}.pem").write_text((folder / f"{file}.crt").read_text() + (folder / f"{file}.key").read_text())
    for path in folder.iterdir():
        path.chmod(0o644)


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
