"""Run every row of `faults.json` by an upload, and each way to end by `collectstatic`."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import slow
from tests.faults.harness import Bench, Unavailable, ours, rows
from tests.faults.naive import naive
from tests.faults.report import verdict
from tests.faults.rows import Case, cases
from wx_static_store.models import UploadLog

pytestmark = pytest.mark.django_db


def marked(case: Case, *, is_slow: bool) -> Any:
    # Past the suite's own guard: the resolver and the proxy of these stand on this machine.
    away = {hook.partition(":")[0] for hook in case.hooks} & {"dns", "proxy"}
    marks = [pytest.mark.wx_real] * bool(away) + [slow] * is_slow
    return pytest.param(case, id=case.id, marks=marks)


def way_to_end(case: Case) -> tuple[Any, ...]:
    """Return all that `collectstatic` can make of a fault: the upload itself takes one path."""
    hooks = tuple(hook.partition(":")[0] for hook in case.hooks)
    return (case.exit, case.ends, case.error, case.bytes, case.row and case.row[:3], hooks)


# Those of the shared upload path; not those of a writer: a run hashes its files while it asks for
# the first token, and he comes before that or after it.
SHARED = [case for case in cases() if not any("rewritten" in hook for hook in case.hooks)]
WAYS = [*{way_to_end(case): case for case in SHARED}.values()]
CASES = [marked(case, is_slow=case not in WAYS) for case in cases()]
# A command has few ends: without WX_SLOW, one fault leads to each.
ENDS = [*{(case.exit, case.ends): case for case in WAYS}.values()]
SAMPLE = [marked(case, is_slow=case not in ENDS) for case in WAYS]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Bench(tmp_path_factory.mktemp("faults")) as bench:
        yield bench


@pytest.fixture(autouse=True)
def _possible(bench: Bench, request: pytest.FixtureRequest) -> None:
    case = request.node.callspec.params.get("case")
    wire = case.wire if case else ""
    if wire in ("tls", "expired", "early", "wrong_host"):
        try:
            bench.certificate(wire)
        except Unavailable as reason:
            pytest.skip(str(reason))


@pytest.mark.parametrize("case", CASES)
def test_an_upload_ends_as_its_row_says(bench: Bench, case: Case) -> None:
    seen = bench.observe(case, ours)
    reported = (seen.reported.ends, seen.calls, seen.bytes, rows())
    assert reported == (case.ends, case.calls, case.bytes, [case.row] if case.row else []), (
        seen.reported
    )
    assert case.error in ("", *seen.reported.kinds), seen.reported
    assert [text for text in case.says if text not in seen.reported.text] == [], seen.reported.text
    assert case.tokens in (None, seen.tokens)
    assert (seen.leaks, seen.others) == ([], frozenset())


@pytest.mark.parametrize("case", SAMPLE)
def test_collectstatic_exits_as_its_row_says(bench: Bench, case: Case) -> None:
    code, stored = bench.exit_code(case)
    assert code == case.exit
    assert code != 0 or stored == "equal", "an exit code of 0 is a promise"
    assert UploadLog.objects.count() == (case.row is not None)


@pytest.mark.parametrize(
    ("id", "wrong"),
    [
        ("C13-once", {"lost", "false_success"}),
        ("N23-302-always", {"false_success"}),
        ("N20-once", {"false_failure"}),
        ("N04-once", {"lost"}),
        ("C07-500-once", {"lost", "secrets"}),
        ("C14-0f343b09-always", set()),
    ],
)
def test_the_harness_sees_what_a_plain_upload_gets_wrong(
    bench: Bench, id: str, wrong: set[str]
) -> None:
    """Else the figures of the report could not be off."""
    (case,) = (case for case in cases() if case.id == id)
    found = vars(verdict(case, bench.observe(case, naive)))
    assert {name for name, value in found.items() if value is True} == wrong
