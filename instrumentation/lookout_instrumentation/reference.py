"""The reference of metrics, as Markdown: `python -m lookout_instrumentation.reference > docs/reference/app-metrics.md`.

Owns the page's words; every name, type, label and help is the catalogue's.
"""

import sys
from typing import Final

from lookout_instrumentation.catalogue import CATALOGUE
from lookout_instrumentation.metric import Metric
from lookout_instrumentation.settings import DEFAULT_LABEL_BUDGET, LABEL_BUDGETS

# Each part of the catalogue: its heading, and what makes its metrics exist.
PARTS: Final = {
    "app": ("Every app", "There as soon as `init` is called, beside Python's own `process_…` and `python_…`."),
    "http": (
        "HTTP",
        "There in every web app. Declared routes start at zero; `/health`, `/metrics` and such are left out.",
    ),
    "logs": ("Logs", "There as soon as the library does the logging."),
    "errors": ("Error reports", "There when there is a DSN to report to."),
    "traces": ("Traces", "There when there is an endpoint to send spans to."),
    "cache": ("Cache", '`lookout.cache("items")`: `read()`, `write()`, or `reads` as a decorator.'),
    "database": ("Database", "`lookout.database(engine)`, with an engine of SQLAlchemy, plain or async."),
    "celery": ("Celery", "`lookout_instrumentation.celery.init(app)`."),
    "llm": ("Language models", "`lookout.llm.call(provider, model, tenant)`. Prices are those of genai-prices."),
    "external": ("Other companies' APIs", '`lookout.external("twilio")`: `call()`, `quota()`, `circuit()`.'),
    "messages": ("Messages", "`lookout.messages`: `sending(channel)`, or `sent(channel)` and `failed(channel)`."),
    "webhooks": ("Webhooks", "`lookout.webhooks.processing(source)`."),
    "payments": ("Payments", "`lookout.payments`: `ok`, `failed` and `refunded`, each with provider and amount."),
    "business": (
        "Business",
        "`lookout.business`: events, figures with `set_…`, and `refresh(function)` to keep them so.",
    ),
    "tenants": ("Tenants", "`lookout.tenants`: `event(tenant, event)` and `sites(tenant, count)`."),
    "usage": ("Usage", "`lookout.usage.used(what, name)`. Names are redacted, lower case, and at most 40 characters."),
    "web": ("Browsers and logins", "`lookout.web.js_error(kind)` and `lookout.oauth.login(provider, ok)`."),
    "costs": ("Costs", "`lookout.costs`: `budget`, `spent` and `set_spent`. Calls to models are added by themselves."),
}

_HEAD: Final = """# Metrics of an instrumented app

Every metric that the library can export, and what makes it exist: an app exports nothing of what it does not use. How
to use each is in [Instrument your app](../instrument.md). Rendered from the library's catalogue; a test keeps it fresh.

## How they are kept few

A label whose values come from outside has a budget: what comes after is counted as `other`, and
`instrumentation_folded_total` says how often that was. The budgets are
{budgets}, and {rest} for any other label.
Where a process reaches its `series_budget`, all that is new is counted as `other`. No value is longer than 60
characters. The values named below are all that there are: such a label needs no budget.

Counters start at zero where their labels are known: when a recorder is made or `declare` is called, else at the first
use. Calls and statements that fail are timed like all others.
"""

_COSTS: Final = """
Two ways lead to what a month has cost. `increase(cost_usd_total[30d])` needs nothing of the app, and outlives its
restarts. A calendar month is known to who keeps books: an app that stores what it spends, or reads the provider's bill,
reports it with `set_spent`, best from `lookout.business.refresh`. The library itself does not store the month,
because a process that restarts would lose it.
"""

_MODELS: Final = """
A model's label is its name without the date of a snapshot. What a call used is read by `call.response(answer)` from
answers of OpenAI's, Anthropic's and Google's shape, or passed with `call.usage(…)`; it is counted when the call ends,
also when that failed. The price list is the one that came with genai-prices: nothing is fetched, and a model that it
does not know is logged once.
"""

_AFTER: Final = {"costs": _COSTS, "llm": _MODELS}


def reference() -> str:
    """The whole page."""
    budgets = ", ".join(f"{number} for `{label}`" for label, number in sorted(LABEL_BUDGETS.items()))
    parts = [_HEAD.format(budgets=budgets, rest=DEFAULT_LABEL_BUDGET)]
    for part, (title, how) in PARTS.items():
        rows = [_row(metric) for metric in CATALOGUE if metric.part == part]
        table = "\n".join(["| Metric | Type | Labels | What it is |", "|---|---|---|---|", *rows])
        parts.append(f"## {title}\n\n{how}\n\n{table}\n{_AFTER.get(part, '')}")
    return "\n".join(parts)


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {metric.type} | {labels} | {metric.help}{_edges(metric)} |"


def _edges(metric: Metric) -> str:
    if metric.type != "histogram":
        return ""
    if not metric.buckets:
        return " Edges: the setting `buckets`, one of them at the latency limit."
    return f" Edges: {', '.join(f'{edge:g}' for edge in metric.buckets)}."


if __name__ == "__main__":
    sys.stdout.write(reference())
