"""The base of all lists: rows are read, none is added or changed by hand."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partialmethod
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from ..submit.access import may, visible
from ..upload.database import outside_transactions, with_users

if TYPE_CHECKING:  # it takes no type at run time
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin

View = TypeVar("View", bound=Callable[..., Any])

LISTED = 5000
LIMIT = 200  # rows that one click handles
READ, POST, BOTH = ("GET", "HEAD"), ("POST",), ("GET", "HEAD", "POST")


class NewestList(ChangeList):
    """A list of the newest 5,000 rows without a count; `more` says that there are others."""

    def get_results(self, request: HttpRequest) -> None:
        first = (self.page_num - 1) * self.list_per_page
        end = min(first + self.list_per_page, LISTED)
        found = list(self.queryset[first : end + 1]) if 0 <= first < LISTED else []
        if self.page_num != 1 and not found:
            raise IncorrectLookupParameters
        self.more = len(found) > end - first
        self.result_list = found[: end - first]
        self.result_count = self.full_result_count = first + len(self.result_list)
        self.show_full_result_count = self.can_show_all = False
        self.show_admin_actions, self.multi_page = True, self.more or self.page_num > 1
        self.paginator = Paginator(range(min(first + len(found), LISTED)), self.list_per_page)
        self.page = self.paginator.page(self.page_num)


class Tool(NamedTuple):
    """A button above the list."""

    label: str | Promise
    url: str
    css_class: str = ""


@dataclass(frozen=True)
class Page:
    """
    A page of an admin: who may open it, how, and the label of the button that leads to it.

    It decorates the method that serves it; one that serves several gets the `name`.
    """

    name: str
    route: str
    methods: Sequence[str] = READ
    needs: str = "view"  # see `ReadOnlyAdmin.may`; "" asks for nothing
    button: str | Promise = ""
    css_class: str = ""

    def __call__(self, view: View) -> View:
        view.pages = (self, *getattr(view, "pages", ()))  # type: ignore[attr-defined]
        return view


class ReadOnlyAdmin(_ModelAdmin):
    """Rows are only read: no user may add, change or delete one."""

    # The lists are quick with a million rows: none is counted, and only orders and filters with an
    # index are allowed.
    show_facets = admin.ShowFacets.NEVER
    ordering: ClassVar[Any] = ("-id",)
    list_per_page = 50
    sees: ClassVar[Sequence[str]] = ()  # permissions of which one is needed; without, Django's own
    has_list: bool = True  # else its pages are all that there is

    class Media:
        css: Any = {"all": ["wx_static_store/admin.css", "wx_static_store/page.css"]}
        js: Any = ("wx_static_store/copy.js",)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    has_change_permission: ClassVar[Any] = has_add_permission
    has_delete_permission: ClassVar[Any] = has_add_permission

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        own = may(request.user, *self.sees)
        return own if self.sees else super().has_view_permission(request, obj)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return NewestList

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the rows that this user may see, with the users that they name."""
        # The users come from a query of their own: they may be in another database, or deleted.
        return visible(with_users(super().get_queryset(request)), request.user)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return lookup in {each.parameter_name for each in self.list_filter}  # type: ignore[union-attr]

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(page.route, view, name=self.page_name(page.name)) for page, view in self._pages()
        ]
        lists = super().get_urls() if self.has_list else []
        for url in lists:
            if url.name == self.page_name("changelist"):  # which runs the actions
                url.callback = outside_transactions(url.callback)
        return [*own, *lists]

    def _pages(self) -> Iterator[tuple[Page, Callable[..., Any]]]:
        """Yield each page of this admin and of its mixins, with its view."""
        # The base first, so that a button of the base stands before those of the mixins.
        for kind in reversed(type(self).__mro__):
            for name, view in vars(kind).items():
                for page in getattr(view, "pages", ()):
                    yield page, self._view_of(page, getattr(self, name), len(view.pages) > 1)

    def _view_of(self, page: Page, view: Callable[..., Any], is_named: bool) -> Callable[..., Any]:
        def allowed_view(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if page.needs and not self.may(request, page.needs):
                raise PermissionDenied
            request.current_app = self.admin_site.name
            return view(request, *args, **kwargs, **({"name": page.name} if is_named else {}))

        whole = self.admin_site.admin_view(require_http_methods([*page.methods])(allowed_view))
        # Outside of ATOMIC_REQUESTS, so that a failed upload keeps its row.
        return outside_transactions(whole)

    def may(self, request: HttpRequest, permission: str) -> bool:
        """Return whether this user may see the rows ("view"), or has a permission of the app."""
        if permission == "view":
            return self.has_view_permission(request)
        return may(request.user, permission)

    has_retry_permission: partialmethod[bool] = partialmethod(may, permission="retry")
    has_deploy_permission: partialmethod[bool] = partialmethod(may, permission="deploy")
    has_unpublish_permission: partialmethod[bool] = partialmethod(may, permission="unpublish")

    def page_name(self, page: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"

    def page_url(self, page: str, row: Model | None = None) -> str:
        """Return the address of a page of this admin, or of a page of the row."""
        args = [row.pk] if row else []
        name = f"admin:{self.page_name(page)}"
        return reverse(name, args=args, current_app=self.admin_site.name)

    def page_response(
        self, request: HttpRequest, page: str, context: dict[str, Any]
    ) -> TemplateResponse:
        """Render the template of a page of this model inside the admin."""
        request.current_app = self.admin_site.name
        template = f"admin/{self.opts.app_label}/{self.opts.model_name}/{page}.html"
        around = {
            "opts": self.opts,
            "media": self.media,
            "may_view": self.has_view_permission(request),
        }
        whole = self.admin_site.each_context(request) | around | context
        return TemplateResponse(request, template, whole)

    def object_tools(self, request: HttpRequest) -> list[Tool]:
        """Return the buttons above the list that this user may press."""
        return [
            Tool(page.button, self.page_url(page.name), page.css_class)
            for page, _view in self._pages()
            if page.button and (not page.needs or self.may(request, page.needs))
        ]

    def row_of(self, request: HttpRequest, object_id: str) -> Any:
        """Return the row; raise an error if this user may see no rows, or not this one."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if row := self.get_object(request, unquote(object_id)):
            return row
        raise Http404

    def _with_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Return the context of a row's page beside its fields."""
        raise NotImplementedError

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context |= self._with_context(request, context["original"])
        return super().render_change_form(request, context, *args, **kwargs)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"object_tools": self.object_tools(request)} | (extra_context or {})
        return super().changelist_view(request, context)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Forbid an action that the user lacks; Django would say that no action was selected."""
        wanted = filter(None, request.POST.getlist("action"))
        if not self.get_actions(request).keys() >= {*wanted}:
            raise PermissionDenied
        return super().response_action(request, queryset, *args, **kwargs)

    def few(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """Return the chosen rows; if they are too many for one click, none and a message."""
        rows = list(queryset.order_by("-id")[: LIMIT + 1])
        if len(rows) <= LIMIT:
            return rows
        self.message_user(request, too_many(), messages.ERROR)
        return []


def too_many() -> str:
    """Return why nothing was done with what is too much for one click."""
    why = ngettext(
        "At most %(limit)d row at a time: select fewer. Nothing was done.",
        "At most %(limit)d rows at a time: select fewer, or filter first. Nothing was done.",
        LIMIT,
    )
    return why % {"limit": LIMIT}
