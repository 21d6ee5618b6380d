"""`params:` by kind, and the flat names of the release before: each means what it meant."""

from typing import Final

import pytest

from generator.diagnostics import Diagnostic, Problems
from generator.packs import load_packs, pack_of
from generator.packs.renamed import PLACES, flat_name, params_of
from generator.pipeline import resolve_text
from generator.site.model import ParamValue, Service

ALL_KINDS: Final = (
    "fastapi, instrumentation, process, logs, deploys, sqlalchemy, cache, llm, external, webhooks, payments, business, "
    "tenants, usage, web, costs, messages, celery, anomaly, backup"
)


def resolved(kinds: str, params: str) -> tuple[Service, list[Diagnostic]]:
    text = (
        f"services:\n  api:\n    kind: [{kinds}]\n    targets: [api:8000]\n    params: {params}\n    address: store:1\n"
    )
    site, problems = resolve_text(text, "services.yaml")
    return next(each for each in site.services if each.name == "api"), [p for p in problems if "param" in p.code]


def refused(kinds: str, params: str) -> list[Diagnostic]:
    with pytest.raises(Problems) as caught:
        resolved(kinds, params)
    return [problem for problem in caught.value.diagnostics if problem.level == "error"]


def values(service: Service) -> dict[str, ParamValue]:
    return {
        param.path: instance.params[name]
        for instance in service.packs
        for name, param in pack_of(service, instance).params.items()
    }


def changed(service: Service) -> dict[str, ParamValue]:
    """What differs from the defaults."""
    plain = values(resolved(ALL_KINDS, "{}")[0])
    return {path: value for path, value in values(service).items() if value != plain[path]}


def test_one_name_under_several_kinds_is_one_parameter_of_each() -> None:
    service, problems = resolved(
        ALL_KINDS, "{http: {latency_p95: 1s}, llm: {latency_p95: 40s}, webhooks: {latency_p95: 3s}}"
    )
    assert problems == []
    assert changed(service) == {"http.latency_p95": 1, "llm.latency_p95": 40, "webhooks.latency_p95": 3}


@pytest.mark.parametrize(
    ("flat", "meant"),
    [
        ("latency_p95: 1s", {"http.latency_p95": 1}),
        ("llm_latency_p95: 40s", {"llm.latency_p95": 40}),
        ("external_latency_p95: 9s", {"external.latency_p95": 9}),
        ("failure_ratio: 30%", {"celery.failure_ratio": 0.3}),
        ("payment_failure_ratio: 45%", {"payments.failure_ratio": 0.45}),
        ("memory: 1GiB", {"process.memory": 2**30}),
        ("log_silence: 1h, tenant_silence: 12h", {"logs.silence": 3600, "tenants.silence": 43200}),
    ],
)
def test_a_flat_name_is_the_parameter_that_it_was(flat: str, meant: dict[str, ParamValue]) -> None:
    service, problems = resolved(ALL_KINDS, f"{{{flat}}}")
    assert changed(service) == meant
    assert {(problem.code, problem.level) for problem in problems} == {("spec/flat-param", "warning")}


def test_the_warning_names_the_place_at_the_name() -> None:
    _, (problem,) = resolved("llm", "{llm_latency_p95: 40s}")
    assert problem.span is not None and (problem.span.line, problem.span.column) == (5, 14)
    assert problem.hint == "write llm: {latency_p95: …}"


def test_hosts_and_the_stack_take_both_ways() -> None:
    text = "services:\n  api: {kind: http, targets: [api:8000]}\n"
    old = text + "hosts: {vps: {params: {disk_low: 30%, containers: 'x=\"y\"'}}}\nstack: {params: {queue_full: 80%}}\n"
    new = (
        text
        + "hosts: {vps: {params: {host: {disk_low: 30%}, containers: {watched: 'x=\"y\"'}}}}\n"
        + "stack: {params: {stack: {queue_full: 80%}}}\n"
    )
    (before, warnings), (after, none) = (resolve_text(each, "services.yaml") for each in (old, new))
    assert [[pack.params for pack in each.packs] for each in before.services] == [
        [pack.params for pack in each.packs] for each in after.services
    ]
    assert sorted(each.hint for each in warnings if each.code == "spec/flat-param") == [
        "write containers: {watched: …}",
        "write host: {disk_low: …}",
        "write stack: {queue_full: …}",
    ]
    assert [each for each in none if each.code == "spec/flat-param"] == []


@pytest.mark.parametrize(
    ("kinds", "params", "message", "hint"),
    [
        pytest.param("http", "{htpp: {latency_p95: 1s}}", "parameters under 'htpp'", "did you mean 'http'?",
                     id="a kind misspelt"),
        pytest.param("fastapi", "{fastapi: {latency_p95: 1s}}", "under 'fastapi'",
                     "write 'http', whose parameters fastapi has",
                     id="a kind that uses another's rules"),
        pytest.param("redis, http", "{redis: {latency_p95: 1s}}", "redis has no parameter 'latency_p95'",
                     "did you mean 'latency'?",
                     id="a parameter of another kind of the service"),
        pytest.param("llm", "{llm: {llm_latency_p95: 9s}}", "llm has no parameter",
                     "did you mean 'latency_p95'?", id="the old name under its kind"),
        pytest.param("llm", "{latency_p95: 9s}", "no kind of this service has a parameter 'latency_p95'",
                     "did you mean 'llm: {latency_p95: …}'?", id="a flat name that never was this kind's"),
        pytest.param("http", "{latency_p95: 1s, http: {latency_p95: 1s}}",
                     "'latency_p95' is also written under http, as latency_p95",
                     "take this one away", id="both ways at once"),
    ],
)  # fmt: skip
def test_what_names_no_parameter_is_refused(kinds: str, params: str, message: str, hint: str) -> None:
    (problem,) = refused(kinds, params)
    assert message in problem.message
    assert problem.hint == hint


def test_every_flat_name_leads_to_a_parameter_of_its_kind() -> None:
    packs = load_packs()
    for flat, (kind, name) in PLACES.items():
        (param,) = params_of(flat, [packs[kind]])
        assert (param.kind, param.name) == (kind, name)
        assert flat_name(param) == flat


def test_a_parameter_of_a_pack_that_is_not_in_the_table_kept_its_name() -> None:
    packs = load_packs()
    known = {param.path: param for pack in packs.values() for param in pack.params.values()}
    assert len(PLACES) >= 240
    later = [param for param in known.values() if (param.kind, param.name) not in PLACES.values()]
    assert all(flat_name(param) in ("", param.name) for param in later)
