"""Apps behind real servers, in processes of their own, for tests of what only a server does."""

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.instrumentation.apps import AUTHORIZED
from tests.support.servers import free_port
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]


@contextmanager
def served(
    command: Sequence[str], folder: Path, source: str, **env: str
) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """Run `python -m command`, which is stated its {port}; `source` is its module app_of_a_test.

    Yields the process and its port; what it prints is in folder/output.
    """
    port = free_port()
    (folder / "app_of_a_test.py").write_text(source)
    (folder / "token").write_text(AUTHORIZED["Authorization"].split()[1])
    environment = {
        **os.environ,
        "HOME": str(folder),
        "PYTHONPATH": f"{folder}:{ROOT}:{ROOT / 'instrumentation'}",
        "LOOKOUT_METRICS_TOKEN_FILE": str(folder / "token"),
        **env,
    }
    arguments = [part.format(port=port) for part in command]
    with (folder / "output").open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments], env=environment, cwd=folder, stdout=output, stderr=output, text=True
        )
        try:
            yield process, port
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def ask(port: int, path: str) -> str:
    """What the app answers, as soon as it does. A server takes a request before its workers are there: that is waited
    for, as a second one would be counted as well."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=AUTHORIZED)

    def answer() -> tuple[str]:
        with urllib.request.urlopen(request, timeout=30) as found:
            return (str(found.read().decode()),)

    return until(answer, f"an answer to {path}", 60, 0.1)[0]


def scraped(port: int, name: str, **labels: str) -> list[float]:
    """The values of a metric's series that have these labels."""
    families = text_string_to_metric_families(ask(port, "/metrics"))
    samples = [sample for family in families for sample in family.samples if sample.name == name]
    return [sample.value for sample in samples if sample.labels.items() >= labels.items()]


def assert_counted(port: int, number: float, **labels: str) -> None:
    """As many requests as that, no fewer and no more. A request is counted when its answer has gone out."""

    def counted() -> float:
        found = sum(scraped(port, "http_requests_total", **labels))
        assert found >= number, f"{found} of {number}"
        return found

    assert until(counted, f"{number} requests are counted") == number
