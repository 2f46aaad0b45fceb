"""The people of a plan. Owns who there is; what they write is `streams.traffic.run`'s."""

from random import Random

from streams.traffic.businesses import Business, businesses
from streams.traffic.people import Person, people
from streams.traffic.plan import TrafficPlan


class Population:
    """The plan's businesses and people; immutable, so that its traffic can be run many times."""

    def __init__(self, plan: TrafficPlan) -> None:
        self.plan = plan
        self.businesses: tuple[Business, ...] = businesses(plan.tenants)
        # Not for secrets: the seed is what makes the answer known.
        rng = Random(plan.seed)  # noqa: S311
        self.people: tuple[Person, ...] = tuple(people(plan.people, self.businesses, rng))
