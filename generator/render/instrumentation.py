"""instrumentation/services/: the settings of each app that has the library in it.

Owns what follows from services.yaml for an app: bucket edges exactly where an alert draws its line, a budget of series
that ends before the scrape's own limit cuts everything off, and which secret files it has. The library reads the file
(LOOKOUT_CONFIG names it); what it means is said there.
"""

import json
from typing import Any, Final

from generator.artifact import Artifact
from generator.conventions import SECRETS_MOUNT, USER_HASH_KEY
from generator.packs.own import pack_of
from generator.render.collector.traces import app_settings
from generator.site.model import Service, Site
from generator.values.secret import SecretRef

FOLDER: Final = "instrumentation/services"
# The kind of service that has the library in it.
KIND: Final = "instrumentation"

# Edges of a histogram of answering times, in seconds, to which a service's own limits are added.
BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# A scrape that brings more than its limit is thrown away whole, so the app stops before it.
_SHARE_OF_SAMPLES: Final = 0.8
# Values of a label before the rest is counted as `other`. A histogram of 200 routes is 2,800 series.
_LABEL_BUDGETS: Final = {"error_type": 100, "handler": 200, "model": 50, "name": 50, "tenant": 100}


def render_instrumentation(site: Site) -> tuple[Artifact, ...]:
    """A file for each service that has the library in it."""
    return tuple(
        Artifact(
            f"{FOLDER}/{service.name}.json", json.dumps(_settings(site, service), indent=2) + "\n", {"": service.origin}
        )
        for service in instrumented(site)
    )


def instrumented(site: Site) -> tuple[Service, ...]:
    """The services that have the library in them."""
    return tuple(service for service in site.services if KIND in service.kinds)


def _settings(site: Site, service: Service) -> dict[str, Any]:
    files = {
        "metrics_token_file": _file(service.token),
        "user_hash_key_file": _file(SecretRef(USER_HASH_KEY)),
        "sentry_dsn_file": _file(service.errors.dsn if service.errors else None),
    }
    return {
        "service": service.name,
        "environment": service.environment,
        "buckets": sorted({*BUCKETS, *_latencies(service)}),
        "series_budget": _series_budget(service),
        "label_budgets": _LABEL_BUDGETS,
        **{name: path for name, path in files.items() if path},
        "traces": app_settings(site, service.environment),
        "log_level": "INFO",
    }


def _file(secret: SecretRef | None) -> str:
    return f"{SECRETS_MOUNT}/{secret.name}" if secret else ""


def _latencies(service: Service) -> set[float]:
    """The answering times that alerts of kind http compare with: only at an edge a histogram knows the truth."""
    limits = {
        float(instance.params[name])
        for instance in service.packs
        for name, param in pack_of(service, instance).params.items()
        if param.kind == "http"
        and param.type == "duration"
        and name.startswith("latency_")
        and not name.endswith("_for")
    }
    objectives = {each.limit for each in service.objectives if each.limit}
    return limits | objectives | {each.seconds for each in service.budgets}


def _series_budget(service: Service) -> int:
    """For each process: several behind one target report the same series."""
    limits = [job.sample_limit for job in service.jobs if job.sample_limit and not job.probe_module]
    return int(min(limits) * _SHARE_OF_SAMPLES)
