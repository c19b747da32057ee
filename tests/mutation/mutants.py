"""Mutants of a module: single small changes, like slips of the pen, that a test should catch.

Mutated are numbers, quoted names, operators, comparisons, conditions, keyword arguments, method calls and return
values, in functions and module-level tables; not annotations, docstrings or error messages.
"""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

_OTHER = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.And: ast.Or, ast.Or: ast.And,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}


@dataclass(frozen=True)
class Mutant:
    """A mutated module: the line, the code before and after, and the tree to compile."""

    line: int
    before: str
    after: str
    tree: ast.Module

    def __str__(self) -> str:
        return f"line {self.line}: {self.before}  ->  {self.after}"


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of a module's source, in line order."""
    tree = ast.parse(source)
    for number, node in enumerate(_code(tree)):
        for change in range(len(_changes(node))):
            changed = copy.deepcopy(tree)
            target = next(n for k, n in enumerate(_code(changed)) if k == number)
            before = ast.unparse(target)
            replacement = _changes(target)[change]
            _replace(changed, target, replacement)
            line = node.target.lineno if isinstance(node, ast.comprehension) else node.lineno
            yield Mutant(line, before, ast.unparse(replacement), ast.fix_missing_locations(changed))


def _code(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes to mutate: all except annotations, docstrings and what follows `raise`."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns") or isinstance(node, ast.Raise | ast.Assert):
            continue
        for child in value if isinstance(value, list) else [value]:
            is_docstring = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
            if isinstance(child, ast.AST) and not is_docstring:
                if isinstance(child, ast.expr | ast.stmt | ast.comprehension):
                    yield child
                yield from _code(child)


def _changes(node: ast.AST) -> list[ast.AST]:
    match node:
        case ast.Constant(value=bool() as value):
            return [ast.Constant(not value)]
        case ast.Constant(value=int() | float() as value):
            return [ast.Constant(value + 1)]
        case ast.Constant(value=str() as value):
            return [ast.Constant(f"{value}?")]
        case ast.BinOp(op=op) | ast.AugAssign(op=op) if type(op) in _OTHER:
            return [_with(node, op=_OTHER[type(op)]())]
        case ast.BoolOp(op=op):
            return [_with(node, op=_OTHER[type(op)]())]
        case ast.Compare(ops=[op, *others]) if type(op) in _OTHER:
            return [_with(node, ops=[_OTHER[type(op)](), *others])]
        case ast.UnaryOp(operand=operand):
            return [operand]
        case ast.If(test=test) | ast.IfExp(test=test) if not isinstance(test, ast.Compare | ast.BoolOp):
            return [_with(node, test=ast.UnaryOp(ast.Not(), test))]
        case ast.comprehension(ifs=[_, *_]):
            return [_with(node, ifs=[])]
        case ast.Slice():
            return [_with(node, **{end: None}) for end in ("lower", "upper") if getattr(node, end) is not None]
        case ast.Return(value=ast.AST() as value) if not isinstance(value, ast.Constant):
            return [ast.Return(ast.Constant(None))]
        case ast.Call(func=func, keywords=keywords):
            fewer = [_with(node, keywords=[k for k in keywords if k is not dropped]) for dropped in keywords]
            return [*fewer, func.value] if isinstance(func, ast.Attribute) and _is_value(func.value) else fewer
    return []


def _is_value(node: ast.AST) -> bool:
    """Not a module: `torch.cat(x)` without the call would be no slip of the pen."""
    return not isinstance(node, ast.Name) or node.id not in ("torch", "math", "np", "F", "nn", "rf")


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _replace(tree: ast.AST, target: ast.AST, replacement: ast.AST) -> None:
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is target:
                setattr(parent, name, replacement)
            elif isinstance(value, list) and any(child is target for child in value):
                value[:] = [replacement if child is target else child for child in value]
    ast.copy_location(replacement, target)
