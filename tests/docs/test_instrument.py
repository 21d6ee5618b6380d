"""docs/instrument.md is true: each framework's block is an app that runs and exports what the page says."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.docs.blocks import REPOSITORY, Block, proven_by

TOKEN: Final = "a-token"
# What runs the block, saved as app.py: requests or a task, then the metrics, with the framework's own tools for tests.
DRIVERS: Final = {
    "fastapi": """
        from fastapi.testclient import TestClient
        from app import app
        with TestClient(app) as client:
            ask = lambda path, **headers: client.get(path, headers=headers)
            answers = [ask(path) for path in PATHS]
            print(ask("/metrics", Authorization="Bearer a-token").text)
        check([(a.status_code, a.headers["x-request-id"]) for a in answers])
    """,
    "flask": """
        from app import app
        client = app.test_client()
        answers = [client.get(path, buffered=True) for path in PATHS]
        print(client.get("/metrics", headers={"Authorization": "Bearer a-token"}).text)
        check([(a.status_code, a.headers["x-request-id"]) for a in answers])
    """,
    "django": """
        from pathlib import Path
        Path("urls.py").write_text(
            "from django.http import JsonResponse\\nfrom django.urls import path\\n"
            "urlpatterns = [path('items/<int:item_id>', lambda r, item_id: JsonResponse({'id': item_id}))]\\n"
        )
        import os
        os.environ["DJANGO_SETTINGS_MODULE"] = "app"
        with Path("app.py").open("a") as settings:
            settings.write("ROOT_URLCONF = 'urls'\\nSECRET_KEY = 'x'\\nALLOWED_HOSTS = ['*']\\n")
        import django
        django.setup()
        from django.test import Client
        client = Client()
        answers = [client.get(path) for path in PATHS]
        print(client.get("/metrics", headers={"Authorization": "Bearer a-token"}).content.decode())
        check([(a.status_code, a.headers["x-request-id"]) for a in answers])
    """,
    "celery": """
        import time, urllib.request
        from celery.contrib.testing.worker import start_worker
        from app import add, app
        with start_worker(app, perform_ping_check=False, pool="solo"):
            add.delay(1, 2)
            url = "http://127.0.0.1:19808/metrics"
            request = urllib.request.Request(url, headers={"Authorization": "Bearer a-token"})
            for _ in range(50):
                text = urllib.request.urlopen(request).read().decode()
                if 'state="succeeded"} 1.0' in text:
                    break
                time.sleep(0.2)
            print(text)
            check([(urllib.request.urlopen("http://127.0.0.1:19808" + p).status, "x") for p in ("/health", "/ready")])
    """,
    "process": """
        import urllib.request
        from app import process
        base = f"http://127.0.0.1:{process.port}"
        request = urllib.request.Request(base + "/metrics", headers={"Authorization": "Bearer a-token"})
        check([(urllib.request.urlopen(base + path).status, "x") for path in PATHS[1:]])
        print(urllib.request.urlopen(request).read().decode())
        process.close()
    """,
}
HELPERS: Final = """
PATHS = ("/items/3", "/health", "/healthz", "/ready", "/status")
def check(answers):
    assert all(status == 200 and request_id for status, request_id in answers), answers
"""
COUNTED: Final = {
    "fastapi": 'http_requests_total{handler="/items/{item_id}",method="GET",status="200"} 1.0',
    "flask": 'http_requests_total{handler="/items/<int:item_id>",method="GET",status="200"} 1.0',
    "django": 'http_requests_total{handler="/items/<int:item_id>",method="GET",status="200"} 1.0',
    "process": 'webhooks_total{result="processed",source="telegram"} 2.0',
    "celery": 'celery_tasks_total{state="succeeded",task="app.add"} 1.0',
}


def run(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    (folder / "token").write_text(TOKEN)
    environment = {
        **os.environ,
        "PYTHONPATH": f"{REPOSITORY / 'instrumentation'}:{folder}",
        "LOOKOUT_METRICS_TOKEN_FILE": str(folder / "token"),
        "LOOKOUT_METRICS_HOST": "127.0.0.1",
        "LOOKOUT_METRICS_PORT": "19808",
    }
    return subprocess.run(
        [sys.executable, "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


def dedented(text: str) -> str:
    return "\n".join(line[8:] if line.startswith(" " * 8) else line for line in text.splitlines())


APPS: Final = proven_by("app")


def test_each_framework_has_its_block() -> None:
    assert [block.arguments[0] for block in APPS if block.arguments[0] in DRIVERS] == list(DRIVERS)


@pytest.mark.parametrize("block", [b for b in APPS if b.arguments[0] in DRIVERS], ids=lambda b: b.arguments[0])
def test_an_app_made_of_the_block_shows_of_itself(block: Block, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(block.text + "\n")
    done = run(tmp_path, HELPERS + dedented(DRIVERS[block.arguments[0]]))
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert COUNTED[block.arguments[0]] in lines
    assert 'app_dependency_up{dependency="cache"} 1.0' in lines or block.arguments[0] == "celery"
    assert any(line.startswith("{") and '"request_id"' in line for line in lines), "a JSON line a request or task"


@pytest.mark.parametrize("block", [b for b in APPS if b.arguments[0] == "more"], ids=str)
def test_what_an_app_counts_by_itself(block: Block, tmp_path: Path) -> None:
    """Each further block stands below the FastAPI app of the page; `more` is followed by what it has to print."""
    app = next(b for b in APPS if b.arguments[0] == "fastapi")
    (tmp_path / "app.py").write_text(f"{app.text}\n\n{block.text}\n")
    done = run(tmp_path, "import app\nprint(app.lookout.metrics.exposition().decode())")
    assert done.returncode == 0, done.stdout + done.stderr
    for name in block.arguments[1:]:
        assert any(line.startswith(name) and not line.endswith(" 0.0") for line in done.stdout.splitlines()), name
