"""Files of any size for measuring: a mix of kinds, like a small company's, over and over."""

from typing import Final

Mix = tuple[tuple[str, str], ...]


def services_yaml(count: int, mix: Mix | None = None) -> str:
    """A services.yaml with `count` services of a mix (PLAIN), on a machine that is large enough for them."""
    head = (
        "stack:\n"
        "  name: bench\n"
        "  machine: {memory: 512GiB, disk: 64TiB}\n"
        "people: {ana: {}, boris: {}}\n"
        'channels: {ops: {slack: {channel: "#ops"}}, phone: {telegram: 12}}\n'
        "notify: {critical: [ops, phone, owner], warning: [ops]}\n"
        "services:\n"
    )
    return head + "".join(_service(number, mix or PLAIN) for number in range(count))


# What services are, over and over: kinds, and what else stands at them. First those that every small product has.
PLAIN: Final[Mix] = (
    ("fastapi", "targets: [{name}:8000], url: https://{name}.acme.dev"),
    ("fastapi", "targets: [{name}:8000], url: https://{name}.acme.dev"),
    ("probe", "targets: [https://{name}.acme.dev]"),
    ("redis", "address: {name}:6379"),
)
# And nearly all packs that there are.
FULL: Final[Mix] = (
    (
        "[fastapi, instrumentation, process, logs, deploys, sqlalchemy, cache, llm, external, messages, webhooks, "
        "payments, business, costs, tenants, usage, web]",
        "targets: [{name}:8000], url: https://{name}.acme.dev, slo: {{availability: 99.9%, latency: {{p95: 500ms}}}}",
    ),
    ("[fastapi, instrumentation, process]", "targets: [{name}:8000], url: https://{name}.acme.dev"),
    ("probe", "targets: [https://{name}.acme.dev]"),
    ("redis", "address: {name}:6379"),
    ("[celery, instrumentation, process, logs, sqlalchemy]", "targets: [{name}:9808]"),
    ("[postgres, backup]", "address: {name}:5432, dsn: secret:db_dsn"),
    ("[flask, sqlalchemy, anomaly]", "targets: [{name}:8000]"),
    (
        "[fastapi, instrumentation, llm, external, costs]",
        "targets: [{name}:8000], params: {{http: {{error_for: 10m}}}}",
    ),
    ("rabbitmq", "targets: [{name}:15692]"),
    ("django", "targets: [{name}:8000], slo: {{availability: 99.5%}}"),
)


def _service(number: int, mix: Mix) -> str:
    kinds, rest = mix[number % len(mix)]
    owner, name = "ana" if number % 2 else "boris", f"svc-{number}"
    return f"  {name}: {{kind: {kinds}, owner: {owner}, {rest.format(name=name)}}}\n"
