"""The message about the demo's stopped API as a phone shows it, rendered by amtool from the rendered templates."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import yaml

from generator.pipeline import Compiled
from tests.support import telegram_html, tools
from tests.support.alerts import template_alert, template_data

STARTED: Final = datetime(2026, 11, 21, 10, 21, 43, tzinfo=UTC)
LASTED: Final = timedelta(minutes=4, seconds=12)


def message(compiled: Compiled, status: str, folder: Path) -> list[str]:
    """The lines of the message that ServiceDown of `api` sends to Telegram: `firing` or `resolved`."""
    files = {artifact.path: artifact.content for artifact in compiled.artifacts}
    for path, content in files.items():
        if path.startswith("alertmanager/"):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(content, encoding="utf-8")
    alert = next(a for a in compiled.site.alerts if (a.name, a.service) == ("ServiceDown", "api"))
    labels = {"alertname": alert.name, **alert.labels}
    lasted = None if status == "firing" else LASTED
    data = template_data([template_alert(labels, alert.annotations, STARTED, lasted)])
    (folder / "data.json").write_text(json.dumps(data), encoding="utf-8")
    rendered = tools.run(
        "amtool", "template", "render", "--template.glob=alertmanager/templates/*.tmpl", "--template.type=html",
        f"--template.text={_template(files)}", "--template.data=data.json", folder=folder,
    )  # fmt: skip
    assert rendered.code == 0, rendered.output
    return telegram_html.parse(rendered.output).splitlines()


def _template(files: dict[str, str]) -> str:
    config: dict[str, Any] = yaml.safe_load(files["alertmanager/alertmanager.yml"])
    return str(next(r for r in config["receivers"] if r["name"] == "critical")["telegram_configs"][0]["message"])
