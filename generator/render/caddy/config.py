"""Caddy's configuration: the one endpoint of the stack, and the page in which runbooks are read.

Owns who may reach what. Without a domain there is one endpoint, on 127.0.0.1 and without a login; with one there is a
public endpoint beside it, with TLS and a login in front of everything that has none of its own. Each endpoint takes
requests for its own names alone, and of what a part offers lets through what is listed here. Certificates, ports on
the machine and the password are not its business: only the file in which the password's hash is.
"""

from typing import Final

from generator.artifact import Artifact
from generator.conventions import (
    BUGSINK_PATH,
    DELIVERY_FILE,
    GENERATED,
    KUMA_PORT,
    LOCAL_PORT,
    OTLP_HTTP_PORT,
    PUSH_PATH,
    SECRETS_MOUNT,
    WEB_HASH,
)
from generator.parts.table import PORTS, running
from generator.render.caddy.access import ERRORS, PUSH, SNIPPETS
from generator.render.caddy.routes import bare_paths, handles, upstreams
from generator.render.seal import OPEN, sealed
from generator.site.model import Site
from generator.templates import TEXTS

CADDYFILE: Final = "caddy/Caddyfile"
WEB_USER: Final = "admin"

_GLOBAL: Final = """\
# {generated}
{{
	# Reached from inside the container alone: docker compose exec caddy caddy reload --config /etc/caddy/Caddyfile
	admin unix//tmp/admin.sock
	persist_config off
	metrics
{https}}}
"""

# Answers to Prometheus, to the health check and to `lookout plan`, on networks of the stack alone.
_INTERNAL: Final = """
http://:{metrics_port} {{
	metrics /metrics
	respond /healthz 200
	respond /config {seal}
}}
"""

_LOCAL: Final = """
# Without a login, since only who is on this machine gets here.
http://:{local} {{
	import headers
	route {{
		import local
{reports}		import guard
{push}		import grafana
{errors}		import parts
	}}
}}

# Uptime Kuma cannot live under a path. It has its own login.
http://:{kuma} {{
	import headers
	route {{
		import local
		import foreign
		reverse_proxy uptime-kuma:{kuma_port}
	}}
}}
"""

_PUBLIC: Final = """
{domain} {{
	import headers
	header Strict-Transport-Security "max-age=31536000"
	route {{
{reports}		import guard
{push}		import grafana
{errors}		basic_auth {{
			{user} {{file.{mount}/{hash}}}
		}}
		import parts
	}}
}}

# Public status pages are open, the rest is behind Uptime Kuma's own login.
status.{domain} {{
	import headers
	header Strict-Transport-Security "max-age=31536000"
	route {{
		import foreign
		error /metrics 403
		reverse_proxy uptime-kuma:{kuma_port}
	}}
}}

http://{domain}, http://status.{domain} {{
	route {{
{clear}		redir https://{{host}}{{uri}} 308
	}}
}}

# Any other name that leads to this machine is not this stack's.
http://, https:// {{
	error 421
}}
"""

# A token that was sent in the clear is known to others: refused, where everything else is led to https.
_CLEAR: Final = """\
		@push path {path}
		error @push 403
"""


def render_caddy(site: Site) -> tuple[Artifact, ...]:
    """The Caddyfile and the page that shows runbooks."""
    domain = site.stack.domain
    pushed = any(service.logs.mode == "push" for service in site.services)
    imports = {
        "push": "\t\timport push\n" if pushed else "",
        "reports": "\t\timport reports\n" if site.stack.errors else "",
        "errors": "\t\timport errors\n" if site.stack.errors else "",
    }
    reached = running(site.stack.words)
    parts = [
        _GLOBAL.format(generated=GENERATED, https="" if domain else "\tauto_https off\n"),
        _INTERNAL.format(metrics_port=PORTS["caddy"], seal=OPEN),
        SNIPPETS.format(
            grafana=PORTS["grafana"],
            bare=bare_paths(reached),
            routes=upstreams(reached),
            handles=handles(reached),
            mount=SECRETS_MOUNT,
            delivery=DELIVERY_FILE,
        ),
        PUSH.format(path=PUSH_PATH, prefix=PUSH_PATH.removesuffix("/v1/logs"), port=OTLP_HTTP_PORT) if pushed else "",
        ERRORS.format(path=BUGSINK_PATH, port=PORTS["bugsink"]) if site.stack.errors else "",
        _LOCAL.format(local=LOCAL_PORT, kuma=KUMA_PORT, kuma_port=PORTS["uptime-kuma"], **imports),
    ]
    if domain:
        public = {"domain": domain, "user": WEB_USER, "mount": SECRETS_MOUNT, "hash": WEB_HASH, **imports}
        clear = _CLEAR.format(path=PUSH_PATH) if pushed else ""
        parts.append(_PUBLIC.format(**public, kuma_port=PORTS["uptime-kuma"], clear=clear))
    return Artifact(CADDYFILE, sealed("".join(parts))), Artifact("caddy/site/runbook.html", TEXTS["runbook.html"])
