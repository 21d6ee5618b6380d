"""What the product costs: its tiers and their price a month."""

from typing import Final, Literal

Paid = Literal["basic", "premium"]

MONTHLY_CENTS: Final[dict[str, int]] = {"free": 0, "basic": 900, "premium": 2900}
# The steps of the funnel: an account, then a plan that is paid for, then the larger one.
FUNNEL: Final = ("free", "basic", "premium")


def monthly_usd(users_by_tier: dict[str, int]) -> float:
    """Revenue of one month at the present number of customers."""
    return sum(MONTHLY_CENTS[tier] * count for tier, count in users_by_tier.items()) / 100
