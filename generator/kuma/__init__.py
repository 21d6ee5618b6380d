"""Uptime Kuma, bootstrapped without a browser and reconciled from the rendered uptime-kuma/monitors.json.

`plan` and `apply` are what the command line calls; `bootstrap` alone makes the admin account and the API key.
Nothing in here prints. Whatever a user has to know is raised as KumaError, with a message and a hint.
"""

from generator.kuma.bootstrap import BootstrapResult, bootstrap
from generator.kuma.changes import FieldChange, KumaChange, KumaPlan
from generator.kuma.errors import KumaError, NoAnswer, SecretMissing
from generator.kuma.loader import load_monitors, parse_monitors
from generator.kuma.model import MonitorsFile
from generator.kuma.planner import plan_kuma
from generator.kuma.reconcile import KumaResult, apply, plan

__all__ = [
    "BootstrapResult",
    "FieldChange",
    "KumaChange",
    "KumaError",
    "KumaPlan",
    "KumaResult",
    "MonitorsFile",
    "NoAnswer",
    "SecretMissing",
    "apply",
    "bootstrap",
    "load_monitors",
    "parse_monitors",
    "plan",
    "plan_kuma",
]
