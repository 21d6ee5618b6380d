"""What an app does on its own side so that there is something to scrape: the lines of `lookout connect` for its code.

Two ways: the library of this repository, for a service of kind `instrumentation`, or the metrics of another one. Owns
the variables with the paths of an app's secrets; never their values.
"""

from typing import Final

from generator.conventions import USER_HASH_KEY
from generator.packs import param_of
from generator.render.instrumentation import BUCKETS, FOLDER, KIND
from generator.site.model import Service

INSTRUMENTATOR: Final = "prometheus-fastapi-instrumentator==8.1.0"
# Where a container finds what Lookout rendered for its app.
CONFIG_MOUNT: Final = "/etc/lookout"

_LIBRARY: Final = """\
# In the app: docs/instrument.md has the lines for each framework. For FastAPI, after its own middleware:
#   pip install "lookout-instrumentation[fastapi,errors] @ file://{root}/instrumentation"
from lookout_instrumentation.fastapi import init
lookout = init(app, checks={{}})"""

_FASTAPI: Final = """\
# In the module that makes the app, after `app = FastAPI()`. pip install {package}
{imports}from prometheus_fastapi_instrumentator import Instrumentator, metrics
{guard}
# Exact status codes, and a bucket that ends where the latency limit is: alerts and SLOs count by them.
Instrumentator(should_group_status_codes=False, excluded_handlers=["^{path}$", "^/health$", "^/ready$"]).add(
    metrics.requests()
).add(
    metrics.latency(should_include_status=False, buckets={buckets})
).instrument(app).expose(app, endpoint="{path}", include_in_schema=False{dependencies})
"""
_GUARD_IMPORTS: Final = """\
import hmac
import os
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Header, HTTPException
"""
_GUARD: Final = """

def metrics_token(authorization: Annotated[str, Header()] = "") -> None:
    file = os.environ.get("METRICS_TOKEN_FILE")
    token = (Path(file).read_text() if file else os.environ.get("METRICS_TOKEN", "")).strip()
    if not token or not hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})

"""


def has_library(service: Service) -> bool:
    """Whether the app has the library of this repository in it."""
    return KIND in service.kinds


def secret_files(service: Service) -> dict[str, str]:
    """Variables that say where a secret's file is, with the name of the secret."""
    prefix = "LOOKOUT_" if has_library(service) else ""
    files = {f"{prefix}METRICS_TOKEN_FILE": service.token.name} if service.token else {}
    if has_library(service):
        files["LOOKOUT_USER_HASH_KEY_FILE"] = USER_HASH_KEY
    if service.errors:
        files["LOOKOUT_SENTRY_DSN_FILE"] = service.errors.dsn.name
    return files


def config_file(service: Service) -> str:
    """The settings that are rendered for the app, from the root of this installation; nothing without the library."""
    return f"{FOLDER}/{service.name}.json" if has_library(service) else ""


def metrics_lines(service: Service, root: str) -> str:
    """What the app itself prints; nothing for a data store, which is read by an exporter of ours."""
    jobs = [job for job in service.jobs if not job.probe_module and all(a == b for a, b in job.targets)]
    if not jobs:
        return ""
    if has_library(service):
        return _LIBRARY.format(root=root)
    if "fastapi" not in service.kinds:
        return (
            f"# {jobs[0].path} in Prometheus' text format. Kind http reads http_requests_total (method, handler,\n"
            "# status) and http_request_duration_seconds (method, handler): docs/any-app.md."
        )
    limits = {param_of(service, "http", "latency_p95")}
    return _FASTAPI.format(
        package=INSTRUMENTATOR,
        imports=_GUARD_IMPORTS if service.token else "",
        guard=_GUARD if service.token else "",
        buckets=tuple(sorted({*BUCKETS, *limits})),
        path=jobs[0].path,
        dependencies=", dependencies=[Depends(metrics_token)]" if service.token else "",
    )
