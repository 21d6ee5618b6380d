"""What this machine's own package clients say: mirrors, proxies and certificates. All of it is read, none is written
down in the repository, so that a build works behind any mirror. Used at build time only."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Final

from images import Failed

_BUNDLES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)
_GO: Final = ("GOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GONOPROXY", "GOINSECURE")
_PROXIES: Final = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_PIP: Final = (sys.executable, "-m", "pip")
# Where a container of ours has the certificates.
BUNDLE_INSIDE: Final = "/etc/ssl/certs/ca-certificates.crt"
MIRROR: Final = "LOOKOUT_DEBIAN_MIRROR"
MODE: Final = "LOOKOUT_IMAGES"


def _said(*command: str) -> str:
    """What a client prints, or nothing when it is not there or has no answer."""
    if shutil.which(command[0]) is None:
        return ""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    answer = done.stdout.strip()
    return answer if done.returncode == 0 and answer != "undefined" else ""


@cache
def ca_bundle() -> Path | None:
    """The certificates that this machine trusts."""
    candidates = (os.environ.get("SSL_CERT_FILE", ""), *_BUNDLES)
    return next((Path(name) for name in candidates if name and Path(name).is_file()), None)


@cache
def debian_mirror() -> str:
    """The Debian mirror that apt uses here. Raises Failed when apt knows none."""
    if given := os.environ.get(MIRROR):
        return given
    columns = "$(ORIGIN) $(LABEL) $(REPO_URI)"
    for line in _said("apt-get", "indextargets", "--format", columns, "Created-By: Packages").splitlines():
        match line.split():
            case ["Debian", "Debian", address]:
                return address
    raise Failed(f"apt on this machine has no Debian mirror; set {MIRROR} to one (or {MODE}=pull with a registry)")


@cache
def apt_settings() -> str:
    """apt.conf lines for the containers: a frozen mirror is fine, and the proxy is this machine's."""
    lines = ['Acquire::Check-Valid-Until "false";']
    for scheme in ("http", "https"):
        if proxy := _said("apt-config", "shell", "P", f"Acquire::{scheme}::Proxy").removeprefix("P=").strip("'"):
            lines.append(f'Acquire::{scheme}::Proxy "{proxy}";')
    return "\n".join(lines) + "\n"


@cache
def go_settings() -> dict[str, str]:
    """Where Go modules come from and how they are verified."""
    values = {key: os.environ.get(key) or _said("go", "env", key) for key in _GO}
    return {key: value for key, value in values.items() if value}


@cache
def npm_settings() -> dict[str, str]:
    """Where npm packages come from."""
    registry = os.environ.get("NPM_CONFIG_REGISTRY") or _said("npm", "config", "get", "registry")
    return {"NPM_CONFIG_REGISTRY": registry} if registry else {}


@cache
def pip_settings() -> dict[str, str]:
    """Where Python packages come from, as pip's environment variables."""
    names = {"PIP_INDEX_URL": "index-url", "PIP_EXTRA_INDEX_URL": "extra-index-url", "PIP_TRUSTED_HOST": "trusted-host"}
    configured = dict(line.split("=", 1) for line in _said(*_PIP, "config", "list").splitlines() if "=" in line)
    settings = {}
    for key, option in names.items():
        if value := os.environ.get(key) or configured.get(f"global.{option}", "").strip("'"):
            settings[key] = value
    return settings


@cache
def own_certificates() -> bool:
    """Is this machine's pip configured to trust other certificates than its own?"""
    return bool(os.environ.get("PIP_CERT") or _said(*_PIP, "config", "get", "global.cert"))


@cache
def proxies() -> dict[str, str]:
    """The proxy variables that are set."""
    return {key: os.environ[key] for key in _PROXIES if os.environ.get(key)}
