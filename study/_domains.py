"""The four kinds of domain. `_domain` has their contract."""

from tunesmith.study._listed import CategoricalDomain, DiscreteDomain
from tunesmith.study._numeric import DoubleDomain, IntDomain
from tunesmith.study._scale import Distribution

Domain = DoubleDomain | IntDomain | DiscreteDomain | CategoricalDomain

__all__ = ["CategoricalDomain", "DiscreteDomain", "Distribution", "Domain", "DoubleDomain", "IntDomain"]
