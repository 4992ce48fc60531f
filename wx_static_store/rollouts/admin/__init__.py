"""
The admin: the rollouts, and the state of environments.

    rollouts     the list of rollouts, and the page of one with its buttons
    overview     the page *Overview*, and the page of one environment
    progress     the columns of the rollouts, and the values for the page of one
    table        the values for the page *Overview*: sites, their hosting, drift, failures
"""

from .overview import OverviewAdmin
from .rollouts import RolloutAdmin

__all__ = ["OverviewAdmin", "RolloutAdmin"]
