"""No pages: the suite asks none."""

urlpatterns: list[object] = []
