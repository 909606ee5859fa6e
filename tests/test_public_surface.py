"""Every public name is documented in full: parameters, results, errors, an example that runs."""

import ast
import inspect
from typing import Any

import pytest
from numpydoc.docscrape import NumpyDocString
from numpydoc.validate import validate

import rfmkit as rk
from rfmkit import exceptions

ASKED = {
    "GL08",  # it has a docstring
    "PR01",  # every parameter is described
    "PR02",  # no other one is
    "RT01",  # a function that returns something says what
}
EXAMPLE = "EX01"
RETURNED = {"Audit", "Backtest", "Orders"}
"""Classes that a call returns: no user calls them, so their parameters are not described."""
ERRORS = {name for name in exceptions.__all__ if name.endswith("Error")}
CALLABLE = [name for name in rk.__all__ if callable(getattr(rk, name))]


def members(cls: type) -> list[tuple[str, Any]]:
    """Return the public methods and properties that rfmkit itself defines for a class.

    Each is named by the class that defines it, which may be a private base of several classes.
    """
    found = []
    for name in dir(cls):
        owner = next((kind for kind in cls.__mro__ if name in vars(kind)), object)
        attribute = vars(owner).get(name)
        routine = callable(attribute) or hasattr(attribute, "__get__")
        if not name.startswith("_") and owner.__module__.startswith("rfmkit.") and routine:
            found.append((f"{owner.__module__}.{owner.__qualname__}.{name}", attribute))
    return found


def functions() -> dict[str, Any]:
    """Return every public function, method and property, by its full name."""
    found: dict[str, Any] = {}
    for name in CALLABLE:
        public = getattr(rk, name)
        if inspect.isclass(public):
            found.update(members(public))
        else:
            found[f"{public.__module__}.{public.__qualname__}"] = public
    return found


FUNCTIONS = functions()


def faults(path: str, asked: set[str]) -> list[str]:
    return [f"{code}: {text}" for code, text in validate(path)["errors"] if code in asked]


def plain(attribute: Any) -> Any:
    """Return the function behind a method, a property or a cached property."""
    for name in ("__func__", "fget", "func"):
        attribute = getattr(attribute, name, None) or attribute
    return inspect.unwrap(attribute)


def raised_by(function: Any) -> set[str]:
    """Return the errors that a function raises; a check of an argument raises RfmkitError."""
    source = inspect.getsource(function)  # textwrap.dedent fails where a text is not indented
    tree = ast.parse(f"if True:\n{source}" if source.startswith(" ") else source)
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Raise(exc=ast.Call(func=ast.Name(id=name))) if name in ERRORS:
                found.add(name)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="checks"), attr=check)):
                found |= set() if check == "nearest" else {"RfmkitError"}
    return found


def are_described(raised: set[str], described: set[str]) -> bool:
    """Whether each error, or a class that it inherits from, is among those described."""
    kinds = [[kind.__name__ for kind in getattr(exceptions, name).__mro__] for name in raised]
    return all(described & set(names) for names in kinds)


CLASSES = [name for name in CALLABLE if inspect.isclass(getattr(rk, name))]


def described_in(cls: type) -> set[str]:
    """Return the parameters and attributes that a class or its bases describe."""
    docs = [NumpyDocString(inspect.cleandoc(kind.__doc__ or "")) for kind in cls.__mro__[:-1]]
    entries = [
        entry for doc in docs for part in ("Parameters", "Attributes") for entry in doc[part]
    ]
    return {name.strip() for entry in entries for name in entry.name.split(",")}


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_describes_the_values_that_it_holds(name):
    cls = getattr(rk, name)
    own = {
        key for kind in cls.__mro__ if kind.__module__.startswith("rfmkit.") for key in vars(kind)
    }
    values = {
        key
        for key in own
        if not key.startswith("_") and not hasattr(inspect.getattr_static(cls, key), "__get__")
    }
    assert values - described_in(cls) == set()


@pytest.mark.parametrize("name", CALLABLE)
def test_a_public_name_is_described_and_has_an_example(name):
    public = getattr(rk, name)
    asked = {*ASKED, EXAMPLE} - ({"PR01", "PR02"} if name in RETURNED else set())
    assert faults(f"{public.__module__}.{public.__qualname__}", asked) == []


@pytest.mark.parametrize("path", FUNCTIONS)
def test_a_public_method_describes_its_parameters_and_its_result(path):
    assert faults(path, ASKED) == []


@pytest.mark.parametrize(
    "path", [path for path, function in FUNCTIONS.items() if inspect.isfunction(plain(function))]
)
def test_the_errors_that_are_raised_are_described(path):
    function = plain(FUNCTIONS[path])
    described = {entry.type for entry in NumpyDocString(inspect.getdoc(function) or "")["Raises"]}
    assert are_described(raised_by(function), described), (raised_by(function), described)
