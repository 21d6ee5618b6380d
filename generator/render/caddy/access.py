"""What gets through Caddy to each part, as snippets that every endpoint imports.

Owns what is refused before anything else, and what is let through to the parts with a login of their own. The other
parts' lists are in generator.parts.table; caddy.routes writes them. Where an endpoint listens, under which names and
with which login, is in caddy.config, which also fills in the ports. A test takes every line away in turn.
"""

from typing import Final

SNIPPETS: Final = """
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

# Published on this machine's 127.0.0.1 alone. The Host header is held to that, so that a name on the web that is
# pointed at 127.0.0.1 opens nothing.
(local) {{
	@elsewhere not host localhost 127.0.0.1 ::1
	error @elsewhere 421
}}

# Another site's page in the same browser may not use these parts. A link that a person follows may lead to them.
(foreign) {{
	@foreign expression `{{header.Origin}} != "" && {{header.Origin}} != {{scheme}} + "://" + {{hostport}}`
	error @foreign 403
	@embedded {{
		header Sec-Fetch-Site cross-site
		header Sec-Fetch-Site same-site
		not {{
			method GET HEAD
			header Sec-Fetch-Mode navigate
		}}
	}}
	error @embedded 403
}}

(guard) {{
	import foreign
	@bare path {bare}
	redir @bare {{path}}/ 308
}}

(grafana) {{
	handle /grafana/* {{
		# Grafana asks for no login there.
		@open path /grafana/metrics /grafana/metrics/* /grafana/debug/*
		error @open 403
		# The browser sends this endpoint's login along; Grafana would use it as its own.
		@login header Authorization Basic*
		request_header @login -Authorization
		reverse_proxy grafana:{grafana}
	}}
}}

{routes}
# Reading, and silences.
(parts) {{
{handles}	handle /runbooks/* {{
		# Each alert had a page of its own once: messages that were sent then still lead to it.
		@single path_regexp single ^/runbooks/([a-z][a-z0-9_-]*)/([A-Za-z0-9]+)(\\.md)?$
		redir @single /runbooks/{{re.single.1}}#{{re.single.2}} 308
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
PUSH: Final = """
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
ERRORS: Final = """
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
	handle_path {path}/* {{
		# The browser sends this endpoint's login along, which is not Bugsink's.
		@basic header Authorization Basic*
		request_header @basic -Authorization
		reverse_proxy bugsink:{port} {{
			header_up X-Real-IP {{remote_host}}
		}}
	}}
}}
"""
