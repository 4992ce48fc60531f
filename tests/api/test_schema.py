"""The OpenAPI document: made without a warning, and true to what the views do."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from base64 import b64encode
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import override_settings
from django.urls import reverse
from rest_framework.test import APIClient

from tests.api.conftest import PNG, put
from tests.api.operations import OPERATIONS
from tests.conftest import slow_but
from tests.tables import each
from wx_static_store.api import urls
from wx_static_store.api.problems import PROBLEMS
from wx_static_store.api.serializers import UploadedSerializer

READS = [operation for (_view, method), operation in OPERATIONS.items() if method == "GET"]
JSON, PROBLEM = "application/json", "application/problem+json"


@pytest.fixture(scope="module", params=slow_but([False, True], False), ids=["plain", "split"])
def document(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return what `manage.py spectacular` prints for a project that has set nothing for it."""
    path = tmp_path_factory.mktemp("document") / "schema.json"
    with override_settings(
        ROOT_URLCONF="tests.api.urls",
        INSTALLED_APPS=[*settings.INSTALLED_APPS, "drf_spectacular"],
        SPECTACULAR_SETTINGS={"COMPONENT_SPLIT_REQUEST": request.param},
    ):
        options = {"format": "openapi-json", "validate": True, "fail_on_warn": True}
        call_command("spectacular", file=str(path), **options)
    return json.loads(path.read_text())


def operations(document: Any) -> dict[str, Any]:
    return {
        operation["operationId"]: operation
        for path in document["paths"].values()
        for operation in path.values()
    }


def test_every_address_is_in_the_document(document: Any) -> None:
    assert len(document["paths"]) == len(urls.urlpatterns)
    assert set(operations(document)) == {operation.id for operation in OPERATIONS.values()}


@each("operation", OPERATIONS.values())
def test_every_status_of_an_operation_is_documented(document: Any, operation: Any) -> None:
    reply = operations(document)[operation.id]["responses"]
    assert set(reply) == {
        *good(operation),
        *(str(PROBLEMS[code][0]) for code in operation.codes),
    }
    bad = {status: [*one["content"]] for status, one in reply.items() if int(status) >= 400}
    assert bad.pop(str(operation.also), [JSON, PROBLEM]) == [JSON, PROBLEM]
    assert all(kinds == [PROBLEM] for kinds in bad.values())


@each("operation", OPERATIONS.values())
def test_retry_after_is_declared_where_the_same_request_may_come_again(
    document: Any, operation: Any
) -> None:
    reply = operations(document)[operation.id]["responses"]
    declared = {status for status, one in reply.items() if "Retry-After" in one.get("headers", {})}
    waits = {"busy": "503", "throttled": "429", "in_progress": "409", "upstream": "502"}
    assert declared == {status for code, status in waits.items() if code in operation.codes}


def good(operation: Any) -> set[str]:
    """Return the statuses of what was done, or begun, or is known already."""
    reads = ["304"] if operation in READS else []
    return {str(operation.status), *(["202"] if operation.begun or operation.waits else []), *reads}


def _declare(document: Any, operation: str, header: str) -> set[str]:
    """Return the statuses whose answers may have the header."""
    reply = operations(document)[operation]["responses"]
    return {status for status, one in reply.items() if header in one.get("headers", {})}


@each("operation", OPERATIONS.values())
def test_every_problem_declares_the_header_with_its_code(document: Any, operation: Any) -> None:
    reply = {str(PROBLEMS[code][0]) for code in operation.codes}
    assert _declare(document, operation.id, "X-WX-Code") == reply


UPLOADING = [each for each in OPERATIONS.values() if each.answer is UploadedSerializer]
OTHERS = [each for each in OPERATIONS.values() if each not in UPLOADING]


@each("header", ["Location", "X-WX-Status", "X-WX-Upload-Id"])
@each("operation", UPLOADING)
def test_answers_about_an_upload_declare_the_headers_of_its_row(
    document: Any, operation: Any, header: str
) -> None:
    reply = {"201", "500", "502", "503", "504"}
    # A retry finds that the file is gone, or has failed: it never lets the file wait.
    reply |= {"409"} if operation.id == "wx_uploads_retry" else {"202"}
    assert _declare(document, operation.id, header) == reply


@each("operation", OTHERS)
def test_other_answers_declare_the_address_of_what_begins_alone(
    document: Any, operation: Any
) -> None:
    named = good(operation) if operation.location else set()
    assert _declare(document, operation.id, "Location") == named
    assert _declare(document, operation.id, "X-WX-Upload-Id") == set()


@each("operation", OPERATIONS.values())
def test_a_replayed_answer_declares_its_header(document: Any, operation: Any) -> None:
    reply = {*good(operation), "504"} if operation.once else set()
    assert _declare(document, operation.id, "Idempotent-Replayed") == reply


def test_members_of_a_problem_that_do_not_apply_may_be_left_out_and_are_never_null(
    document: Any,
) -> None:
    problem = document["components"]["schemas"]["WxProblem"]
    assert set(problem["required"]) == {"title", "status", "code", "detail"}
    assert not [name for name, one in problem["properties"].items() if "nullable" in one]


def test_a_choice_that_may_be_empty_names_the_empty_text(document: Any) -> None:
    checked = document["components"]["schemas"]["WxChecked"]["enum"]
    assert checked == ["ok", "mismatched", "not_compared", ""]


@pytest.mark.parametrize(
    ("component", "choices"),
    [
        ("WxCode", [*PROBLEMS]),
        ("WxStatus", ["stored", "failed", "unknown"]),
        ("WxUploadStatus", ["stored", "waiting"]),
        ("WxMark", ["ok", "not_asked", "warning", "wrong"]),
    ],
)
def test_codes_and_statuses_are_enums(document: Any, component: str, choices: list[str]) -> None:
    schemas = document["components"]["schemas"]
    known, *others = schemas[component].get("anyOf", [schemas[component]])
    assert known["enum"] == choices
    # A client that is made of the document must not fail at a code that is added.
    assert others == ([{"type": "string"}] if component == "WxCode" else [])
    name = "code" if component == "WxCode" else "status"
    users = {
        "WxCode": ["WxProblem"],
        "WxStatus": ["WxRow"],
        "WxUploadStatus": ["WxUploaded"],
        "WxMark": ["WxHealth", "WxCheck", "WxFinding"],
    }[component]
    for user in users:
        reply = schemas[user]["properties"][name]
        [ref] = reply.get("allOf", [reply])  # with a description, it is wrapped
        assert ref == {"$ref": f"#/components/schemas/{component}"}


def _query(document: Any, operation: str) -> dict[str, Any]:
    return {each["name"]: each for each in operations(document)[operation]["parameters"]}


def test_a_prefix_may_be_blank(document: Any) -> None:
    schema = _query(document, "wx_files_list")["prefix"]["schema"]
    assert (schema["type"], schema["maxLength"]) == ("string", 850)
    assert not {"oneOf", "minLength"} & {*schema}


def test_a_page_has_its_largest_size_in_the_schema(document: Any) -> None:
    assert _query(document, "wx_uploads_list")["page_size"]["schema"]["maximum"] == 100


@pytest.mark.parametrize("operation", ["wx_uploads_put", "wx_uploads_create"])
def test_the_body_of_an_upload_is_required(document: Any, operation: str) -> None:
    assert operations(document)[operation]["requestBody"]["required"] is True


@pytest.mark.parametrize("operation", ["wx_uploads_put", "wx_uploads_create", "wx_uploads_retry"])
def test_the_csrf_header_is_documented_for_sessions(document: Any, operation: str) -> None:
    assert _query(document, operation)["X-CSRFToken"]["in"] == "header"


def test_the_csrf_header_is_not_documented_for_a_get(document: Any) -> None:
    assert "X-CSRFToken" not in _query(document, "wx_uploads_list")


def _no_environment(configure: Any) -> None:
    configure(WX_STATIC_STORE={"ENV": None})


def _failing_environment(configure: Any) -> None:
    def failing() -> str:
        raise LookupError("no tenant here")

    configure(WX_STATIC_STORE={"ENV": failing})


def _wrong_setting(configure: Any) -> None:
    configure(WX_STATIC_STORE={"TOKEN_CACHE": 5})


def _cloud_that_refuses(configure: Any) -> None:
    cloud = configure()
    for call in ("staticuploadfile", "staticfilelist"):
        cloud.script({"on": call, "do": "errcode", "errcode": 48001})


BODIES = ["application/json", "multipart/form-data", "image/png"]
FAULTS = (_no_environment, _failing_environment, _wrong_setting, _cloud_that_refuses)


@pytest.mark.django_db
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    ("view", "method", "kind"),
    [
        (view, method, kind)
        for view, method in OPERATIONS
        for kind in (BODIES if method != "GET" else ["application/json"])
    ],
)
def test_every_answer_is_documented(
    client: APIClient, configure: Any, view: str, method: str, kind: str, fault: Any
) -> None:
    row = put(client).json()["id"]
    [pattern] = [p for p in urls.urlpatterns if p.callback.cls.__name__ == view]  # type: ignore[attr-defined]
    given = {"id": row, "store": "default", "name": "uploads/a.png", "action": "pause"}
    names = pattern.pattern.converters
    path = reverse(
        f"wx_static_store:{pattern.name}",
        urlconf="tests.api.urls",
        kwargs={name: given[name] for name in names},
    )
    fault(configure)
    response = client.generic(method, path, b"" if method == "GET" else PNG, content_type=kind)
    operation = OPERATIONS[view, method]
    if response.status_code not in (operation.status, operation.also):
        assert response.json()["code"] in operation.codes


@pytest.mark.django_db
def test_the_answer_to_an_unwanted_form_is_documented(client: APIClient) -> None:
    """The check of a session's CSRF token looks into it."""
    retry = put(client)["Location"] + "retry/"
    session = APIClient(enforce_csrf_checks=True)
    session.force_login(User.objects.get())
    session.cookies["csrftoken"] = "a" * 32
    code = session.post(retry, {"a": "b"}, format="multipart").json()["code"]
    assert code == "unsupported_media_type"
    assert code in OPERATIONS["Retry", "POST"].codes


@each("operation", OPERATIONS.values())
def test_every_operation_documents_its_authentication(document: Any, operation: Any) -> None:
    security = operations(document)[operation.id]["security"]
    assert security
    assert {} not in security


def test_the_file_is_binary_and_the_url_is_an_address(document: Any) -> None:
    schemas = document["components"]["schemas"]
    [form] = [schema for name, schema in schemas.items() if name.startswith("WxForm")]
    assert form["properties"]["file"]["format"] == "binary"
    assert schemas["WxUploaded"]["properties"]["url"]["format"] == "uri"
    body = operations(document)["wx_uploads_put"]["requestBody"]["content"]
    assert body["application/octet-stream"]["schema"]["format"] == "binary"


def test_the_form_is_filled_in_so_that_it_can_be_tried_out(document: Any) -> None:
    schemas = document["components"]["schemas"]
    [form] = [schema for name, schema in schemas.items() if name.startswith("WxForm")]
    examples = {name: field.get("example") for name, field in form["properties"].items()}
    assert {name: text for name, text in examples.items() if text} == {
        "store": "default",
        "path": "uploads/",
    }
    # Swagger UI takes true for a flag without an example.
    assert [examples[flag] for flag in ("overwrite", "generate")] == [False, False]
    assert "example" not in schemas["WxUploaded"]["properties"]["store"]


def _bodies(document: Any) -> dict[str, Any]:
    """Return the schemas of what a request holds."""
    schemas = document["components"]["schemas"]
    named = ("WxForm", "WxDeploymentBody", "WxMannerBody", "WxRolloutBody", "WxRolloutForm")
    return {name: of for name, of in schemas.items() if name.startswith(named)}


def test_a_request_leaves_its_defaults_out_of_the_document(document: Any) -> None:
    """openapi-typescript requires what has a default, and clients would send it."""
    bodies = _bodies(document)
    assert len(bodies) == 5
    fields = {
        (name, field): of for name in bodies for field, of in bodies[name]["properties"].items()
    }
    assert [where for where, of in fields.items() if "default" in of] == []
    required = {name.removesuffix("Request"): of.get("required", []) for name, of in bodies.items()}
    assert {name: set(names) for name, names in required.items() if names} == {
        "WxForm": {"file"},
        "WxDeploymentBody": {"env"},
    }


def test_a_text_that_may_not_be_blank_has_a_least_length(document: Any) -> None:
    bodies = {name.removesuffix("Request"): of for name, of in _bodies(document).items()}
    least = {
        name for name, of in bodies["WxRolloutBody"]["properties"].items() if of.get("minLength")
    }
    assert least == {"waves", "tolerate", "release"}
    assert bodies["WxDeploymentBody"]["properties"]["env"]["minLength"] == 1
    assert bodies["WxRolloutBody"]["properties"]["envs"]["items"]["minLength"] == 1
    assert _query(document, "wx_uploads_list")["key"]["schema"]["minLength"] == 1


PATTERNS = {
    "waves": (["1", "1,10%,100%", " 5", "1, 2"], ["", "a", "1,", "10%%", "1;2"]),
    "tolerate": (["0", "10%", " 5 "], ["", "%", "1,2", "-1"]),
}


@pytest.mark.parametrize("field", PATTERNS)
def test_the_numbers_of_a_rollout_have_a_pattern(document: Any, field: str) -> None:
    [body] = [of for name, of in _bodies(document).items() if name.startswith("WxMannerBody")]
    pattern = body["properties"][field]["pattern"]
    right, wrong = PATTERNS[field]
    assert [text for text in right if not re.search(pattern, text)] == []
    assert [text for text in wrong if re.search(pattern, text)] == []


def test_the_name_in_the_address_has_a_pattern(document: Any) -> None:
    pattern = _query(document, "wx_uploads_put")["name"]["schema"]["pattern"]
    assert all(re.search(pattern, name) for name in ("a.png", "a/b c.png", "茶/图.png"))
    assert not any(re.search(pattern, name) for name in ("", "/a", "a/", "a//b", "a\\b"))


def test_content_md5_has_a_pattern(document: Any) -> None:
    pattern = _query(document, "wx_uploads_put")["Content-MD5"]["schema"]["pattern"]
    assert re.search(pattern, b64encode(md5(PNG).digest()).decode())
    assert not re.search(pattern, md5(PNG).hexdigest())


@each("operation", OPERATIONS.values())
def test_every_answer_declares_the_id_of_its_request(document: Any, operation: Any) -> None:
    codes = {str(PROBLEMS[code][0]) for code in operation.codes}
    assert _declare(document, operation.id, "X-Request-ID") == good(operation) | codes


@each("operation", READS)
def test_a_read_declares_its_etag(document: Any, operation: Any) -> None:
    assert _declare(document, operation.id, "ETag") == {"200", "304"}
    assert _query(document, operation.id)["If-None-Match"]["in"] == "header"


@each("operation", READS)
def test_an_answer_without_a_body_declares_its_other_headers(document: Any, operation: Any) -> None:
    found = operations(document)[operation.id]["responses"]["304"]["headers"]
    assert found.keys() == {"ETag", "X-Request-ID", "RateLimit", "RateLimit-Policy"}


def test_no_component_takes_the_name_of_a_projects_own(document: Any) -> None:
    assert all(name.startswith("Wx") for name in document["components"]["schemas"])


def test_without_drf_spectacular_the_api_works() -> None:
    code = (
        "import sys; sys.modules['drf_spectacular'] = None\n"
        "import django; django.setup()\n"
        "from wx_static_store.api import base, urls\n"
        "assert type(base.View.__dict__['schema']).__name__ == 'DefaultSchema'"
    )
    environment = {"DJANGO_SETTINGS_MODULE": "tests.settings", "PATH": "", "LANG": "C.UTF-8"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, cwd=_root())
    assert reverse("wx_static_store:stores", urlconf="tests.api.urls") == "/wx/stores/"


def _root() -> Path:
    return Path(__file__).parent.parent.parent
