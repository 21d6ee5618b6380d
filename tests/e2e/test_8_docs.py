"""The documentation's commands, links and queries, as they stand in the pages, on the running stack."""

import re

import pytest

from tests.docs.blocks import Block, links, pages, proven_by
from tests.e2e.stack import ENVIRONMENT, Stack
from tests.support.waiting import until

LOCAL = "http://localhost:8080/"
# In the pages stand the ports of a stack that is alone on its machine.
PORTS = {"8080": ENVIRONMENT["LOOKOUT_PORT"], "8000": ENVIRONMENT["LOOKOUT_DEMO_PORT"]}


def is_last(block: Block) -> bool:
    """What takes the demo away comes when nothing else needs it any more."""
    return "make down" in block.text


def in_order(blocks: list[Block]) -> list[Block]:
    return sorted(blocks, key=is_last)


def on_this_machine(text: str) -> str:
    return re.sub(r"(?<=localhost:)(8080|8000)(?=/)", lambda port: PORTS[port[0]], text)


@pytest.mark.parametrize("page", [page for page, text in pages().items() if LOCAL in text])
def test_links_into_the_stack_open(stack: Stack, page: str) -> None:
    for link in {link.removeprefix(LOCAL) for link in links(pages()[page]) if link.startswith(LOCAL)}:
        if link.startswith("grafana/") and "grafana" not in stack.services():
            continue
        # Stand-ins of these two have no pages.
        address = f"{link}-/ready" if link in ("prometheus/", "alertmanager/") else link
        assert stack.session.get(f"{stack.url}/{address}", timeout=15).status_code == 200, link


@pytest.mark.parametrize("block", proven_by("query"), ids=str)
def test_a_query_is_one_that_the_stack_answers(stack: Stack, block: Block) -> None:
    if block.arguments == ("later",):  # of what only another stack, or an older one, has
        assert stack.query(block.text) == []
    elif block.language == "promql":
        until(lambda: stack.query(block.text), "data", 60)
    else:
        stack.logs(block.text)


@pytest.mark.parametrize("block", in_order(proven_by("stack")), ids=str)
def test_a_block_of_commands_runs_as_it_stands(stack: Stack, block: Block) -> None:
    print(stack.must("bash", "-euo", "pipefail", "-c", on_this_machine(block.text), timeout=1200)[-2000:])
    if "docker compose start" in block.text:
        until(lambda: stack.query('up{service="api"} == 1'), "the demo is back", 60)


def test_after_init_the_stack_runs_without_the_demo(stack: Stack) -> None:
    assert is_last(in_order(proven_by("stack"))[-1])
    services = stack.services()
    assert "prometheus" in services
    assert not {"api", "cache", "traffic"} & set(services)
