"""Proofs: one for each distinct rule, none missing, and the arithmetic under them."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import yaml

from generator.artifact import Artifact
from generator.packs import instantiate, load_packs
from generator.packs.cases import FromNow, GaugeLevel, Rate
from generator.packs.sample import SAMPLE_STACK
from generator.promql.expansion import expand
from generator.prove.proofs import render_proofs
from generator.prove.timeline import Timeline
from generator.site.model import ParamValue, Service
from tests.unit.sites import make_service, make_site


def served(name: str, kinds: tuple[str, ...] = ("target", "http"), **params: float) -> Service:
    service = make_service(name, kinds=("http",), owner=name)
    values: Mapping[str, ParamValue] = params
    packs = tuple(instantiate(load_packs()[kind], service, SAMPLE_STACK, values, ()) for kind in kinds)
    return make_service(name, kinds=("http",), owner=name, packs=packs)


def proofs_of(*services: Service) -> tuple[dict[str, Any], dict[str, str]]:
    """The proof files as data, and the manifest."""
    artifacts = render_proofs(make_site(services=services))
    files = {each.path: yaml.safe_load(each.content) for each in artifacts if each.path.endswith(".yml")}
    return files, json.loads(artifacts[-1].content)


def test_every_alert_is_in_the_manifest_and_named_by_its_proof() -> None:
    service = served("api")
    files, manifest = proofs_of(service)
    assert manifest.keys() == {f"api/{alert.name}" for alert in service.alerts}
    for alert, path in manifest.items():
        (group,) = files[path]["tests"]
        fired = [test["alertname"] for test in group["alert_rule_test"] if test["exp_alerts"]]
        assert alert.removeprefix("api/") in fired


def test_a_hundred_services_that_differ_in_name_need_one_proof() -> None:
    files, _ = proofs_of(served("api0"))
    more, manifest = proofs_of(*(served(f"api{n}") for n in range(100)))
    assert more.keys() == files.keys()
    assert len(manifest) == 100 * len(served("api0").alerts)


def test_a_rule_that_no_parameter_of_a_service_changes_is_proven_once_for_all() -> None:
    files, manifest = proofs_of(served("api"), served("web", kinds=("target", "http"), latency_p95=0.1))
    assert manifest["api/HttpErrorRatioHigh"] == manifest["web/HttpErrorRatioHigh"]
    assert manifest["api/ServiceDown"] == manifest["web/ServiceDown"]
    assert set(manifest.values()) == set(files)


def test_the_same_rule_under_another_kind_has_the_same_proof() -> None:
    _, manifest = proofs_of(served("api"), served("web", kinds=("target", "fastapi")))
    assert manifest["api/HttpErrorRatioHigh"] == manifest["web/HttpErrorRatioHigh"]


def test_another_threshold_needs_another_proof() -> None:
    usual, _ = proofs_of(served("api"))
    both, manifest = proofs_of(served("api"), served("web", kinds=("http",), latency_p95=0.1))
    assert len(both) > len(usual)
    assert manifest["api/HttpLatencyHigh"] != manifest["web/HttpLatencyHigh"]


def test_a_proof_runs_against_the_rendered_rules_of_the_first_service_that_has_them() -> None:
    files, _ = proofs_of(served("web"), served("zoo"))
    wanted = {("../../../rules/web/target.yml",), ("../../../rules/web/http.yml",)}
    assert {tuple(file["rule_files"]) for file in files.values()} == wanted


def declared(line: int, service: Service) -> Service:
    return replace(service, origin=replace(service.origin, line=line))


def test_a_proof_is_named_by_the_service_and_the_pack_of_its_rule() -> None:
    _, manifest = proofs_of(served("api"))
    assert manifest["api/HttpLatencyHigh"] == "prometheus/proofs/api/http/HttpLatencyHigh.yml"
    assert manifest["api/ServiceDown"] == "prometheus/proofs/api/target/ServiceDown.yml"


@pytest.mark.parametrize("line", [1, 9], ids=["above", "below"])
def test_a_service_whose_name_comes_later_moves_no_proof_wherever_it_is_declared(line: int) -> None:
    before, _ = proofs_of(declared(5, served("api")))
    after, manifest = proofs_of(declared(5, served("api")), declared(line, served("web", latency_p95=0.1)))
    assert before == {path: after[path] for path in before}
    assert after.keys() - before.keys() == {manifest["web/HttpLatencyHigh"]}


def test_the_order_of_declarations_moves_no_proof() -> None:
    names = ("api", "web", "zoo")
    there = proofs_of(*(declared(1 + line, served(name)) for line, name in enumerate(names)))
    assert proofs_of(*(declared(9 - line, served(name)) for line, name in enumerate(names))) == there


def test_a_shared_proof_moves_when_its_service_goes_and_others_do_not() -> None:
    first, second, third = served("api"), served("web"), served("zoo", latency_p95=0.1)
    _, before = proofs_of(first, second, third)
    _, after = proofs_of(second, third)
    assert after["web/HttpErrorRatioHigh"] == after["zoo/HttpErrorRatioHigh"]
    assert after["web/HttpErrorRatioHigh"] == before["web/HttpErrorRatioHigh"].replace("/api/", "/web/")
    assert after["zoo/HttpLatencyHigh"] == before["zoo/HttpLatencyHigh"]


def test_another_threshold_changes_the_proof_of_its_alert_alone() -> None:
    before, _ = proofs_of(served("api"))
    after, _ = proofs_of(served("api", latency_p95=0.1))
    assert before.keys() == after.keys()
    changed = {path for path in before if before[path] != after[path]}
    assert changed == {"prometheus/proofs/api/http/HttpLatencyHigh.yml"}


def test_expected_labels_and_annotations_are_exact() -> None:
    service = served("api")
    files, manifest = proofs_of(service)
    (group,) = files[manifest["api/HttpErrorRatioCritical"]]["tests"]
    (expected,) = next(
        test["exp_alerts"]
        for test in group["alert_rule_test"]
        if test["alertname"] == "HttpErrorRatioCritical" and test["exp_alerts"]
    )
    (alert,) = (alert for alert in service.alerts if alert.name == "HttpErrorRatioCritical")
    assert expected["exp_labels"] == alert.labels
    assert expected["exp_annotations"]["summary"] == "7.5% of the requests to api fail (limit 5%)"


def test_the_same_site_gives_the_same_bytes() -> None:
    def render() -> tuple[Artifact, ...]:
        return render_proofs(make_site(services=(served("api"),)))

    assert render() == render()


@pytest.mark.parametrize(
    ("stretches", "values"),
    [
        ([(60, Rate(1)), (60, Rate(2))], "1000000+10x5 1000060+20x5"),
        ([(60, GaugeLevel(5)), (60, GaugeLevel(7, -0.1))], "5x5 7-1x5"),
        ([(60, FromNow(3600)), (60, FromNow(60))], "3600+10x5 120+10x5"),
        ([(60, Rate(1)), (60, None), (60, Rate(1))], "1000000+10x5 stale _x5 1000060+10x5"),
        ([(60, None), (60, GaugeLevel(1))], "_x6 1x5"),
        ([(10, GaugeLevel(1)), (10, None), (10, GaugeLevel(0))], "1 stale 0"),
        ([(30, Rate(0.1)), (30, Rate(0))], "1000000+1x2 1000003x2"),
    ],
    ids=[
        "a counter goes on where it was",
        "a gauge jumps, then falls",
        "a date stays ahead of now",
        "a counter goes on after a gap that begins with a stale marker",
        "a series that comes later",
        "stretches of one sample",
        "a counter that stops",
    ],
)
def test_series_are_written_in_promtools_notation(stretches: list[Any], values: str) -> None:
    timeline = Timeline(interval=10, evaluation=10)
    for seconds, shape in stretches:
        timeline.run(seconds, {} if shape is None else {"x": shape})
    assert timeline.series() == [{"series": "x", "values": values}]


def test_a_stretch_is_a_whole_number_of_samples_and_evaluations() -> None:
    timeline = Timeline(interval=10, evaluation=15)
    assert timeline.run(31, {"x": GaugeLevel(1)}) == 0
    assert timeline.now == 60
    assert timeline.align(16) == 30


@pytest.mark.parametrize(
    ("template", "value", "text"),
    [
        ("{{ $value | humanizePercentage }}", 0.075, "7.5%"),
        ("{{ $value | humanizePercentage }}", 0.0123456, "1.235%"),
        ("{{ $value | humanize }}", 1234567.0, "1.235M"),
        ("{{ $value | humanize }}", 0.75, "750m"),
        ("{{ $value | humanize }}", 0.0, "0"),
        ("{{ $value | humanize }}", -25.98, "-25.98"),
        ("{{ $value | humanize1024 }}B", 2.0**31, "2GiB"),
        ("{{ $value | humanize1024 }}B", 0.5, "0.5B"),
        ("{{ $value | humanizeDuration }}", 0.975, "975ms"),
        ("{{ $value | humanizeDuration }}", 2.0, "2s"),
        ("{{ $value | humanizeDuration }}", 90061.0, "1d 1h 1m 1s"),
        ("{{ $value | humanizeDuration }}", 3700.0, "1h 1m 40s"),
        ("{{ $value | humanizeDuration }}", 61.5, "1m 1s"),
        ("{{ $value | humanizeDuration }}", -7200.0, "-2h 0m 0s"),
        ("{{ $value | humanizeDuration }}", 0.0, "0s"),
        ("{{ $labels.device }} on {{$labels.none}}.", None, "/dev/vda on ."),
    ],
)
def test_templates_are_expanded_as_prometheus_does(template: str, value: float | None, text: str) -> None:
    assert expand(template, {"device": "/dev/vda"}, value) == text


@pytest.mark.parametrize(
    "template", ["{{ $value }}", "{{ $value | title }}", '{{ query "up" }}', "{{ $value | humanize }}"]
)
def test_what_cannot_be_predicted_is_an_error(template: str) -> None:
    with pytest.raises(ValueError, match=r"\$value|cannot foretell"):
        expand(template, {}, None)
