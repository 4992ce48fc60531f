from django.apps import apps
from django.contrib import admin
from django.contrib.admin.views.decorators import staff_member_required
from django.urls import include, path
from django.utils.translation import gettext_lazy as _
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from .csp import allowing

admin.site.site_header = admin.site.site_title = _("Tea House")
admin.site.index_title = _("Everything you save here is public")

# Its script has an address of its own, so nothing is inline.
swagger = SpectacularSwaggerSplitView.as_view(template_name="documents/swagger.html")

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("documents.urls")),
    path("i18n/", include("django.conf.urls.i18n")),  # the choice of the language
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    # The icons of its style sheet are data: addresses.
    path("api/swagger/", allowing(staff_member_required(swagger), img="data:"), name="swagger"),
]
if apps.is_installed("wx_static_store.callback"):
    urlpatterns.append(path("wx/callback/", include("wx_static_store.callback.urls")))
urlpatterns.append(path("wx/", include("wx_static_store.api.urls")))
