from ...api.addresses import address
from . import views

urlpatterns = [
    address("rollouts/", views.Rollouts.as_view(), name="rollouts"),
    address("rollouts/<str:id>/", views.Rollout.as_view(), name="rollout"),
    address(
        "rollouts/<str:id>/rollback/", views.RolloutRollback.as_view(), name="rollout-rollback"
    ),
    address(
        "rollouts/<str:id>/<str:action>/", views.RolloutAction.as_view(), name="rollout-action"
    ),
]
