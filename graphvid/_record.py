"""Records of options: checked types of the fields, named presets, and conversion to JSON and back."""

from __future__ import annotations

import dataclasses
import inspect
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import (
    Annotated,
    Any,
    ClassVar,
    Literal,
    TypeVar,
    Union,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

import annotated_types
import pydantic
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as pydantic_dataclass

Count = Annotated[int, Field(ge=1, lt=2**31)]
Columns = Annotated[int, Field(ge=1, le=2**16)]  # of a vector or a layer
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, lt=1)]

R = TypeVar("R", bound="Record")
C = TypeVar("C")


class Record:
    """Base of all options of models and sources; a subclass is decorated with `record`.

    Attributes
    ----------
    files : tuple of str
        Fields that are paths; `to_dict` gives them as absolute ones.
    presets : mapping of str to mapping
        Sets of options by name, as differences from the defaults; the first is what a command takes by default.

    Examples
    --------
    >>> @record
    ... class Options(Record):
    ...     presets = {"default": {}, "large": {"dim": 256}}
    ...     dim: Columns = 64
    >>> Options.preset("large")
    Options(dim=256)
    >>> Options(dim=0)
    Traceback (most recent call last):
    ValueError: dim must be an integer >= 1, got 0
    """

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]
    files: ClassVar[tuple[str, ...]] = ()
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"default": {}}  # Any: values of options

    @classmethod
    def preset(cls: type[R], name: str) -> R:
        """Return a named set of options.

        Raises
        ------
        ValueError
            The name is not among ``presets``.
        """
        if name not in cls.presets:
            raise ValueError(f"preset must be one of {list(cls.presets)}, got {name!r}")
        return cls.from_dict(cls.presets[name])

    @classmethod
    def from_dict(cls: type[R], values: Mapping[str, Any]) -> R:  # Any: JSON values, checked by the types of the fields
        """Build a record from the JSON form of `to_dict`; lists become tuples, and absent options take their defaults.

        Raises
        ------
        KeyError
            An option does not exist.
        ValueError
            A field does not accept its value.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise KeyError(f"unknown options {unknown}; known are {sorted(known)}")
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values; paths are absolute."""
        values = {field.name: _json(getattr(self, field.name)) for field in dataclasses.fields(self)}
        for name in self.files:
            if values[name] is not None:
                values[name] = str(Path(values[name]).resolve())
        return values


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field, Field))
def record(kind: type[C]) -> type[C]:
    """Make a frozen dataclass of a `Record`; a value of a wrong type or range is a ValueError of one sentence.

    The types state the accepted values: ``Literal`` for choices, ``Annotated[int, Field(ge=1)]`` for bounds, another record
    or a union of records (see `named`) for nested options. Integers are converted to floats and lists to tuples, nothing
    else.
    """
    made = pydantic_dataclass(frozen=True, config=ConfigDict(strict=True, extra="forbid", allow_inf_nan=False))(kind)
    validate = made.__init__

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            validate(self, *args, **{name: tuple(x) if isinstance(x, list) else x for name, x in kwargs.items()})
        except pydantic.ValidationError as error:
            raise _sentence(type(self), kwargs, error.errors()[0]) from None

    __init__.__signature__ = inspect.signature(kind)  # type: ignore[attr-defined]
    made.__init__ = __init__  # type: ignore[method-assign]
    return made  # type: ignore[return-value] # the same class, with a validator


def named(*kinds: type[Record]) -> Callable[[object], object]:
    """Return a validator that accepts a record of one of ``kinds``, its name, or its JSON form.

    Every kind has a field ``name`` with one ``Literal`` value. ``"softmax"`` stands for the record with that name and
    defaults, ``{"name": "softmax", "temperature": 0.2}`` for one with other options.
    """
    by_name: dict[str, type[Record]] = {_name_of(kind): kind for kind in kinds}

    def build(value: object) -> object:
        if isinstance(value, str):
            value = {"name": value}
        if not isinstance(value, Mapping):
            return value
        name = value.get("name")
        if name not in by_name:
            raise ValueError(f"name must be one of {list(by_name)}, got {name!r}")
        return by_name[name].from_dict(value)

    return build


def merge(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return changed options; a name may be dotted: ``loss.margin`` is ``margin`` of the record ``loss``.

    A change of ``loss`` itself replaces the record. A change of ``loss.name`` starts from the defaults of that record.
    """
    merged = dict(values)
    for name, value in changes.items():
        first, dot, rest = name.partition(".")
        if not dot:
            merged[first] = value
            continue
        inside = merged.get(first)
        if isinstance(inside, str):
            inside = {"name": inside}
        if not isinstance(inside, Mapping):
            raise KeyError(f"unknown options [{name!r}]; {first} has no options of its own")
        merged[first] = {"name": value} if rest == "name" else merge(inside, {rest: value})
    return merged


def describe(annotation: Any, *, upper: bool = False) -> str:
    """Return in words what a field of this type accepts; the upper bound of an integer only with ``upper``."""
    kinds, bounds = _parts(annotation)
    described = [_describe_one(kind, bounds, upper) for kind in kinds if kind is not type(None)]
    return " or ".join((["null"] if type(None) in kinds else []) + described)


def types_of(kind: type[Record]) -> dict[str, Any]:
    """Return the resolved annotations of the fields by name."""
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _name_of(kind: type[Record]) -> str:
    (name,) = get_args(types_of(kind)["name"])
    return str(name)


def _json(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_dict()
    return [_json(x) for x in value] if isinstance(value, tuple) else value


def _sentence(kind: type[Record], given: Mapping[str, Any], error: Any) -> Exception:
    """Turn an entry of ``ValidationError.errors()`` into an exception with one plain sentence."""
    context = error.get("ctx", {}).get("error")
    if not error["loc"]:
        return context if isinstance(context, Exception) else TypeError(f"{kind.__name__}: {error['msg']}")
    name = str(error["loc"][0])
    if error["type"] == "unexpected_keyword_argument":
        return TypeError(f"unknown options [{name!r}]; known are {sorted(types_of(kind))}")
    if error["type"].startswith("missing"):
        return TypeError(f"{name} must be given")
    if isinstance(context, Exception):
        return ValueError(f"{name}.{context}")
    annotation = types_of(kind)[name]
    accepted = describe(annotation, upper=error["type"].startswith("less_than"))
    choices, *others = _parts(annotation)[0]
    if others == [type(None)] and get_origin(choices) is Literal:  # a choice that may be left out
        accepted = f"one of {list(get_args(choices))}"
    return ValueError(f"{name} must be {accepted}, got {given.get(name, error['input'])!r}")


def _parts(annotation: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the members of a union, and the bounds on it."""
    bounds: dict[str, Any] = {}
    if get_origin(annotation) is Annotated:
        for note in annotation.__metadata__:
            for bound in getattr(note, "metadata", ()):
                for name in ("ge", "gt", "le", "lt"):
                    if isinstance(bound, getattr(annotated_types, name.capitalize())):
                        bounds[name] = getattr(bound, name)
        annotation = annotation.__origin__
    if get_origin(annotation) in (Union, types.UnionType):
        kinds: list[Any] = []
        for member in get_args(annotation):
            inner, more = _parts(member)
            kinds += inner
            bounds |= more
        return tuple(kinds), bounds
    return (annotation,), bounds


def _describe_one(kind: Any, bounds: Mapping[str, Any], upper: bool) -> str:
    if get_origin(kind) is Literal:
        values = list(get_args(kind))
        return f"one of {values}" if len(values) > 1 else repr(values[0])
    if get_origin(kind) is tuple:
        (entry,), of_entry = _parts(get_args(kind)[0])
        return f"a list of {_PLURALS.get(entry, 'texts')}{_range(of_entry, upper)}"
    if kind is int:
        return f"an integer{_range(bounds, upper)}"
    if kind is float:
        return f"a {'' if len(bounds) == 2 else 'finite '}number{_range(bounds, True)}"
    if isinstance(kind, type) and issubclass(kind, Record):
        return f"a {kind.__name__}"
    return {bool: "true or false", str: "text"}.get(kind, str(kind))


_PLURALS = {int: "integers", float: "numbers"}
_SIGNS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}


def _range(bounds: Mapping[str, Any], upper: bool) -> str:
    shown = {name: value for name, value in bounds.items() if upper or name in ("ge", "gt")}
    if len(shown) == 2:
        low = f"[{bounds['ge']}" if "ge" in bounds else f"({bounds['gt']}"
        high = f"{bounds['le']}]" if "le" in bounds else f"{bounds['lt']})"
        return f" in {low}, {high}"
    return "".join(f" {_SIGNS[name]} {value}" for name, value in shown.items())
