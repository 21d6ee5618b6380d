"""Complaints about ways of failing that no alert covers: a warning, or an error where the service is critical."""

from generator.conventions import STACK_SERVICE
from generator.diagnostics import Diagnostic, Level
from generator.packs.coverage import MODES, REMEDIES, coverage_of
from generator.resolve.context import Context
from generator.site.model import Service


def check_coverage(context: Context, services: tuple[Service, ...]) -> None:
    """Reports spec/uncovered for the holes in the matrix of declared services and hosts that `off` does not name."""
    named = {service.name: service for service in services}
    for service in services:
        holes = [cell for cell in coverage_of(service, named) if not cell.alerts and cell.mode not in service.off]
        for cell in () if service.name == STACK_SERVICE else holes:
            message = f"'{service.name}' can fail so that {MODES[cell.mode]} ({cell.mode}), and no alert covers it"
            notes = (
                REMEDIES.get(cell.mode, "its kinds bring one, unless `off` takes it away"),
                f"when none is needed, off: [{cell.mode}]",
            )
            level: Level = "error" if service.critical else "warning"
            context.problems.append(Diagnostic("spec/uncovered", message, service.origin, level, notes=notes))
