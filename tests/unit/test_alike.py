"""Panels that look alike share what they have in common, and are the same to the byte as each drawn by itself."""

import pytest

from generator.pipeline import compile_text
from generator.render.grafana.alike import draw_alike
from generator.render.grafana.common import merged_rows, panel_context, with_common_rows
from generator.render.grafana.dashboard import Dashboard, DashboardRow, PlacedPanel, render_dashboard
from generator.render.grafana.panels import draw
from generator.site.model import Service, Site
from tests.bench.sites import FULL, services_yaml


@pytest.fixture(scope="module")
def site() -> Site:
    return compile_text(services_yaml(len(FULL) * 2, FULL), "services.yaml").site


def text_of(site: Site, service: Service, *, alike: bool) -> str:
    context, drawer = panel_context(site, service), draw_alike if alike else draw
    rows = tuple(
        DashboardRow(
            row.title, tuple(PlacedPanel(drawer(each, context), each.width, each.height) for each in row.panels)
        )
        for row in with_common_rows(site, service, merged_rows([service]))
    )
    return render_dashboard(Dashboard("uid", service.name, "", "Services", "service", rows)).content


def test_a_panel_that_was_drawn_for_another_service_is_the_same_as_one_drawn_for_this(site: Site) -> None:
    for service in site.services:
        assert text_of(site, service, alike=True) == text_of(site, service, alike=False), service.name


def test_drawing_one_leaves_the_others_as_they_were(site: Site) -> None:
    first, second = [service for service in site.services if "redis" in service.kinds][:2]
    before = text_of(site, first, alike=True)
    assert text_of(site, second, alike=True) != before
    assert text_of(site, first, alike=True) == before
