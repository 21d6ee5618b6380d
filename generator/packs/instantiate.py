"""A pack applied to one service: placeholders filled, every label, link and threshold final.

Owns what an alert carries and the names that templates may use. It reads no files and decides no parameters:
overrides come checked from resolve.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict

from generator import conventions, units
from generator.conventions import Severity
from generator.diagnostics import Span
from generator.packs.context import final_params, pack_context, signals_of
from generator.packs.grouping import groups, inhibition_group
from generator.packs.load import Pack
from generator.packs.pace import pace
from generator.packs.schema import AlertSpec, PanelSpec, QuerySpec, RecordSpec
from generator.packs.template import PANEL_WINDOW, bind, holds, pack_problem, render_text
from generator.parts.logs import logs_url
from generator.site.model import (
    Alert,
    Credential,
    CredentialForm,
    Exporter,
    PackInstance,
    Panel,
    ParamValue,
    Query,
    Record,
    Row,
    Runbook,
    Service,
    Stack,
    Threshold,
)


def instantiate(
    pack: Pack,
    service: Service,
    stack: Stack,
    overrides: Mapping[str, ParamValue],
    off: Collection[str],
) -> PackInstance:
    """The rules, panels, runbooks and exporter that `pack` brings to `service`."""
    return _Instance(pack, service, stack, overrides, off).build()


class _Instance:
    """One application of a pack; exists for as long as `build` runs."""

    def __init__(
        self,
        pack: Pack,
        service: Service,
        stack: Stack,
        overrides: Mapping[str, ParamValue],
        off: Collection[str],
    ) -> None:
        self.pack = pack
        self.service = service
        self.stack = stack
        self.params = final_params(pack, overrides)
        self.context = pack_context(pack, service, stack, self.params, overrides)
        self.context["sig"] = signals_of(pack, self.context)
        self.names = bind(self.context)
        in_panels = signals_of(pack, self.context, PANEL_WINDOW)
        self.panel_names = bind({**self.context, "window": PANEL_WINDOW, "sig": in_panels})
        self.specs = tuple(
            spec
            for spec in pack.rules.alerts
            if spec.name not in off and holds(spec.when, self.context, pack.lines[spec.name])
        )
        self.groups = groups(self.specs, self._hold, self._severity)
        self.shape = f"{pack.name}-{self._shape()}"

    def build(self) -> PackInstance:
        kept = {spec.name for spec in self.specs}
        return PackInstance(
            pack=self.pack.name,
            params=self.params,
            alerts=tuple(self._alert(spec) for spec in self.specs),
            records=self._records(),
            rows=self._rows(kept),
            runbooks=tuple(self._runbook(name) for name in sorted(kept)),
            exporter=self._exporter(),
        )

    def _text(self, text: str, where: Span) -> str:
        return render_text(text, self.names, where).strip()

    def _seconds(self, text: str, where: Span) -> int:
        return units.parse_duration(self._text(text, where))

    def _alert(self, spec: AlertSpec) -> Alert:
        where = self.pack.lines[spec.name]
        base, service = self.stack.base_url, self.service
        expr = self._text(spec.expr, where)
        labels = {
            "service": service.name,
            "severity": self._severity(spec),
            "owner": service.owner,
            "environment": service.environment,
            "fault": spec.fault,
            "incident": conventions.incident(service.name, spec.name),
            **{name: self._text(value, where) for name, value in spec.labels.items()},
        }
        if spec.name in self.groups:
            labels["inhibition_group"] = inhibition_group(self.groups[spec.name], expr)
        annotations = {
            "summary": self._text(spec.summary, where),
            "description": " ".join(self._text(spec.description, where).split()),
            "runbook_url": conventions.runbook_url(base, service.name, spec.name),
            "dashboard_url": conventions.panel_url(base, service.name, service.kinds, spec.panel),
            "logs_url": logs_url(base, service.name),
        }
        return Alert(
            name=spec.name,
            service=service.name,
            pack=self.pack.name,
            expr=expr,
            for_seconds=self._hold(spec),
            keep_firing_seconds=self._seconds(spec.keep_firing_for, where),
            severity=self._severity(spec),
            owner=service.owner,
            fault=spec.fault,
            labels=labels,
            annotations=annotations,
            evaluation_interval=self._pace(spec, expr),
            panel=spec.panel,
            shape=self.shape,
            origin=where,
            detects=tuple(spec.detects),
            inhibited_by=spec.inhibited_by or "",
        )

    def _severity(self, spec: AlertSpec) -> Severity:
        return self.service.severity.get(spec.name, spec.severity)

    def _hold(self, spec: AlertSpec) -> int:
        return self._seconds(spec.hold, self.pack.lines[spec.name])

    def _pace(self, spec: AlertSpec, expr: str) -> int:
        timing = self.stack.timing
        if spec.fault == "outage":
            return timing.evaluation_interval
        hold = self._hold(spec)
        # What is critical and does not wait is not made to wait for its evaluation either.
        at_once = self._severity(spec) == "critical" and not hold
        return timing.slow_interval if at_once else pace(timing.slow_interval, expr, hold)

    def _records(self) -> tuple[Record, ...]:
        return tuple(
            self._record(spec)
            for spec in self.pack.rules.records
            if holds(spec.when, self.context, self.pack.lines[spec.name])
        )

    def _record(self, spec: RecordSpec) -> Record:
        where = self.pack.lines[spec.name]
        expr = self._text(spec.expr, where)
        return Record(
            name=spec.name,
            service=self.service.name,
            pack=self.pack.name,
            expr=expr,
            labels={"service": self.service.name, **spec.labels},
            evaluation_interval=self._seconds(spec.every, where) or pace(self.stack.timing.slow_interval, expr, 0),
            origin=where,
        )

    def _rows(self, kept: Collection[str]) -> tuple[Row, ...]:
        rows = []
        where = self.pack.span("panels.yaml")
        for row in self.pack.panels.rows:
            shown = [panel for panel in row.panels if holds(panel.when, self.context, where)]
            if shown:
                panels = tuple(self._panel(panel, kept) for panel in shown)
                rows.append(Row(self._text(row.title, where), panels, row.collapsed))
        return tuple(rows)

    def _panel(self, spec: PanelSpec, kept: Collection[str]) -> Panel:
        where = self.pack.span("panels.yaml")
        thresholds = tuple(
            Threshold(self._number(each.param, where), each.colour, each.alert)
            for each in spec.thresholds
            if each.alert in kept
        )
        return Panel(
            slug=spec.id,
            title=self._text(spec.title, where),
            description=" ".join(self._text(spec.description, where).split()),
            type=spec.type,
            unit=spec.unit,
            queries=tuple(self._query(query, where) for query in spec.queries),
            thresholds=thresholds,
            empty_reason=None if spec.expect == "data" else spec.expect.may_be_empty,
            width=spec.width,
            height=spec.height,
            minimum=spec.min,
            maximum=spec.max,
            decimals=spec.decimals,
            stacked=spec.stacked,
            mappings=spec.mappings,
            alerts=tuple(alert for alert in spec.alerts if alert in kept),
        )

    def _number(self, param: str, where: Span) -> float:
        value = self.params.get(param)
        if not isinstance(value, int | float):
            raise pack_problem(f"no parameter with a number is called '{param}'", where.file)
        return float(value)

    def _query(self, spec: QuerySpec, where: Span) -> Query:
        text = f"<<sig.{spec.signal}>>" if spec.signal else spec.expr
        expr = render_text(text, self.panel_names, where).strip()
        return Query(expr, spec.legend, spec.datasource, spec.instant)

    def _runbook(self, name: str) -> Runbook:
        where = self.pack.span(f"runbooks/{name}.md")
        return Runbook(self.service.name, name, render_text(self.pack.runbooks[name], self.names, where))

    def _exporter(self) -> Exporter | None:
        spec, where = self.pack.exporter, self.pack.span("pack.yaml")
        if spec is None:
            return None
        return Exporter(
            name=f"{self.pack.name}-exporter-{self.service.name}",
            image=spec.image,
            port=spec.port,
            environment=dict(self._environment(spec.environment, where)),
            command=tuple(self._text(word, where) for word in spec.command),
            memory=units.parse_bytes(spec.memory),
            credentials=tuple(self._credentials(spec.files)),
            listen=spec.listen,
        )

    def _environment(self, variables: Mapping[str, str], where: Span) -> Iterator[tuple[str, str]]:
        """Those that say something: what a service does not have is no variable."""
        for name, text in variables.items():
            if value := self._text(text, where):
                yield name, value

    def _credentials(self, files: Mapping[str, CredentialForm]) -> Iterator[Credential]:
        """Those whose secret the service has: a store without a password needs none."""
        service = self.service
        secrets = {
            "dsn": service.dsn.secret if service.dsn else None,
            "password": service.password,
            "tls": service.tls.ca if service.tls else None,
        }
        for variable, form in sorted(files.items()):
            if secret := secrets[form.partition(".")[0]]:
                plain = bool(service.insecure)
                yield Credential(variable, form, secret, service.address, service.user, service.tls, plain)

    def _objectives(self) -> list[object]:
        """The objectives and endpoint budgets that the pack's rules are about."""
        found: list[object] = [
            (b.method, b.handler, b.seconds) for b in self.service.budgets if self._mentions("budgets")
        ]
        if self.service.objectives and self._mentions("objectives"):
            found.append(self.service.slo_window)
            for each in self.service.objectives:
                asked = f"{each.bad} of {each.total}".replace(f'"{self.service.name}"', '""')
                found.append((each.name, each.target, asked, each.limit, each.plans, each.outages))
        return found

    def _elsewhere(self) -> list[object]:
        """What it takes of other services: how many show that it works, under how many names, and a host of its own."""
        service = self.service
        seen = (len(service.witnesses), len(service.called)) if self._mentions("witnesses") else ()
        return [seen, "on another host" if self._mentions("on_other_host") and service.on_other_host else ""]

    def _regraded(self) -> list[tuple[str, str]]:
        """The alerts whose severity is not the pack's."""
        severities = ((spec, self._severity(spec)) for spec in self.specs)
        return [(spec.name, severity) for spec, severity in severities if severity != spec.severity]

    def _mentions(self, word: str) -> bool:
        rules = self.pack.rules
        texts = [text for alert in rules.alerts for text in (alert.expr, alert.hold)]
        texts += [record.expr for record in rules.records]
        return any(word in text for text in texts)

    def _shape(self) -> str:
        """A digest of all that makes one service's rules of this pack differ from another's, names apart."""
        timing = self.stack.timing
        shape = (
            sorted(self.params.items()),
            [spec.name for spec in self.specs],
            len(self.context["targets"]),
            [(probe.module, probe.kind) for probe in self.service.probes],
            self.context["required"],
            [asdict(need) for need in self.context["needs"].all] if self._mentions("needs.") else [],
            int(self.context["confirm"]),
            (timing.evaluation_interval, timing.slow_interval),
            *self._objectives(),
            *((each.method, each.route) for each in self.service.excluded),
            *filter(None, [self.pack.digest, *self._elsewhere(), self._regraded()]),
        )
        return hashlib.sha256(json.dumps(shape).encode()).hexdigest()[:8]
