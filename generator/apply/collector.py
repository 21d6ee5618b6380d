"""The collector: its pipeline, loaded again at a signal. It does not say when it loaded; what it loads stands in its
metrics, tokens included.
"""

import re
from collections.abc import Mapping
from typing import Final

from generator.apply.readback import OTHER
from generator.apply.reloading import Reloadable, reconciler, signal
from generator.apply.running import Running
from generator.artifact import Artifact
from generator.conventions import CONFIG_HASH, SECRETS_HASH
from generator.parts.table import PORTS
from generator.render.collector.config import COLLECTOR_FILE
from generator.secrets.files import share_seal
from generator.source.plain import load_plain

_COLLECTOR: Final = f"http://collector:{PORTS['collector']}/metrics"


def compare_collector(artifacts: Mapping[str, Artifact], metrics: str, secrets: str) -> list[str]:
    """The collector's own metrics carry the seal of its configuration, and `secrets`, that of its tokens."""
    resource = load_plain(artifacts[COLLECTOR_FILE].content)["service"]["telemetry"]["resource"]
    found = re.search(r"^target_info\{(.*)\}", metrics, re.MULTILINE)
    labels = dict(re.findall(r'(\w+)="([^"]*)"', found[1] if found else ""))
    if labels.get(CONFIG_HASH.replace(".", "_")) != resource[CONFIG_HASH]:
        return [OTHER]
    if SECRETS_HASH in resource and labels.get(SECRETS_HASH.replace(".", "_")) != secrets:
        return ["a token that it knows is not the one in secrets/"]
    return []


def _collector_differs(running: Running) -> list[str]:
    secrets = share_seal(running.site, running.root, "collector")
    return compare_collector(running.artifacts, running.inside(_COLLECTOR), secrets)


COLLECTOR: Final = Reloadable("collector", _collector_differs, lambda _: None, signal("collector"))
RECONCILER: Final = reconciler("collector", COLLECTOR)
