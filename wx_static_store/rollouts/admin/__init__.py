"""
The admin: the rollouts, and how environments stand.

    rollouts     the list of rollouts, and the page of one rollout
    overview     the page *Overview*, and the page of one environment
    page         what is done with a rollout from its page
    progress     how far a rollout is, as its page shows it
    columns      the columns of the rollouts
    environment  what the page of one environment shows
    table        what the page *Overview* shows
    hosting      the address of a site, and the state of its static hosting
    charts       small charts as SVG
"""

from .overview import OverviewAdmin
from .rollouts import RolloutAdmin

__all__ = ["OverviewAdmin", "RolloutAdmin"]
