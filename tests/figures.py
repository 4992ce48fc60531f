"""``python -m tests.figures``: print how large the package is, and how its folders depend."""

import ast
import sys
from statistics import median

from tests.test_architecture import EMULATOR, arrows, group, modules, single_imports

SHORT = 4  # lines of a function


def print_figures(*groups: str) -> None:
    texts = [path.read_text() for name, path in modules().items() if group(name) in groups]
    lines = [line for text in texts for line in text.splitlines()]
    nodes = (node for text in texts for node in ast.walk(ast.parse(text)))
    functions = [
        node.end_lineno - node.lineno + 1
        for node in nodes
        if isinstance(node, ast.FunctionDef) and node.end_lineno
    ]
    short = sum(length <= SHORT for length in functions) / len(functions)
    comments = sum(line.lstrip().startswith("#") for line in lines)
    drawn = arrows(*groups)
    folders = {folder for arrow in drawn for folder in arrow}
    length = median(text.count("\n") for text in texts)
    sys.stdout.write(
        f"{' + '.join(groups)}: {len(lines)} lines; {len(folders)} folders, {len(drawn)} arrows; "
        f"{len(texts)} modules, their median {length:g} lines; {len(functions)} functions, their "
        f"median {median(functions):g} lines, {short:.1%} of at most {SHORT}; "
        f"{100 * comments / len(lines):.2f} own-line comments per 100 lines\n"
    )


def main() -> None:
    for groups in (("core",), ("apps",), (EMULATOR,), ("core", "apps")):
        print_figures(*groups)
    sys.stdout.write(
        "\n  ".join(["Arrows of the core that one import makes:", *single_imports()]) + "\n"
    )


if __name__ == "__main__":
    main()
