"""What runs inside Bugsink: compares its state with the wanted one, and writes the difference if asked to.

Bugsink's HTTP API knows no webhooks and hands out a new token each time one asks for it, so this goes through its own
models, in its own container, by `bugsink-manage shell`. That ties it to the pinned version; the live test shows when a
new version behaves differently. It reads what is wanted from standard input, secrets included, imports nothing of ours,
and touches nothing but the admin, the team, the wanted projects (known by their numbers) and their own webhook.
"""

import json
import sys
from typing import Any

from alerts.models import MessagingServiceConfig  # type: ignore[import-not-found,import-untyped,unused-ignore]
from bugsink.transaction import immediate_atomic  # type: ignore[import-not-found,import-untyped,unused-ignore]
from django.contrib.auth import get_user_model  # type: ignore[import-not-found,import-untyped,unused-ignore]
from projects.models import (  # type: ignore[import-not-found,import-untyped,unused-ignore]
    Project,
    ProjectMembership,
    ProjectRole,
)
from teams.models import Team, TeamMembership, TeamRole  # type: ignore[import-not-found,import-untyped,unused-ignore]

MARK = "Lookout"


class Run:
    """One comparison. Every difference is a sentence in `changes`, and is fixed at once when `apply` is on."""

    def __init__(self, wanted: dict[str, Any]) -> None:
        self.wanted = wanted
        self.apply = bool(wanted["apply"])
        self.changes: list[str] = []
        self.notes: list[str] = []

    def all(self) -> None:
        """Admin, team, projects; then what is left over."""
        self.admin()
        team = Team.objects.filter(name=MARK).first()
        if team is None:
            self.changes.append(f"create team {MARK}")
            team = Team.objects.create(name=MARK) if self.apply else None
        for each in self.wanted["projects"]:
            self.project(each, team)
        numbers = [each["id"] for each in self.wanted["projects"]]
        ours = Project.objects.filter(service_configs__display_name=MARK, is_deleted=False).distinct()
        for left in ours.exclude(id__in=numbers).order_by("name"):
            self.notes.append(f"project {left.name} has no service any more; it stays, with all its reports")

    def admin(self) -> None:
        """The account `admin`; its password is what the file says."""
        name, password = self.wanted["admin"], self.wanted["password"]
        user = get_user_model().objects.filter(username=name).first()
        if user is None:
            self.changes.append(f"create user {name}")
            if self.apply:
                get_user_model().objects.create_superuser(username=name, email="", password=password)
        elif not user.check_password(password):
            self.changes.append(f"update user {name}: password")
            if self.apply:
                user.set_password(password)
                user.save(update_fields=["password"])

    def project(self, each: dict[str, Any], team: Any) -> None:
        """One project: its key, its name, its webhook."""
        project = Project.objects.filter(id=each["id"]).first()
        if project is not None and project.is_deleted:
            self.notes.append(f"project {project.name} is being deleted in Bugsink; apply again when it is gone")
            return
        if project is None:
            if team is not None and Project.objects.filter(team=team, name=each["name"]).exists():
                self.notes.append(f"project {each['name']} was made by hand in team {MARK}: rename it, and apply again")
                return
            self.changes.append(f"create project {each['name']}")
            if not self.apply:
                return
            project = Project(id=each["id"], team=team, name=each["name"], sentry_key=each["key"])
            project.save(force_insert=True)
            self.join(project)
        elif self.differs(project, each) and self.apply:
            project.name, project.sentry_key = each["name"], each["key"]
            project.save(update_fields=["name", "sentry_key"])
        self.webhook(project, {"webhook_url": self.wanted["webhook"]})

    def join(self, project: Any) -> None:
        """The admin sees a new project among its own; it gets no e-mail, because mail is not set up."""
        user = get_user_model().objects.get(username=self.wanted["admin"])
        settings = {"accepted": True, "send_email_alerts": False}
        TeamMembership.objects.get_or_create(
            team=project.team, user=user, defaults={"role": TeamRole.ADMIN, **settings}
        )
        ProjectMembership.objects.create(project=project, user=user, role=ProjectRole.ADMIN, **settings)

    def differs(self, project: Any, each: dict[str, Any]) -> bool:
        """Whether name or key are not the wanted ones."""
        fields = {"name": project.name == each["name"], "key": project.sentry_key.hex == each["key"]}
        wrong = [name for name, same in fields.items() if not same]
        if wrong:
            self.changes.append(f"update project {each['name']}: {', '.join(wrong)}")
        return bool(wrong)

    def webhook(self, project: Any, config: dict[str, str]) -> None:
        """The one messaging service that carries our mark; others of the project are not ours."""
        found = MessagingServiceConfig.objects.filter(project=project, display_name=MARK).first()
        if found is not None and found.kind == "custom" and json.loads(found.config) == config:
            return
        self.changes.append(f"{'create' if found is None else 'update'} webhook of project {project.name}")
        if self.apply:
            found = found or MessagingServiceConfig(project=project, display_name=MARK)
            found.kind, found.config = "custom", json.dumps(config)
            found.save()


def main() -> None:
    """Compare, perhaps write, and print the outcome as one line."""
    run = Run(json.load(sys.stdin))
    with immediate_atomic():
        run.all()
    print(f"{MARK}:{json.dumps({'changes': run.changes, 'notes': run.notes})}")


main()
