from ...api.addresses import address
from . import views

urlpatterns = [address("health/", views.Health.as_view(), name="health")]
