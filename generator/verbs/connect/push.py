"""What `lookout connect` prints for `logs: push`: where a service sends its lines, and how it says who it is.

Of a token only the file is named. The lines of a container, of a process on this machine and of what runs elsewhere
differ in the address alone.
"""

from typing import Any, Final, Literal

from generator.conventions import LOCAL_PORT, OTLP_HTTP_PORT, PUSH_PATH
from generator.site.model import Service, Site
from generator.source.emit import emit_yaml

# The versions that the printed lines were run with.
PACKAGES: Final = (
    "opentelemetry-sdk==1.45.2",
    "opentelemetry-exporter-otlp-proto-http==1.45.2",
    "opentelemetry-instrumentation-logging==0.66b2",
)
FROM_CONTAINER: Final = f"http://collector:{OTLP_HTTP_PORT}/v1/logs"
FROM_MACHINE: Final = f"http://127.0.0.1:{LOCAL_PORT}{PUSH_PATH}"

_PYTHON: Final = """\
# In Python, where logging is set up.
# pip install {packages}
import logging
import os
from pathlib import Path

from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

token = Path(os.environ["LOGS_TOKEN_FILE"]).read_text().strip()
exporter = OTLPLogExporter("{url}", headers={{"Authorization": f"Bearer {{token}}"}})
lines = LoggerProvider()
lines.add_log_record_processor(BatchLogRecordProcessor(exporter))
logging.getLogger().addHandler(LoggingHandler(logger_provider=lines))
"""
_ONE_LINE: Final = '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"hello"}}]}]}]}'


def push_url(site: Site, place: Literal["container", "machine", "elsewhere"]) -> str:
    """Where lines are sent from a place; empty when they cannot be sent from there."""
    public = f"https://{site.stack.domain}{PUSH_PATH}" if site.stack.domain else ""
    return {"container": FROM_CONTAINER, "machine": FROM_MACHINE, "elsewhere": public}[place]


def push_variables(service: Service, url: str) -> dict[str, str]:
    """What OpenTelemetry's own libraries read. The token's header is not among them: it is in a file."""
    return {
        "OTEL_SERVICE_NAME": service.name,
        "OTEL_RESOURCE_ATTRIBUTES": f"deployment.environment={service.environment}",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": url,
    }


def push_lines(service: Service, url: str, file: str) -> str:
    """The lines for one place. `file` is where the token is there."""
    header = f'export OTEL_EXPORTER_OTLP_LOGS_HEADERS="Authorization=Bearer%20$(cat {file})"'
    exports = [f"export {name}={value}" for name, value in push_variables(service, url).items()]
    token, kind = f"Authorization: Bearer $(cat {file})", "Content-Type: application/json"
    parts = [
        f"# Its lines go to {url} with the token in {file}, which says whose they are.\n"
        "# Without a token, or with another's, the answer is 401. Does it let you in?\n"
        f"curl -fsS -H \"{token}\" -H '{kind}' -d '{_ONE_LINE}' {url}",
        "\n".join(["# A library of OpenTelemetry that is set up by variables, in any language:", *exports, header]),
        _PYTHON.format(packages=" ".join(PACKAGES), url=url).rstrip(),
        _agent(service, url, file),
    ]
    return "\n\n".join(parts)


def _agent(service: Service, url: str, file: str) -> str:
    """For a user's own collector that already has the lines."""
    name = f"bearertokenauth/{service.name}"
    config: dict[str, Any] = {
        "extensions": {name: {"filename": file}},
        "exporters": {f"otlp_http/{service.name}": {"logs_endpoint": url, "auth": {"authenticator": name}}},
    }
    return emit_yaml(
        config, f"Or into the configuration of a collector that has them, with {name} among its extensions:"
    )
