"""What each stand-in is made of. Data alone: images/build.py does the work, stand-ins/<name>/Dockerfile the rest.

Paths are as in the official image, because compose.yaml relies on them; `usr/bin` is what `/bin` is on the base.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_COMMON: Final = "github.com/prometheus/common/version.Version"
_POSTGRES_EXPORTER: Final = "github.com/prometheus-community/postgres_exporter/cmd/postgres_exporter"


@dataclass(frozen=True, slots=True)
class GoModule:
    """Programs compiled, static, from images/go/<module>, whose go.sum verifies every byte of source."""

    module: str
    programs: Mapping[str, str]
    """Package to compile -> path below the image's root; packages without one are tools for this machine alone."""
    stamp: str
    """The variable that the linker sets to the version."""
    stamp_prefix: str = ""
    whole: "WholeModule | None" = None
    """A module of which the proxy's copy lacks files that its own source embeds."""


@dataclass(frozen=True, slots=True)
class WholeModule:
    """A module that compiles only with files which its release makes and its source does not hold (built web pages).
    They are put into a copy of the module, after go.sum has verified it."""

    path: str
    files: tuple[str, ...]
    content: str


@dataclass(frozen=True, slots=True)
class DebianPackage:
    """Files out of a package of the pinned Debian release, if it holds the pinned version: seconds, not minutes."""

    package: str
    files: Mapping[str, str]
    otherwise: GoModule
    """How to get the same version once the distribution has moved on."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A stand-in image: files put into its root, then its Dockerfile."""

    name: str
    parts: tuple[GoModule | DebianPackage, ...] = ()
    bare: bool = False
    """Nothing in it but the program, as in the official image: no shell, only certificates and /tmp."""


RECIPES: Final = (
    Recipe(
        "prometheus",
        (
            GoModule(
                "prometheus",
                {
                    "github.com/prometheus/prometheus/cmd/prometheus": "usr/bin/prometheus",
                    "github.com/prometheus/prometheus/cmd/promtool": "usr/bin/promtool",
                },
                _COMMON,
            ),
        ),
    ),
    Recipe(
        "alertmanager",
        (
            GoModule(
                "alertmanager",
                {
                    "github.com/prometheus/alertmanager/cmd/alertmanager": "usr/bin/alertmanager",
                    "github.com/prometheus/alertmanager/cmd/amtool": "usr/bin/amtool",
                },
                _COMMON,
                # Its pages are built from npm packages that not every registry serves; the API needs none of them.
                whole=WholeModule(
                    "github.com/prometheus/alertmanager",
                    ("ui/app/dist/elm/index.html", "ui/app/dist/mantine/index.html"),
                    "<!doctype html><title>Alertmanager</title><p>This build of Alertmanager has no pages.</p>",
                ),
            ),
        ),
    ),
    Recipe(
        "blackbox-exporter",
        (
            DebianPackage(
                "prometheus-blackbox-exporter",
                {"usr/bin/prometheus-blackbox-exporter": "usr/bin/blackbox_exporter"},
                GoModule(
                    "blackbox-exporter",
                    {"github.com/prometheus/blackbox_exporter": "usr/bin/blackbox_exporter"},
                    _COMMON,
                ),
            ),
        ),
    ),
    Recipe(
        "node-exporter",
        (
            DebianPackage(
                "prometheus-node-exporter",
                {"usr/bin/prometheus-node-exporter": "usr/bin/node_exporter"},
                GoModule("node-exporter", {"github.com/prometheus/node_exporter": "usr/bin/node_exporter"}, _COMMON),
            ),
        ),
    ),
    Recipe(
        "redis-exporter",
        (
            DebianPackage(
                "prometheus-redis-exporter",
                {"usr/bin/prometheus-redis-exporter": "redis_exporter"},
                GoModule(
                    "redis-exporter",
                    {"github.com/oliver006/redis_exporter": "redis_exporter"},
                    "main.BuildVersion",
                    stamp_prefix="v",
                ),
            ),
        ),
    ),
    Recipe(
        "postgres-exporter",
        (
            DebianPackage(
                "prometheus-postgres-exporter",
                {"usr/bin/prometheus-postgres-exporter": "usr/bin/postgres_exporter"},
                GoModule(
                    "postgres-exporter",
                    {_POSTGRES_EXPORTER: "usr/bin/postgres_exporter"},
                    _COMMON,
                ),
            ),
        ),
    ),
    Recipe("redis"),
    Recipe("postgres"),
    Recipe(
        "caddy",
        (
            DebianPackage(
                "caddy",
                {"usr/bin/caddy": "usr/bin/caddy"},
                GoModule(
                    "caddy",
                    {"github.com/caddyserver/caddy/v2/cmd/caddy": "usr/bin/caddy"},
                    "github.com/caddyserver/caddy/v2.CustomVersion",
                    stamp_prefix="v",
                ),
            ),
        ),
    ),
    Recipe("python"),
    Recipe(
        "loki",
        (
            GoModule(
                "loki",
                {
                    "github.com/grafana/loki/v3/cmd/loki": "usr/bin/loki",
                    "github.com/grafana/loki/v3/cmd/lokitool": "",
                },
                "github.com/grafana/loki/v3/pkg/util/build.Version",
            ),
        ),
        bare=True,
    ),
    Recipe(
        "collector",
        (GoModule("collector", {"lookout/images/otelcol-contrib": "otelcol-contrib"}, "main.Version"),),
        bare=True,
    ),
    Recipe("uptime-kuma"),
    Recipe("bugsink"),
)

COMPOSE: Final = DebianPackage(
    "docker-compose",
    {"usr/libexec/docker/cli-plugins/docker-compose": "docker-compose"},
    GoModule(
        "compose",
        {"github.com/docker/compose/v2/cmd": "docker-compose"},
        "github.com/docker/compose/v2/internal.Version",
        stamp_prefix="v",
    ),
)


def recipe_of(name: str) -> Recipe:
    """The recipe of an image that has a stand-in."""
    return next(recipe for recipe in RECIPES if recipe.name == name)
