"""Labels that Alertmanager's configuration uses, and that alerts have or lack."""

from dataclasses import replace

import pytest

from generator.check.labels import check_labels
from generator.pipeline import Compiled, compile_text
from tests.bench.sites import services_yaml


@pytest.fixture(scope="module")
def site() -> Compiled:
    return compile_text(services_yaml(8), "services.yaml")


def problems(site: Compiled, old: str = "", new: str = "", path: str = "alertmanager/alertmanager.yml") -> list[str]:
    artifacts = {each.path: each for each in site.artifacts}
    assert old in artifacts[path].content
    artifacts[path] = replace(artifacts[path], content=artifacts[path].content.replace(old, new, 1))
    return [problem.message for problem in check_labels(site.site, artifacts)]


def test_alerts_have_every_label_that_is_looked_at(site: Compiled) -> None:
    assert problems(site) == []


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("  - service\n  group_wait", "  - queue\n  group_wait", "the route to"),
        ('severity="critical"', 'urgency="critical"', "the route to critical"),
        ("  equal:\n  - service", "  equal:\n  - instance", "of inhibit rule"),
    ],
)
def test_a_label_that_some_alerts_lack_is_reported(site: Compiled, old: str, new: str, where: str) -> None:
    assert any(where in message for message in problems(site, old, new))


def test_what_is_no_matcher_is_reported(site: Compiled) -> None:
    (message,) = problems(site, 'severity="critical"', "severity critical")
    assert message == "alertmanager/alertmanager.yml: not a matcher: severity critical"


def test_a_message_may_show_what_it_asks_for_first(site: Compiled) -> None:
    path = "alertmanager/templates/common.tmpl"
    shown = "{{ with .Labels.queue }}{{ . }}{{ end }}"
    assert problems(site, "", shown, path) == []
    (message,) = problems(site, "", "{{ .Labels.queue }}", path)
    assert message == f"a message in {path} looks at the label 'queue', which some alerts do not have"


def test_who_cannot_match_an_inhibition_need_not_have_its_labels(site: Compiled) -> None:
    matchers = "source_matchers: ['fault=\"none\"'], target_matchers: ['fault!~\".+\"']"
    rule = f"inhibit_rules:\n- {{name: none, {matchers}, equal: [queue]}}\n"
    assert problems(site, "inhibit_rules:\n", rule) == []
