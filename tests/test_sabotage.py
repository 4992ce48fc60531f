"""Whether the patches of ``make sabotage`` still fit: in every run, because that takes a minute."""

import ast
from pathlib import Path

from tests.sabotage.patches import SABOTAGES, Sabotage
from tests.tables import each

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "wx_static_store"


def defined(name: str) -> set[str]:
    nodes = ast.walk(ast.parse((TESTS / name).read_text()))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef)}


@each("sabotage", SABOTAGES)
def test_a_sabotage_fits_its_module_and_leaves_valid_python(sabotage: Sabotage) -> None:
    text = (PACKAGE / sabotage.file).read_text()
    assert text.count(sabotage.old) == 1
    ast.parse(text.replace(sabotage.old, sabotage.new))


@each("sabotage", SABOTAGES)
def test_the_tests_that_a_sabotage_names_exist(sabotage: Sabotage) -> None:
    for test in sabotage.red:
        file, _, name = test.partition("::")
        assert name in defined(file)
