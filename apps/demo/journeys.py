"""What the demo's users do, one request at a time: who they are, what they ask for, how often.

Owns the crowd and the dice. Sending is the traffic generator's business; what a request is called here is in CHOICES.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import uuid_utils

from demo.made_up import DECLINED_CARD, ITEM_COUNT, REFUSED_CODE, TENANTS

# The users that the generator remembers; others keep their accounts and do not return.
CROWD: Final = 400
PASSWORD: Final = "correct-horse-battery"

_QUERIES: Final = ("oak", "lamp", "small desk", "copper bowl", "wool rug", "glass", "nothing like it")
_SENTENCES: Final = (
    "The lamp arrived on Tuesday and works well.",
    "Delivery took longer than expected, but support was kind.",
    "Would buy again!",
    "Is the larger desk available in oak?",
)


@dataclass(eq=False)
class Person:
    """One user as the generator knows them."""

    email: str
    tenant: str
    token: str = ""
    tier: str = "free"
    payment: str = ""
    by_oauth: bool = False


@dataclass(frozen=True)
class Request:
    """One request, and what its answer means to the crowd."""

    method: str
    path: str
    body: Any = None
    person: Person | None = None
    query: dict[str, str] | None = None
    note: Callable[[Any], None] = field(default=lambda _answer: None)


class Crowd:
    """The people, and what each does next."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._people: list[Person] = []
        self._analyses: list[str] = []

    def next(self) -> Request:
        """The next request of a user."""
        weights = [weight for _, weight in CHOICES]
        choice = self._dice.choices(CHOICES, weights)[0][0]
        return choice(self)

    def expired(self, person: Person | None) -> None:
        """The session of a user has ended: they will log in again."""
        if person is not None:
            person.token = ""

    # --- everybody ---

    def item(self) -> Request:
        """A few items are requested often, most rarely: like real demand, so that a cache is useful."""
        number = min(int(self._dice.paretovariate(0.8)), ITEM_COUNT)
        return Request("GET", f"/items/{number}", person=self._known_user())

    def page(self) -> Request:
        """A page of the list."""
        return Request("GET", "/items", query={"page": str(self._dice.randrange(12))})

    def search(self) -> Request:
        """One of few things."""
        return Request("GET", "/search", query={"q": self._dice.choice(_QUERIES)})

    def nothing(self) -> Request:
        """A link that leads nowhere."""
        return Request("GET", f"/items/{ITEM_COUNT + 1}")

    def analyse(self) -> Request:
        """A short text."""
        return self._analysis(8)

    def analyse_long(self) -> Request:
        """A text that the worker gets."""
        return self._analysis(80)

    def analysis(self) -> Request:
        """One of those made before."""
        return Request("GET", f"/analyses/{self._dice.choice(self._analyses)}") if self._analyses else self.search()

    def js_error(self) -> Request:
        """A browser that stumbled."""
        kind = self._dice.choice(("TypeError", "NetworkError"))
        return Request("POST", "/client-errors", {"kind": kind, "message": "x is undefined"})

    # --- accounts ---

    def register(self) -> Request:
        """A new user."""
        person = Person(f"{uuid_utils.uuid7().hex}@example.test", self._dice.choice(TENANTS))
        body = {"email": person.email, "password": PASSWORD, "tenant": person.tenant}
        return Request("POST", "/register", body, note=lambda answer: self._welcome(person, answer))

    def oauth(self) -> Request:
        """A user who logs in through another provider; a few are refused."""
        known = [person for person in self._people if person.by_oauth]
        if known and self._dice.random() < 0.7:
            person = self._dice.choice(known)
        else:
            person = Person(f"code-{uuid_utils.uuid7().hex}", self._dice.choice(TENANTS), by_oauth=True)
        refused = self._dice.random() < 0.02
        return self._oauth(person, REFUSED_CODE if refused else person.email)

    def login(self) -> Request:
        """A user returns; a few mistype their password."""
        if not self._people:
            return self.register()
        person = self._dice.choice(self._people)
        if person.by_oauth:
            return self._oauth(person, person.email)
        wrong = self._dice.random() < 0.03
        body = {"email": person.email, "password": "mistyped" if wrong else PASSWORD}
        return Request("POST", "/login", body, note=lambda answer: self._welcome(person, answer))

    def me(self) -> Request:
        """A look at one's own account."""
        return self._known(lambda person: Request("GET", "/me", person=person))

    def export(self) -> Request:
        """The tenant's analyses, later, by message."""
        return self._known(lambda person: Request("POST", "/exports", person=person))

    def lead(self) -> Request:
        """A visitor left an address."""
        return self._known(lambda person: Request("POST", "/leads", {"site": 1}, person))

    def upgrade(self) -> Request:
        """From free to basic, from basic to premium; one card in a hundred is declined."""
        return self._known(self._upgrade, lambda person: person.tier != "premium")

    def cancel(self) -> Request:
        """A user cancels; one in four also wants a refund."""
        return self._known(self._cancel, lambda person: person.tier != "free")

    # --- how ---

    def _known_user(self) -> Person | None:
        known = self._logged_in()
        return self._dice.choice(known) if known and self._dice.random() < 0.5 else None

    def _logged_in(self) -> list[Person]:
        return [person for person in self._people if person.token]

    def _known(self, do: Callable[[Person], Request], who: Callable[[Person], bool] = lambda _: True) -> Request:
        known = [person for person in self._logged_in() if who(person)]
        return do(self._dice.choice(known)) if known else self.login()

    def _analysis(self, sentences: int) -> Request:
        text = " ".join(self._dice.choices(_SENTENCES, k=sentences))
        return Request("POST", "/analyze", {"text": text}, self._known_user(), note=self._remember)

    def _remember(self, answer: Any) -> None:
        self._analyses = [*self._analyses[-9:], answer["id"]]

    def _oauth(self, person: Person, code: str) -> Request:
        body = {"provider": "google", "code": code, "tenant": person.tenant}
        return Request("POST", "/login/oauth", body, note=lambda answer: self._welcome(person, answer))

    def _welcome(self, person: Person, answer: Any) -> None:
        person.token = answer["token"]
        if person not in self._people:
            self._people = [*self._people[-(CROWD - 1) :], person]

    def _upgrade(self, person: Person) -> Request:
        tier = "basic" if person.tier == "free" else "premium"
        card = DECLINED_CARD if self._dice.random() < 0.01 else "tok_visa"

        def note(answer: Any) -> None:
            person.tier, person.payment = answer["tier"], answer["payment"]

        return Request("POST", "/upgrade", {"tier": tier, "card": card}, person, note=note)

    def _cancel(self, person: Person) -> Request:
        payment, back = person.payment, self._dice.random() < 0.25

        def note(_answer: Any) -> None:
            person.tier, person.payment = "free", ""

        path = f"/payments/{payment}/refund" if back and payment else "/cancel"
        return Request("POST", path, person=person, note=note)


# How often, in relation to each other.
CHOICES: Final[tuple[tuple[Callable[[Crowd], Request], float], ...]] = (
    (Crowd.item, 50),
    (Crowd.page, 6),
    (Crowd.search, 18),
    (Crowd.analyse, 9),
    (Crowd.analyse_long, 1),
    (Crowd.analysis, 5),
    (Crowd.login, 4),
    (Crowd.oauth, 1),
    (Crowd.register, 1),
    (Crowd.me, 2),
    (Crowd.lead, 1),
    (Crowd.export, 0.6),
    (Crowd.upgrade, 0.6),
    (Crowd.cancel, 0.2),
    (Crowd.js_error, 0.2),
    (Crowd.nothing, 0.2),
)
