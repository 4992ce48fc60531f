"""Who may upload what, where; each rule with the permission that lifts it, and what no one may."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError

from tests.conftest import ENV
from tests.submit.conftest import HERE, UserWith, ask, code
from tests.tables import each
from wx_static_store.conf.offered import Offer
from wx_static_store.conf.settings import resolve
from wx_static_store.core.refusals import IN_PROGRESS, PolicyRejected
from wx_static_store.core.types import UploadContext, UploadItem
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import ConfigurationError, WeChatThrottled
from wx_static_store.submit import policy
from wx_static_store.submit.access import reach
from wx_static_store.submit.policy import Target, authorize_upload, generated_name
from wx_static_store.upload.claims import Claim
from wx_static_store.upload.uploader import get_uploader

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 600


# --- the item ---------------------------------------------------------------------------------


def test_an_authorized_item_is_what_is_stored(cloud: EmulatorServer, user_with: UserWith) -> None:
    item = ask(user_with("upload"), "uploads/图/a.png", PNG)
    get_uploader().upload(item, UploadContext("admin"))
    stored = cloud.objects()["uploads/图/a.png"]
    assert (stored.body, stored.headers["Content-Type"]) == (PNG, "image/png")


def test_an_authorized_file_is_rewound_and_stays_open(
    cloud: EmulatorServer, user_with: UserWith
) -> None:
    file = io.BytesIO(PNG)
    item = authorize_upload(
        user_with("upload"), HERE, "uploads/a.png", file, size=len(PNG), claim=Claim()
    )
    assert file.tell() == 0
    assert item.open() is file
    assert not item.close


@pytest.mark.parametrize("declared", [0, 3, 10**6])
def test_the_size_of_a_file_is_counted(
    cloud: EmulatorServer, user_with: UserWith, declared: int
) -> None:
    assert ask(user_with("upload"), body=b"12345", size=declared).size == 5


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("uploads/a.csv", "text/csv; charset=utf-8"),
        ("uploads/a.PNG", "image/png"),
        ("uploads/a.zzz", "application/octet-stream"),
    ],
)
def test_the_content_type_comes_from_our_table(
    cloud: EmulatorServer, user_with: UserWith, name: str, expected: str
) -> None:
    """S20: a browser's word for it is never asked."""
    body = PNG if name.endswith("PNG") else b"x"
    item = ask(user_with("upload", "upload_active_content"), name, body)
    assert item.content_type is None
    assert get_uploader().headers(item).content_type == expected


def test_an_empty_file_is_authorized(cloud: EmulatorServer, user_with: UserWith) -> None:
    """B25; there is nothing in it that could disagree with its name."""
    assert ask(user_with("upload"), "uploads/a.png", b"").size == 0


def test_the_key_of_an_upload_is_known_before_its_bytes(
    configure: Any, user_with: UserWith
) -> None:
    cloud = configure(WX_STATIC_STORE={"UPLOAD_MAX_SIZE": 10})
    user, nothing = user_with("upload"), io.BytesIO()
    to = policy.target(user, "staticfiles")
    key = policy.key_for(user, to, "uploads/a.png", nothing, size=10)
    assert key == "static/uploads/a.png"
    for name, size in (("uploads/a.png", 11), ("uploads/a.html", 1), ("a.png", 1)):
        with pytest.raises(PolicyRejected):
            policy.key_for(user, to, name, nothing, size=size)
    assert cloud.calls() == []


# --- who --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["uploads/a.txt", "../a", "index.html"])
def test_without_the_permission_no_other_reason_is_shown(
    cloud: EmulatorServer, user_with: UserWith, name: str
) -> None:
    """B48."""
    others = ("replace", "replace_protected", "upload_active_content", "retry", "view_uploadlog")
    users = [
        AnonymousUser(),
        user_with(is_staff=True),
        user_with(*others),
        user_with("upload", is_active=False),
        user_with(is_superuser=True, is_active=False),
    ]
    assert [code(user, name) for user in users] == ["forbidden"] * len(users)
    assert cloud.calls() == []


def test_a_generated_name_keeps_the_folder_and_the_last_ending() -> None:
    """S18."""
    names = [generated_name("uploads/2024/Photo.php.JPG") for _number in range(2)]
    assert all(re.fullmatch(r"uploads/2024/[0-9a-f]{32}\.jpg", name) for name in names)
    assert names[0] != names[1]


@pytest.mark.parametrize("name", ["README", "a."])
def test_a_generated_name_has_no_ending_where_there_is_none(name: str) -> None:
    assert re.fullmatch("[0-9a-f]{32}", generated_name(name))


@pytest.mark.parametrize(
    ("permissions", "allowed"),
    [
        ((), set()),
        (("replace", "upload_active_content", "replace_protected"), set()),
        (("upload",), set()),
        (("upload", "replace"), {"replace"}),
        (("upload", "upload_active_content"), {"active_content"}),
        (("upload", "replace_protected"), {"protected_names"}),
    ],
)
def test_a_user_s_other_permissions_need_the_permission_to_upload(
    configure: Any, user_with: UserWith, permissions: tuple[str, ...], allowed: set[str]
) -> None:
    configure(WX_STATIC_STORE={"UPLOAD_MAX_SIZE": 10})
    rules = ("replace", "active_content", "protected_names")
    assert policy.permissions_of(user_with(*permissions)) == {
        "max_size": 10,
        **{rule: rule in allowed for rule in rules},
    }


# --- settings ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("location", "inside"), [("uploads", "uploads/a.txt"), ("a/文", "a/文/a.txt"), ("", "a.txt")]
)
def test_the_folder_for_uploads_is_a_setting(
    configure: Any, user_with: UserWith, location: str, inside: str
) -> None:
    configure(WX_STATIC_STORE={"UPLOAD_LOCATION": location})
    assert code(user_with("upload"), inside) == ""
    assert code(user_with("upload"), "elsewhere/a.txt") == ("folder" if location else "")


def test_the_folder_for_uploads_is_below_the_location_of_the_store(
    configure: Any, user_with: UserWith
) -> None:
    cloud = configure()
    user = user_with("upload")
    item = authorize_upload(
        user,
        policy.target(user, "staticfiles"),
        "uploads/a.txt",
        io.BytesIO(),
        size=0,
        claim=Claim(),
    )
    get_uploader("staticfiles").upload(item, UploadContext("admin"))
    assert list(cloud.objects()) == ["static/uploads/a.txt"]


def test_one_put_of_five_gigabytes_is_the_most_that_may_be_set(settings: Any) -> None:
    settings.WX_STATIC_STORE = {"ENV": "demo", "UPLOAD_MAX_SIZE": 5 * 2**30}
    assert resolve("media").upload_max_size == 5 * 2**30


# --- the project's own check ------------------------------------------------------------------


def refuse_eicar(user: Any, name: str, file: Any) -> None:
    assert user.has_perm("wx_static_store.upload")
    if b"EICAR" in file.read():
        raise ValidationError("%(name)s has a virus.", params={"name": name})


@pytest.mark.parametrize("check", [refuse_eicar, "tests.submit.test_policy.refuse_eicar"])
def test_the_project_s_own_check_binds_everybody(
    configure: Any, user_with: UserWith, check: Any
) -> None:
    cloud = configure(WX_STATIC_STORE={"UPLOAD_CHECK": check})
    user = user_with(is_superuser=True)
    with pytest.raises(PolicyRejected, match=r"uploads/a\.txt has a virus") as caught:
        ask(user, body=b"x" * 600 + b"EICAR")
    assert caught.value.code == "content"
    assert cloud.calls() == []


def test_a_file_that_passes_the_check_is_at_its_start_again(
    configure: Any, user_with: UserWith
) -> None:
    configure(WX_STATIC_STORE={"UPLOAD_CHECK": refuse_eicar})
    assert ask(user_with("upload"), body=b"good").open().read() == b"good"


def test_nothing_is_uploaded_while_the_check_fails(configure: Any, user_with: UserWith) -> None:
    def broken(user: Any, name: str, file: Any) -> None:
        raise OSError("the scanner is down")

    configure(WX_STATIC_STORE={"UPLOAD_CHECK": broken})
    failed = r"UPLOAD_CHECK failed \(OSError: the scanner"
    with pytest.raises(ConfigurationError, match=failed) as caught:
        ask(user_with(is_superuser=True))
    assert caught.value.stage == "policy"


def test_the_check_reads_the_file_from_its_start(configure: Any, user_with: UserWith) -> None:
    read = []
    configure(WX_STATIC_STORE={"UPLOAD_CHECK": lambda user, name, file: read.append(file.read())})
    ask(user_with("upload"), body=b"good")
    assert read == [b"good"]


# --- what is there already --------------------------------------------------------------------


def put(name: str, body: bytes = b"first") -> None:
    """Past the policy, and past the log: somebody else's upload."""
    item = UploadItem(name, open=lambda: io.BytesIO(body))
    assert get_uploader().transfer(item).error is None


@pytest.mark.parametrize(
    ("permissions", "overwrite", "refused"),
    [
        ((), False, "exists"),
        ((), True, "exists"),
        (("replace",), False, "exists"),
        (("replace",), True, ""),
        (("replace_protected", "upload_active_content"), True, "exists"),
    ],
)
def test_overwriting_needs_the_flag_and_the_permission(
    cloud: EmulatorServer,
    user_with: UserWith,
    permissions: tuple[str, ...],
    overwrite: bool,
    refused: str,
) -> None:
    """B60."""
    put("uploads/a.txt")
    user = user_with("upload", *permissions)
    assert code(user, body=b"other", overwrite=overwrite) == refused


def test_nothing_is_overwritten_unless_that_is_asked_for(
    cloud: EmulatorServer, user_with: UserWith
) -> None:
    put("uploads/a.txt")
    assert code(user_with("upload", "replace"), body=b"other") == "exists"


def claim(key: str) -> bool:
    """Return whether another upload may claim the key."""
    return Claim().take(get_uploader().options, key)


def test_an_authorized_key_is_claimed(cloud: EmulatorServer, user_with: UserWith) -> None:
    ask(user_with("upload"), "uploads/a.txt")
    assert not claim("uploads/a.txt")
    assert claim("uploads/b.txt")


def test_a_key_that_another_upload_claimed_is_refused_and_named(
    cloud: EmulatorServer, user_with: UserWith
) -> None:
    claim("uploads/a.txt")
    with pytest.raises(PolicyRejected, match=r"uploads/a\.txt") as caught:
        ask(user_with("upload"), "uploads/a.txt")
    assert caught.value.code == IN_PROGRESS.code
    assert cloud.calls() == []


def test_a_key_that_exists_is_named_and_not_claimed(
    cloud: EmulatorServer, user_with: UserWith
) -> None:
    put("uploads/a.txt")
    with pytest.raises(PolicyRejected, match=r"uploads/a\.txt"):
        ask(user_with("upload"), "uploads/a.txt")
    assert claim("uploads/a.txt")


def test_a_precondition_is_asked_with_the_key_before_the_cloud(
    cloud: EmulatorServer, user_with: UserWith
) -> None:
    asked = []

    def precondition(key: str) -> None:
        asked.append(key)
        raise LookupError

    with pytest.raises(LookupError):
        ask(user_with("upload"), "uploads/a.txt", precondition=precondition)
    assert asked == ["uploads/a.txt"]
    assert cloud.calls() == []


@pytest.mark.parametrize("overwrite", [False, True])
def test_the_same_bytes_replace_nothing(
    cloud: EmulatorServer, user_with: UserWith, overwrite: bool
) -> None:
    put("uploads/a.txt", b"first")
    assert code(user_with("upload"), body=b"first", overwrite=overwrite) == ""


def test_the_name_of_a_deleted_file_is_free(cloud: EmulatorServer, user_with: UserWith) -> None:
    from django.core.files.storage import default_storage

    put("uploads/a.txt")
    default_storage.delete("uploads/a.txt")
    assert code(user_with("upload")) == ""


def test_a_key_that_only_begins_alike_is_another(
    cloud: EmulatorServer, user_with: UserWith
) -> None:
    put("uploads/a.txt.zip")
    assert code(user_with("upload")) == ""


def test_where_it_may_be_overwritten_the_cloud_is_not_asked(
    cloud: EmulatorServer, user_with: UserWith
) -> None:
    ask(user_with("upload", "replace"), overwrite=True)
    assert cloud.calls() == []


def test_nothing_is_authorized_while_the_cloud_does_not_answer(
    cloud: EmulatorServer, user_with: UserWith
) -> None:
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 45009})
    with pytest.raises(WeChatThrottled):
        ask(user_with("upload"))


# --- where ------------------------------------------------------------------------------------


def offers(user: Any) -> dict[str, str]:
    """Each user what the first name says."""
    return {env: env.title() for env in user.first_name.split()}


@pytest.fixture
def tenants(configure: Any) -> EmulatorServer:
    server: EmulatorServer = configure(WX_STATIC_STORE={"ENVIRONMENTS": offers})
    return server


def test_each_alias_is_offered_at_its_own_environment(configure: Any, user_with: UserWith) -> None:
    storage = {"BACKEND": "wx_static_store.storage.WxStorage"}
    configure(
        STORAGES={
            "default": storage,
            "shop": storage | {"OPTIONS": {"env": "tenant-b"}},
            "local": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        }
    )
    user = user_with("upload")
    assert policy.stores_for(user) == [
        Target("default", ENV, f"default: {ENV}"),
        Target("shop", "tenant-b", "shop: tenant-b"),
    ]
    assert policy.target(user, "shop").env == "tenant-b"


def test_environments_offer_each_user_his_own(tenants: EmulatorServer, user_with: UserWith) -> None:
    user = user_with("upload", first_name=f"tenant-b {ENV}")
    assert [(one.using, one.env) for one in policy.stores_for(user)] == [
        ("default", "tenant-b"),
        ("default", ENV),
        ("staticfiles", "tenant-b"),
        ("staticfiles", ENV),
    ]
    assert policy.stores_for(user)[0].label == "default: Tenant-B"
    assert reach(user) == {"tenant-b": Offer("Tenant-B"), ENV: Offer(ENV.title())}


@each(
    ("offered", "env", "found"),
    [
        (f"tenant-b {ENV}", None, ENV),
        (f"tenant-b {ENV}", "tenant-b", "tenant-b"),
        ("tenant-b", None, ""),
        ("tenant-b", ENV, ""),
        ("tenant-b", "", ""),
        ("", None, ""),
        ("", "tenant-b", ""),
    ],
)
@each("superuser", [False, True])
def test_only_offered_environments_can_be_used(
    tenants: EmulatorServer,
    user_with: UserWith,
    offered: str,
    env: str | None,
    found: str,
    superuser: bool,
) -> None:
    """The store's own environment, too, and for a superuser, too."""
    user = user_with("upload", first_name=offered, is_superuser=superuser)
    if found:
        assert policy.target(user, "default", env).env == found
        return
    with pytest.raises(PolicyRejected) as caught:
        policy.target(user, "default", env)
    assert caught.value.code == "environment"
    assert env or ENV not in str(caught.value)


@pytest.mark.parametrize("offered", ["tenant-b", ""])
@pytest.mark.parametrize(
    ("env", "shown"),
    [
        (None, "You may not publish to the environment of the store default."),
        ("tenant-c", "The environment tenant-c is not offered to you."),
    ],
)
def test_an_environment_that_is_not_offered_is_named_as_what_it_is(
    tenants: EmulatorServer, user_with: UserWith, offered: str, env: str | None, shown: str
) -> None:
    with pytest.raises(PolicyRejected) as caught:
        policy.target(user_with("upload", first_name=offered), "default", env)
    assert (caught.value.message, caught.value.code) == (shown, "environment")


@pytest.mark.parametrize(
    ("using", "env", "code"),
    [
        ("nowhere", None, "store"),
        ("default", "tenant-b", "environment"),
        ("default", "", "environment"),
        ("", None, "store"),
    ],
)
def test_without_environments_only_the_store_s_own_can_be_meant(
    cloud: EmulatorServer, user_with: UserWith, using: str, env: str | None, code: str
) -> None:
    with pytest.raises(PolicyRejected) as caught:
        policy.target(user_with(is_superuser=True), using, env)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("using", "env", "named"),
    [("nowhere", None, "nowhere"), ("nowhere", "tenant-b", "nowhere (tenant-b)")],
)
def test_an_unknown_store_is_named_as_it_was_asked_for(
    cloud: EmulatorServer,
    user_with: UserWith,
    caplog: pytest.LogCaptureFixture,
    using: str,
    env: str | None,
    named: str,
) -> None:
    with pytest.raises(PolicyRejected) as caught:
        policy.target(user_with("upload"), using, env, uploads=False)
    assert caught.value.message == f"{named} is no store that you may use."
    assert caplog.records == []


@pytest.fixture
def closed(configure: Any) -> EmulatorServer:
    """One store of two, and two environments."""
    changes = {"UPLOAD_STORES": ["default"], "ENVIRONMENTS": offers}
    server: EmulatorServer = configure(WX_STATIC_STORE=changes)
    return server


@pytest.mark.parametrize("superuser", [False, True])
def test_a_store_that_is_closed_for_uploads_is_not_offered(
    closed: EmulatorServer, user_with: UserWith, superuser: bool
) -> None:
    user = user_with("upload", first_name=f"{ENV} tenant-b", is_superuser=superuser)
    assert [(one.using, one.env) for one in policy.stores_for(user)] == [
        ("default", ENV),
        ("default", "tenant-b"),
    ]


@pytest.mark.parametrize("env", [None, ENV, "tenant-b", "unheard-of"])
def test_a_closed_store_is_refused_as_closed_whatever_the_environment(
    closed: EmulatorServer, user_with: UserWith, env: str | None
) -> None:
    with pytest.raises(PolicyRejected) as caught:
        policy.target(user_with("upload", first_name=f"{ENV} tenant-b"), "staticfiles", env)
    shown = "The store staticfiles is not open for uploads."
    assert (caught.value.code, caught.value.message) == ("store_closed", shown)


def test_an_empty_list_of_stores_closes_all_stores(configure: Any, user_with: UserWith) -> None:
    configure(WX_STATIC_STORE={"UPLOAD_STORES": []})
    assert policy.stores_for(user_with(is_superuser=True)) == []


def test_the_files_of_a_closed_store_can_be_reached(
    closed: EmulatorServer, user_with: UserWith
) -> None:
    user = user_with("upload", first_name="tenant-b")
    to = policy.target(user, "staticfiles", "tenant-b", uploads=False)
    assert to == Target("staticfiles", "tenant-b", "staticfiles: Tenant-B")
    for using, env in (("staticfiles", ENV), ("staticfiles", None), ("nowhere", "tenant-b")):
        with pytest.raises(PolicyRejected) as caught:
            policy.target(user, using, env, uploads=False)
        assert caught.value.code == ("store" if using == "nowhere" else "environment")


def test_a_store_that_is_open_for_uploads_can_be_meant(
    closed: EmulatorServer, user_with: UserWith
) -> None:
    user = user_with("upload", first_name="tenant-b")
    assert policy.target(user, "default", "tenant-b").env == "tenant-b"


def broken() -> str:
    raise LookupError("no tenant here")


def test_with_environments_a_store_is_offered_although_its_own_cannot_be_had(
    configure: Any, user_with: UserWith, caplog: pytest.LogCaptureFixture
) -> None:
    configure(WX_STATIC_STORE={"ENVIRONMENTS": offers, "ENV": broken})
    user = user_with("upload", first_name="tenant-b")
    assert {one.env for one in policy.stores_for(user)} == {"tenant-b"}
    assert caplog.records == []
    with pytest.raises(PolicyRejected) as caught:
        policy.target(user, "default")
    assert caught.value.code == "environment"


@pytest.mark.parametrize(
    "options", [{"max_workers": "4"}, {"env": "not an id"}, {"env": broken}, {"nonsense": 1}]
)
def test_a_misconfigured_store_is_left_out(
    configure: Any, user_with: UserWith, caplog: Any, options: dict[str, Any]
) -> None:
    storage = {"BACKEND": "wx_static_store.storage.WxStorage"}
    configure(STORAGES={"default": storage, "other": storage | {"OPTIONS": options}})
    user = user_with("upload")
    assert [one.using for one in policy.stores_for(user)] == ["default"]
    assert "other is left out" in caplog.text
    with pytest.raises(PolicyRejected):
        policy.target(user, "other")


@pytest.mark.parametrize("answer", [None, {"not an id": "x"}])
def test_while_environments_fails_nothing_is_offered_and_the_log_says_why(
    configure: Any, user_with: UserWith, caplog: Any, answer: Any
) -> None:
    def failing(user: Any) -> Any:
        if answer is None:
            raise LookupError("the table of tenants is gone")
        return answer

    configure(WX_STATIC_STORE={"ENVIRONMENTS": failing})
    user = user_with(is_superuser=True)
    assert reach(user) == {}
    assert policy.stores_for(user) == []
    with pytest.raises(PolicyRejected):
        policy.target(user, "default")
    (level, text), *_again = [(one.levelname, one.getMessage()) for one in caplog.records]
    assert (level, "not an id" in text or "the table of tenants is gone" in text) == ("ERROR", True)


def test_a_callable_environment_is_asked_once(configure: Any, user_with: UserWith) -> None:
    asked = []

    def current() -> str:
        asked.append(1)
        return "tenant-b"

    configure(
        STORAGES={
            "default": {
                "BACKEND": "wx_static_store.storage.WxStorage",
                "OPTIONS": {"env": current},
            }
        }
    )
    user = user_with("upload")
    assert [one.env for one in policy.stores_for(user)] == ["tenant-b"]
    assert len(asked) == 1
    to = policy.target(user, "default")
    assert len(asked) == 2
    authorize_upload(user, to, "uploads/a.txt", io.BytesIO(), size=0, claim=Claim())
    assert len(asked) == 2
