"""What the package shows of itself: public names, cheap imports, floors, sizes, and no code from data."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import criterial

ROOT = Path(criterial.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

PUBLIC = [
    "Binary",
    "Budget",
    "Case",
    "Check",
    "Choice",
    "CriterialError",
    "Criterion",
    "FetchPolicy",
    "FormatError",
    "JudgeSettings",
    "Level",
    "Likert",
    "Message",
    "Numeric",
    "Ordinal",
    "Policy",
    "Price",
    "Ranking",
    "Response",
    "Rubric",
    "Run",
    "Score",
    "State",
    "Task",
    "Verdict",
    "VerdictTable",
    "__version__",
    "agrade",
    "grade",
    "load_cases",
    "make_decider",
    "open_run",
    "plan",
    "rank",
    "read_rubric",
    "score_verdicts",
    "table_of",
]


def test_the_public_names_are_these_and_each_can_be_had() -> None:
    assert sorted(criterial.__all__) == PUBLIC
    assert dir(criterial) == PUBLIC
    for name in PUBLIC:
        assert getattr(criterial, name) is not None
    with pytest.raises(AttributeError, match="nonsense"):
        criterial.nonsense  # noqa: B018


def run_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_importing_the_package_loads_nothing_heavy_and_opens_no_socket() -> None:
    heavy = "numpy scipy pydantic aiohttp sqlalchemy typer rich jinja2 onnxruntime tokenizers yaml jsonschema socket"
    loaded = run_python(
        "import sys, socket as s\n"
        "def refuse(*a, **k): raise AssertionError('a socket')\n"
        "s.socket = refuse\n"
        "before = set(sys.modules)\n"
        "import criterial\n"
        f"print([m for m in {heavy.split()!r} if m in set(sys.modules) - before])"
    )
    assert loaded.strip() == "[]"


def test_the_help_of_the_command_line_loads_no_room() -> None:
    loaded = run_python(
        "import sys\nfrom criterial.cli.main import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('numpy', 'pydantic', 'aiohttp', 'sqlalchemy', 'onnxruntime') or "
        "(m.startswith('criterial.') and m.split('.')[1] not in ('cli', 'errors'))])"
    )
    assert loaded.strip().splitlines()[-1] == "[]"


def test_nothing_is_written_where_the_package_is_imported(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", "import criterial; criterial.grade"], cwd=tmp_path, check=True)
    assert list(tmp_path.iterdir()) == []


FORBIDDEN = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "imp"}
FORBIDDEN_CALLS = {("yaml", "load"), ("yaml", "unsafe_load"), ("yaml", "full_load"), ("os", "system"), ("os", "popen"), ("torch", "load")}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_runs_code_from_data(path: Path) -> None:
    # reliability.md figure 22. `re.compile` and SQLAlchemy's `.compile` are methods and no builtins.
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert not {a.name.split(".")[0] for a in node.names} & FORBIDDEN_MODULES
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] not in FORBIDDEN_MODULES
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                assert node.func.id not in FORBIDDEN, f"{path.name}:{node.lineno}"
            elif isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
                assert (node.func.value.id, node.func.attr) not in FORBIDDEN_CALLS, f"{path.name}:{node.lineno}"
            assert not any(k.arg == "allow_pickle" and getattr(k.value, "value", None) is not False for k in node.keywords)
            assert not any(k.arg == "shell" and getattr(k.value, "value", None) is not False for k in node.keywords)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 500
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert (node.end_lineno or 0) - node.lineno + 1 <= 60, f"{path.name}:{node.lineno} {node.name}"


def public_functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    found: list[ast.FunctionDef | ast.AsyncFunctionDef] = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        inner = node.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_") else [node]
        found += [n for n in inner if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)) and not n.name.startswith("_")]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_public_function_names_its_parameters_and_errors(path: Path) -> None:
    for function in public_functions(path):
        text = ast.get_docstring(function) or ""
        assert text, f"{path.name}:{function.lineno} {function.name}"
        names = [a.arg for a in (*function.args.args, *function.args.kwonlyargs) if a.arg not in ("self", "cls")]
        refers = "`" in text.splitlines()[0]  # "as `Exchange.take` says": the port documents it
        missing = [] if refers else [n for n in names if n not in text]
        assert not missing, f"{path.name}:{function.lineno} {function.name} does not name {missing}"


def test_the_version_is_the_distributions() -> None:
    from importlib.metadata import version

    assert version("criterial") == criterial.__version__
