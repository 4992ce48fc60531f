"""
The admin: the rollouts, and the state of environments.

    rollouts     the list of rollouts, and the page of one rollout
    overview     the page *Overview*, and the page of one environment
    page         the page of a rollout and its buttons
    progress     the progress of a rollout, as its page shows it
    columns      the columns of the rollouts
    environment  the values for the page of one environment
    table        the values for the page *Overview*
    hosting      the address of a site, and the state of its static hosting
    charts       small charts as SVG
"""

from .overview import OverviewAdmin
from .rollouts import RolloutAdmin

__all__ = ["OverviewAdmin", "RolloutAdmin"]
