"""Behind real servers: clients that go in the middle of a stream, lines on stdout, an orderly end."""

import json
import signal
import socket
from pathlib import Path

import pytest

from tests.instrumentation.servers import ask, assert_counted, scraped, served
from tests.support.waiting import until

FASTAPI = """
import asyncio
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from lookout_instrumentation.fastapi import init

app = FastAPI()
init(app)

async def parts():
    while True:
        yield b"part" * 1000
        await asyncio.sleep(0.01)

app.get("/items/{item}")(lambda item: item)
app.get("/stream")(lambda: StreamingResponse(parts()))

@app.get("/crash")
def crash():
    raise RuntimeError("broken")
"""
FLASK = """
import time
from flask import Flask
from lookout_instrumentation.flask import init

app = Flask("shop")
init(app)

def parts():
    while True:
        yield b"part" * 1000
        time.sleep(0.01)

@app.get("/items/<item>")
def item(item):
    return item

@app.get("/stream")
def stream():
    return parts()

@app.get("/crash")
def crash():
    raise RuntimeError("broken")
"""
DJANGO = """
import asyncio, sys, time
import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

settings.configure(
    ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], MIDDLEWARE=["lookout_instrumentation.django.LookoutMiddleware"]
)

def parts():
    while True:
        yield b"part" * 1000
        time.sleep(0.01)

async def parts_async():
    while True:
        yield b"part" * 1000
        await asyncio.sleep(0.01)

def crash(request):
    raise RuntimeError("broken")

urlpatterns = [
    path("items/<item>", lambda request, item: HttpResponse(item)),
    path("stream", lambda r: StreamingHttpResponse(parts_async() if hasattr(r, "scope") else parts())),
    path("crash", crash),
]
app = get_asgi_application() if "uvicorn" in sys.modules else get_wsgi_application()
"""
UVICORN = ["uvicorn", "app_of_a_test:app", "--port", "{port}"]
GUNICORN = ["gunicorn", "app_of_a_test:app", "--threads", "4", "-b", "127.0.0.1:{port}"]
STACKS = {
    "fastapi on uvicorn": (UVICORN, FASTAPI, "/items/{item}"),
    "flask on gunicorn": (GUNICORN, FLASK, "/items/<item>"),
    "django on uvicorn": (UVICORN, DJANGO, "/items/<item>"),
    "django on gunicorn": (GUNICORN, DJANGO, "/items/<item>"),
}


@pytest.mark.parametrize("stack", STACKS)
def test_an_app_behind_its_server(stack: str, tmp_path: Path) -> None:
    command, source, item = STACKS[stack]
    with served(command, tmp_path, source, LOOKOUT_SERVICE="shop") as (process, port):
        for number in range(3):
            assert str(number) in ask(port, f"/items/{number}")
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"GET /stream HTTP/1.1\r\nHost: shop.example\r\n\r\n")
            assert b"200 OK" in client.recv(1000)
            assert scraped(port, "http_requests_in_progress") == [1]
        until(lambda: scraped(port, "http_requests_in_progress") == [0], "the client that has gone", 20, 0.1)
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"GET /crash HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
            assert b" 500 " in client.recv(1000)
        assert_counted(port, 3, handler=item, status="200")
        assert_counted(port, 1, handler="/crash", status="500")
        assert sum(scraped(port, "http_requests_total", status="500")) == 1, "and nothing else went wrong"
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    records = [json.loads(line) for line in (tmp_path / "output").read_text().splitlines() if line.startswith("{")]
    lines = [record["route"] for record in records if record["logger"] == "lookout.access"]
    assert sorted(lines) == sorted([item] * 3 + ["/stream", "/crash"])
    assert [r["route"] for r in records if r["logger"] == "lookout.error"] == ["/crash"]
    assert not [r for r in records if r["level"] == "error" and r["logger"] != "lookout.error"]
