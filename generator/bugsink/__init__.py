"""Error tracking: Bugsink, set up without a browser, and the bridge by which its issues become alerts.

`plan` and `apply` are what the command line calls. `inside` runs in Bugsink's container and `bridge` in one of its own:
neither is imported here. Nothing in here prints.
"""

from generator.bugsink.provision import BugsinkError, Inside, Outcome, apply, plan

__all__ = ["BugsinkError", "Inside", "Outcome", "apply", "plan"]
