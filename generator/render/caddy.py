"""Caddy's configuration: the one entrance to the stack, and the page in which runbooks are read.

Owns who may reach what. Without a domain there is one entrance, on 127.0.0.1 and without a login; with one there is a
public entrance beside it, with TLS and a login in front of everything that has none of its own. Certificates, ports on
the machine and the password are not its business: only the file in which the password's hash is.
"""

from importlib.resources import files
from typing import Final

from generator.artifact import Artifact
from generator.conventions import (
    BUGSINK_PATH,
    DELIVERY_FILE,
    ERROR_PORTS,
    GENERATED,
    KUMA_PORT,
    LOCAL_PORT,
    OTLP_HTTP_PORT,
    PORTS,
    PUSH_PATH,
    SECRETS_MOUNT,
)
from generator.model import Site
from generator.render.seal import OPEN, sealed

CADDYFILE: Final = "caddy/Caddyfile"
WEB_USER: Final = "admin"
WEB_HASH: Final = "web_password_hash"

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

_SNIPPETS: Final = """
(headers) {{
	header {{
		?X-Content-Type-Options nosniff
		?X-Frame-Options SAMEORIGIN
		?Referrer-Policy same-origin
		-Server
	}}
	encode zstd gzip
	handle_errors {{
		@unreachable expression {{err.status_code}} in [502, 503, 504]
		respond @unreachable "This part does not answer, or is not installed here: see make status." {{err.status_code}}
		respond "{{err.status_code}} {{err.status_text}}" {{err.status_code}}
	}}
}}

# Another site's page in the same browser may not use this entrance, and nobody may stop, reload or write past the
# tools' own users: what they expose for operators on the machine is not for the web.
(guard) {{
	@foreign expression `{{header.Origin}} != "" && {{header.Origin}} != {{scheme}} + "://" + {{hostport}}`
	error @foreign 403
	@lifecycle {{
		path /prometheus/-/* /alertmanager/-/* /prometheus/api/v1/admin/* /prometheus/debug/* /alertmanager/debug/*
		path /prometheus/api/v1/otlp/*
		not path /prometheus/-/healthy /prometheus/-/ready /alertmanager/-/healthy /alertmanager/-/ready
	}}
	error @lifecycle 403
	@bare path /prometheus /alertmanager /grafana /runbooks
	redir @bare {{path}}/ 308
}}

(grafana) {{
	handle /grafana/* {{
		# The browser sends this entrance's login along; Grafana would take it for its own.
		@login header Authorization Basic*
		request_header @login -Authorization
		reverse_proxy grafana:{grafana}
	}}
}}

(parts) {{
	handle /prometheus/* {{
		reverse_proxy prometheus:{prometheus} {{
			header_up -Authorization
		}}
	}}
	handle /alertmanager/* {{
		reverse_proxy alertmanager:{alertmanager} {{
			header_up -Authorization
		}}
	}}
	# Reading alone: lines are written and deleted from inside. Loki knows nothing of this path; LOKI_ADDR ends in it.
	@logs {{
		method GET HEAD
		path /loki/ready /loki/loki/api/v1/*
	}}
	handle @logs {{
		uri strip_prefix /loki
		reverse_proxy loki:{loki} {{
			header_up -Authorization
		}}
	}}
	handle /loki/* {{
		error 403
	}}
	handle /runbooks/* {{
		header Content-Security-Policy "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:"
		root * /srv
		rewrite * /site/runbook.html
		templates
		file_server
	}}
	# Which channels can deliver, by name alone: written beside the secrets, and the only file there that is served.
	handle /{delivery} {{
		header Cache-Control no-store
		root * {mount}
		file_server
	}}
	handle {{
		@layout path /runbook.html
		error @layout 404
		header Content-Security-Policy "default-src 'self'; img-src data:; base-uri 'none'; form-action 'none'"
		header Cache-Control no-cache
		root * /srv/site
		file_server
	}}
}}
"""

# Lines that apps push. The collector asks for their token: without one nothing gets in here either.
_PUSH: Final = """
(push) {{
	@push path {path}
	handle @push {{
		uri strip_prefix {prefix}
		reverse_proxy collector:{port}
	}}
}}
"""

# Reports come from anywhere, pages of other sites included: the key in them is what lets them in. The rest of Bugsink
# has its own login.
_ERRORS: Final = """
(reports) {{
	@reports {{
		method POST OPTIONS
		path_regexp ^{path}/api/[0-9]+/(envelope|store|security)/$
	}}
	handle @reports {{
		request_body {{
			max_size 20MiB
		}}
		uri strip_prefix {path}
		reverse_proxy bugsink:{port}
	}}
}}

(errors) {{
	redir {path} {path}/ 308
	handle_path {path}/* {{
		# The browser sends this entrance's login along, which is not Bugsink's.
		@basic header Authorization Basic*
		request_header @basic -Authorization
		reverse_proxy bugsink:{port} {{
			header_up X-Real-IP {{remote_host}}
		}}
	}}
}}
"""

_LOCAL: Final = """
# On this machine's 127.0.0.1 alone, hence without a login. The Host header is held to that, so that a name on the web
# that is pointed at 127.0.0.1 opens nothing.
http://:{local} {{
	import headers
	route {{
		@elsewhere not host localhost 127.0.0.1 ::1
		error @elsewhere 421
{reports}		import guard
{push}		import grafana
{errors}		import parts
	}}
}}

# Uptime Kuma cannot live under a path. It has its own login.
http://:{kuma} {{
	import headers
	reverse_proxy uptime-kuma:{kuma_port}
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
	error /metrics 403
	reverse_proxy uptime-kuma:{kuma_port}
}}
"""


# A token that was sent in the clear is known to others: refused, where everything else is led to https.
_CLEAR: Final = """
http://{domain} {{
	route {{
		@push path {path}
		error @push 403
		redir https://{{host}}{{uri}} 308
	}}
}}
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
    parts = [
        _GLOBAL.format(generated=GENERATED, https="" if domain else "\tauto_https off\n"),
        _INTERNAL.format(metrics_port=PORTS["caddy"], seal=OPEN),
        _SNIPPETS.format(
            **{name.replace("-", "_"): port for name, port in PORTS.items()},
            mount=SECRETS_MOUNT,
            delivery=DELIVERY_FILE,
        ),
        _PUSH.format(path=PUSH_PATH, prefix=PUSH_PATH.removesuffix("/v1/logs"), port=OTLP_HTTP_PORT) if pushed else "",
        _ERRORS.format(path=BUGSINK_PATH, port=ERROR_PORTS["bugsink"]) if site.stack.errors else "",
        _LOCAL.format(local=LOCAL_PORT, kuma=KUMA_PORT, kuma_port=PORTS["uptime-kuma"], **imports),
    ]
    if domain:
        public = {"domain": domain, "user": WEB_USER, "mount": SECRETS_MOUNT, "hash": WEB_HASH, **imports}
        parts.append(_PUBLIC.format(**public, kuma_port=PORTS["uptime-kuma"]))
        parts.append(_CLEAR.format(domain=domain, path=PUSH_PATH) if pushed else "")
    layout = files("generator").joinpath("templates/runbook.html").read_text(encoding="utf-8")
    return Artifact(CADDYFILE, sealed("".join(parts))), Artifact("caddy/site/runbook.html", layout)
