"""The mutants of a source text: each differs from it in one place."""

import ast
import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import libcst as cst
from libcst import matchers as m
from mutmut.mutation.mutators import mutation_operators

# No test should pin what these say: types, what is logged and counted, texts of errors, defaults that callers replace.
_SKIPPED = (cst.Annotation, cst.Decorator, cst.Import, cst.ImportFrom, cst.TypeAlias)
_TELLS = m.SimpleStatementLine(
    [m.Expr(m.Call(func=m.Attribute(value=m.Name("logger") | m.Attribute(value=m.Name("metrics")))))]
)
_SLOTS = m.Assign(targets=[m.AssignTarget(m.Name("__slots__"))])
_LITERAL = m.Assign(value=m.Subscript(value=m.Name("Literal")))
_LOGGER = m.Assign(targets=[m.AssignTarget(m.Name("logger"))])
_DOCSTRING = m.SimpleStatementLine([m.Expr(m.SimpleString() | m.ConcatenatedString())])
_JAVASCRIPT = (
    ("===", "!=="), ("!==", "==="), (" < ", " <= "), (" > ", " >= "), (" >= ", " > "), ("&&", "||"), (r"\|\|", "&&"),
    (" \\+ ", " - "), (" - ", " + "), (r" \+= ", " -= "), (r" -= ", " += "),
    (r"\btrue\b", "false"), (r"\bfalse\b", "true"),
    (r"if \(!([\w.#]+)\)", r"if (\1)"),
    (r"\bmin\(", "max("), (r"\bmax\(", "min("), (r"if \(([\w.#]+)\)", r"if (!\1)"), (r"\?\? ", "&& "),
    (r"(?<=[{;}] )(?:this\.|clearTimeout|settle|socket\??\.)[^;={}]*\([^;{}]*\);", ";"),
    (r"(?<=^)( +)(?:this\.|clearTimeout|settle|socket\??\.)[^;={}]*\([^;{}]*\);$", r"\1;"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mutant:
    """A changed source; `change` is the changed line before and after, without indentation: `a < b -> a <= b`."""

    line: int
    change: str
    source: str


class _Visitor(cst.CSTVisitor):
    """Collects pairs of a node and what to put in its place."""

    def __init__(self) -> None:
        self.pairs: list[tuple[cst.CSTNode, cst.CSTNode]] = []
        self._raising = 0
        self._before_defaults: list[int] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Mutate `node`; False to leave out what is inside it."""
        if isinstance(node, _SKIPPED) or any(
            m.matches(node, skipped) for skipped in (_TELLS, _SLOTS, _LITERAL, _LOGGER, _DOCSTRING)
        ):
            return False
        self._raising += isinstance(node, cst.Raise)
        if not (self._raising and isinstance(node, cst.BaseString)):
            self.pairs += [(node, mutated) for mutated in _of_node(node)]
        return True

    def visit_Param_default(self, node: cst.Param) -> None:  # noqa: N802 - libcst's name
        """Note what there was before the default, which may be a lambda with parameters."""
        self._before_defaults.append(len(self.pairs))

    def leave_Param_default(self, node: cst.Param) -> None:  # noqa: N802 - libcst's name
        """Forget what was collected inside the default."""
        del self.pairs[self._before_defaults.pop() :]

    def on_leave(self, original_node: cst.CSTNode) -> None:
        """Count the end of a `raise`."""
        self._raising -= isinstance(original_node, cst.Raise)


def _of_node(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    for kind, operator in mutation_operators:
        if isinstance(node, kind):
            made = list(operator(node))
            # Of a string mutmut also makes one in capitals and one in small letters, which say nothing more.
            made = made[:1] if isinstance(node, cst.BaseString) else made
            # An argument that is None says as much as one that is missing, which most functions refuse.
            arguments = _arguments(node)
            yield from (new for new in made if arguments is None or _arguments(new) == arguments)
    # mutmut leaves out statements and negated conditions.
    if m.matches(node, m.SimpleStatementLine([m.Expr()])):
        yield cst.SimpleStatementLine([cst.Pass()])
    if isinstance(node, cst.If | cst.While) and not m.matches(node.test, m.Name("TYPE_CHECKING")):
        negated = cst.UnaryOperation(cst.Not(), node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()]))
        yield node.with_changes(test=negated)


def _arguments(node: cst.CSTNode) -> int | None:
    return len(node.args) if isinstance(node, cst.Call) else None


def of_python(source: str) -> list[Mutant]:
    """All mutants of a Python module, in the order of its lines; each text once."""
    module, visitor = cst.parse_module(source), _Visitor()
    module.visit(visitor)
    texts = dict.fromkeys(module.deep_replace(*pair).code for pair in visitor.pairs)  # type: ignore[attr-defined]
    mutants = [_mutant(source, text) for text in texts if text != source and _compiles(text)]
    return sorted(mutants, key=lambda mutant: mutant.line)


def of_javascript(source: str, methods: Sequence[str]) -> list[Mutant]:
    """All mutants of some methods of a JavaScript class: an operator, a constant or a call by itself is changed."""
    lines, mutants, method = source.split("\n"), [], ""
    for number, line in enumerate(lines):
        code = re.split(r"//|/?\*\*? ", line)[0]
        if begins := re.match(r"    (?:async )?(#?\w+)\(.*\{", line):
            method = begins[1]
        if method not in methods:
            continue
        for pattern, new in _JAVASCRIPT:
            for found in re.finditer(pattern, code):
                changed = code[: found.start()] + found.expand(new) + line[found.end() :]
                mutants.append(_mutant(source, "\n".join([*lines[:number], changed, *lines[number + 1 :]])))
    return mutants


def _compiles(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def _mutant(source: str, text: str) -> Mutant:
    before, after = source.split("\n"), text.split("\n")
    changes = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    _, start, end, new_start, new_end = next(change for change in changes if change[0] != "equal")
    old, new = (" ".join(line.strip() for line in lines) for lines in (before[start:end], after[new_start:new_end]))
    return Mutant(start + 1, f"{old} -> {new}", text)
