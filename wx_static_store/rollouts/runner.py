"""Hand the core's deploys to workers: each is a rollout to one environment."""

from typing import Any

from ..releases.rollback import Move
from ..submit.queue import is_available as is_available
from .lifecycle import hand_over as hand_over


def answer(request: Any, using: str, move: Move) -> Any:
    """Start the rollout for the API; return its answer."""
    # Imported late: a project may be without the API.
    from .api import views

    return views.begin_move(request, using, move)


def answer_serializer() -> Any:
    """Return the serializer of that answer."""
    from .api.serializers import RolloutBegunSerializer

    return RolloutBegunSerializer
