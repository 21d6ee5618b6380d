"""The browser's part of error tracking, run by Node: what leaves a page, what does not, and which user it names."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
from lookout_instrumentation.redaction import Redactor

from tests.docs.blocks import blocks
from tests.instrumentation.corpus import LOOK_ALIKES, PLANTED
from tests.support import tools

BROWSER: Final = Path(__file__).resolve().parents[2] / "instrumentation" / "browser"
TABLE: Final = BROWSER.parent / "lookout_instrumentation" / "redaction.json"
# Calls the functions of the module, and prints what an SDK would have received.
RUN: Final = """\
import * as module from "%s/lookout-errors.js";
const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const revive = (_, value) => (value && value.$regexp ? new RegExp(value.$regexp) : value);
const { call, args, events } = JSON.parse(Buffer.concat(chunks).toString(), revive);
if (call !== "initErrors") {
  console.log(JSON.stringify(args.map((each) => module[call](...each))));
} else {
  const said = [];
  const note = (name) => [name, (...all) => said.push([name, ...all])];
  const sdk = Object.fromEntries(["init", "setUser", "setTag"].map(note));
  const handle = module.initErrors(sdk, args[0]);
  handle.setFlag("late", true);
  const init = said.find(([name]) => name === "init")?.[1];
  const sent = (events ?? []).map(({ event, error }) => init.beforeSend(event, { originalException: error }));
  console.log(JSON.stringify({ said, sent, console: init?.beforeBreadcrumb({ category: "console", message: "x" }) }));
}
"""
DSN: Final = "https://0123456789abcdef0123456789abcdef@mon.acme.dev/bugsink/7"
HASH: Final = "0123456789abcdef"


def node(call: str, args: list[Any], **more: Any) -> Any:
    """What the module answers, in Node or in the image that holds one."""
    asked = json.dumps({"call": call, "args": args, **more})
    script = ["--input-type=module", "--eval", RUN % (BROWSER if shutil.which("node") else "/browser")]
    command = ["node", *script]
    if not shutil.which("node"):
        inside = ("--interactive", "--rm", "--network=none", f"--volume={BROWSER}:/browser:ro", "--entrypoint=node")
        command = ["docker", "run", *inside, tools.image("uptime-kuma"), *script]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_text_is_masked_as_the_python_library_masks_it() -> None:
    texts = [call.raw() for call in (*PLANTED, *LOOK_ALIKES)] + [call.message for call in (*PLANTED, *LOOK_ALIKES)]
    redactor = Redactor(json.loads(TABLE.read_text(encoding="utf-8")))
    masked = node("redact", [[text] for text in texts])
    different = [(text, ours) for text, ours in zip(texts, masked, strict=True) if ours != redactor.text(text)]
    assert different == []
    assert len(texts) > 1000


def test_nothing_that_was_planted_leaves_and_what_only_looks_like_it_stays() -> None:
    events = [{"exception": {"values": [{"type": "Error", "value": call.message}]}, "extra": dict(call.fields)}
              for call in PLANTED if not call.error and _is_plain(call.fields)]  # fmt: skip
    secrets = [call.secret for call in PLANTED if not call.error and _is_plain(call.fields)]
    sent = node("scrubEvent", [[event] for event in events])
    assert [secret for secret, event in zip(secrets, sent, strict=True) if secret in json.dumps(event)] == []
    assert len(secrets) > 200
    look_alikes = [call.message for call in LOOK_ALIKES]
    kept = sum(left == text for left, text in zip(node("redact", [[t] for t in look_alikes]), look_alikes, strict=True))
    assert kept >= 0.98 * len(look_alikes)


def _is_plain(fields: Any) -> bool:
    try:
        json.dumps(dict(fields))
    except TypeError:
        return False
    return True


EVENT: Final = {
    "event_id": "f" * 32,
    "message": "paid by ana@acme.dev",
    "tags": {"tier": "pro", "request_id": "0199c1a2-7f00-7000-8000-0123456789ab"},
    "user": {"id": HASH, "email": "ana@acme.dev", "ip_address": "203.0.113.7", "username": "ana"},
    "request": {
        "url": "https://shop.acme.dev/orders?token=abc#pay",
        "headers": {"User-Agent": "Firefox", "Cookie": "session=abcdef", "Referer": "https://x/?email=ana@acme.dev"},
        "cookies": {"session": "abcdef"},
        "query_string": "token=abc",
    },
    "exception": {
        "values": [
            {
                "type": "TypeError",
                "value": "no total for ana@acme.dev",
                "stacktrace": {
                    "frames": [
                        {
                            "filename": "https://shop.acme.dev/app.js?v=1",
                            "function": "pay",
                            "lineno": 7,
                            "vars": {"card": "4111"},
                        }
                    ]
                },
            }
        ]
    },
    "breadcrumbs": [
        {"category": "fetch", "data": {"url": "/api/pay?card=4111111111111111", "method": "POST", "status_code": 500}},
        {"category": "navigation", "data": {"from": "/login?next=/a", "to": "/orders?mail=ana@acme.dev"}},
        {"category": "ui.click", "message": "button 'write to ana@acme.dev'"},
    ],
    "extra": {
        "password": "hunter2hunter2",
        "total": 12.5,
        "nested": {"apiKey": "abc", "items": [1, 2]},
        "tokens": 7,
        "api_keys": ["abcdef"],
        "pan": 4111111111111111,
        "header": ["Authorization", "abcdef"],
    },
}


def test_an_event_leaves_with_what_is_needed_to_fix_it_and_without_people() -> None:
    (sent,) = node("scrubEvent", [[EVENT]])
    assert sent["user"] == {"id": HASH}
    assert sent["request"] == {"url": "https://shop.acme.dev/orders", "headers": {"User-Agent": "Firefox"}}
    (error,) = sent["exception"]["values"]
    assert error["value"] == "no total for [redacted:email]"
    frame = {"filename": "https://shop.acme.dev/app.js", "function": "pay", "lineno": 7}
    assert error["stacktrace"]["frames"] == [frame]
    assert [crumb.get("data") for crumb in sent["breadcrumbs"]] == [
        {"url": "/api/pay", "method": "POST", "status_code": 500},
        {"from": "/login", "to": "/orders"},
        None,
    ]
    assert sent["breadcrumbs"][2]["message"] == "button 'write to [redacted:email]'"
    assert sent["extra"] == {
        "password": "[redacted:secret]",
        "total": 12.5,
        "nested": {"apiKey": "[redacted:secret]", "items": [1, 2]},
        "tokens": 7,
        "api_keys": "[redacted:secret]",
        "pan": "[redacted:card]",
        "header": ["Authorization", "[redacted:secret]"],
    }
    assert sent["tags"] == EVENT["tags"]
    assert sent["message"] == "paid by [redacted:email]"
    for person in ("ana@", "203.0.113.7", "abcdef", "hunter2", "4111"):
        assert person not in json.dumps({key: value for key, value in sent.items() if key != "user"}), person


def test_a_user_is_a_keyed_hash_or_no_one() -> None:
    users = [{"id": HASH}, {"id": "42"}, {"id": "ana@acme.dev"}, {"username": "ana"}, None, {}]
    sent = node("scrubEvent", [[{"user": user}] for user in users])
    assert [event.get("user") for event in sent] == [{"id": HASH}, None, None, None, None, None]


def test_deep_and_endless_structures_are_cut() -> None:
    deep: Any = "bottom"
    for _ in range(50):
        deep = {"in": deep}
    (left,) = node("scrub", [[{"deep": deep, "many": list(range(1000)), "long": "x" * 100_000}]])
    assert "bottom" not in json.dumps(left)
    assert len(left["many"]) == 100
    assert len(left["long"]) == 8192


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"name": "AbortError", "message": "The user aborted a request."}, True),
        ({"name": "TypeError", "message": "Failed to fetch"}, True),
        ({"name": "TypeError", "message": "Load failed"}, True),
        ({"message": "ResizeObserver loop limit exceeded"}, True),
        ("Script error.", True),
        ({"name": "HttpError", "message": "not found", "status": 404}, True),
        ({"name": "FormError", "message": "no name", "expected": True}, True),
        ({"name": "Error", "message": "out of stock"}, True),
        ({"name": "Quota", "message": "exceeded"}, True),
        ({"name": "HttpError", "message": "broken", "status": 500}, False),
        ({"name": "TypeError", "message": "undefined is not a function"}, False),
        (None, False),
    ],
    ids=str,
)
def test_what_was_to_be_expected_is_no_report(error: Any, expected: bool) -> None:
    patterns = ["out of stock", {"$regexp": "^Quota"}]
    assert node("isExpected", [[error, patterns]]) == [expected]


def test_the_sdk_is_reported_who_where_and_which_release() -> None:
    options = {
        "dsn": DSN,
        "release": "shop@1.4.0",
        "environment": "production",
        "userHash": HASH,
        "tier": "pro",
        "flags": {"new_checkout": True},
        "requestId": "0199c1a2-7f00-7000-8000-0123456789ab",
    }
    events = [
        {"event": EVENT, "error": {"name": "TypeError", "message": "no total"}},
        {"event": EVENT, "error": {"name": "AbortError", "message": "gone"}},
    ]
    result = node("initErrors", [options], events=events)
    ((_, settings),) = [each for each in result["said"] if each[0] == "init"]
    assert {key: settings[key] for key in ("dsn", "release", "environment", "sendDefaultPii", "sampleRate")} == {
        "dsn": DSN,
        "release": "shop@1.4.0",
        "environment": "production",
        "sendDefaultPii": False,
        "sampleRate": 1,
    }
    assert [each for each in result["said"] if each[0] != "init"] == [
        ["setUser", {"id": HASH}],
        ["setTag", "tier", "pro"],
        ["setTag", "flag.new_checkout", "true"],
        ["setTag", "request_id", options["requestId"]],
        ["setTag", "flag.late", "true"],
    ]
    assert result["sent"][0]["user"] == {"id": HASH}
    assert result["sent"][1] is None
    assert result["console"] is None, "what a page writes to its console may be anything"


def test_without_an_address_nothing_is_reported_and_nothing_breaks() -> None:
    assert node("initErrors", [{"release": "1", "userHash": HASH}])["said"] == []


def test_the_block_of_the_documentation_runs_as_it_stands(tmp_path: Path) -> None:
    (block,) = [block for block in blocks() if block.language == "js"]
    sdk = "data:text/javascript,export const said=[];export const init=(o)=>said.push(o);" + (
        "export const setUser=(u)=>said.push(u);export const setTag=(n,v)=>said.push([n,v]);"
    )
    text = block.text.replace('"@sentry/browser"', json.dumps(sdk)).replace(
        "./lookout-errors.js", f"{BROWSER}/lookout-errors.js"
    )
    page = {"errors-dsn": DSN, "release": "shop@1", "environment": "production", "user-hash": HASH, "tier": "pro",
            "request-id": "r-1", "flag-new-checkout": "on"}  # fmt: skip
    found = f"const page = {json.dumps(page)};"
    found += 'globalThis.document = { querySelector: (q) => ({ content: page[q.match(/name="(.+)"/)[1]] }) };'
    (tmp_path / "before.mjs").write_text(found)
    after = "console.log(JSON.stringify(Sentry.said.map((each) => each?.dsn ?? each)));"
    (tmp_path / "page.mjs").write_text(f'import "./before.mjs";\n{text}\n{after}\n')
    done = _node_file(tmp_path, "page.mjs")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [
        DSN,
        {"id": HASH},
        ["tier", "pro"],
        ["flag.new_checkout", "true"],
        ["request_id", "r-1"],
    ]


def _node_file(folder: Path, name: str) -> subprocess.CompletedProcess[str]:
    mounts = (f"--volume={folder}:{folder}:ro", f"--volume={BROWSER}:{BROWSER}:ro")
    inside = ["docker", "run", "--rm", "--network=none", *mounts, "--entrypoint=node", tools.image("uptime-kuma")]
    command = ["node"] if shutil.which("node") else inside
    words = [*command, str(folder / name)]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
