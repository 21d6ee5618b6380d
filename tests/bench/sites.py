"""Files of any size for measuring: a mix of kinds, like a small company's, over and over."""


def services_yaml(count: int) -> str:
    """A services.yaml with `count` services, on a machine that is large enough for them."""
    head = (
        "stack:\n"
        "  name: bench\n"
        "  machine: {memory: 64GiB, disk: 4TiB}\n"
        "people: {ana: {}, boris: {}}\n"
        'channels: {ops: {slack: {channel: "#ops"}}, phone: {telegram: 12}}\n'
        "notify: {critical: [ops, phone, owner], warning: [ops]}\n"
        "services:\n"
    )
    return head + "".join(_service(number) for number in range(count))


def _service(number: int) -> str:
    owner = "ana" if number % 2 else "boris"
    name = f"svc-{number}"
    if number % 4 == 3:
        return f"  {name}: {{kind: redis, owner: {owner}, address: {name}:6379}}\n"
    if number % 4 == 2:
        return f"  {name}: {{kind: probe, owner: {owner}, targets: [https://{name}.acme.dev]}}\n"
    return f"  {name}: {{kind: fastapi, owner: {owner}, targets: [{name}:8000], url: https://{name}.acme.dev}}\n"
