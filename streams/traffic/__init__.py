"""A believable population's traffic, seeded, so that the true answer is known.

Pure but for `sender`, which puts records on the cluster; nothing here knows how customers are made.
"""

from streams.traffic.plan import InvalidPlan, TrafficPlan
from streams.traffic.population import Population
from streams.traffic.run import Traffic, TrafficRun
from streams.traffic.truth import CustomerTruth, Statistics, TenantTruth, Truth

__all__ = [
    "CustomerTruth",
    "InvalidPlan",
    "Population",
    "Statistics",
    "TenantTruth",
    "Traffic",
    "TrafficPlan",
    "TrafficRun",
    "Truth",
]
