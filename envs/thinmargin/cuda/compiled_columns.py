"""`thinmargin.cuda.columns` in compiled code: the types that numba-cuda knows a column by, and what they cost: nothing.

A column is an address and a stride; a field is a place behind it that is known when the code is compiled.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from numba.cuda import cgutils, types
from numba.cuda.core.imputils import lower_builtin, lower_getattr_generic, lower_setattr_generic
from numba.cuda.extending import intrinsic, models, register_model
from numba.cuda.typing.templates import AbstractTemplate, AttributeTemplate, infer_getattr, infer_global, signature

from thinmargin.cuda.columns import fields_of


class ColumnsType(types.Type):
    """A firm of a table, with the fields of a record type."""

    def __init__(self, kind: np.dtype[Any]) -> None:
        self.fields = fields_of(kind)
        super().__init__(name=f"Columns({kind.descr})")


class PartType(types.Type):
    """Numbers of one type in one column; `shape` is () where their count is not known: one dimension then."""

    def __init__(self, number: types.Type, shape: tuple[int, ...]) -> None:
        self.number, self.shape = number, shape
        super().__init__(name=f"Part({number}, {shape})")


@register_model(ColumnsType)
class ColumnsModel(models.StructModel):
    """Address of the first number, and how far it is to the next."""

    def __init__(self, manager: Any, kind: ColumnsType) -> None:
        members = [("data", types.CPointer(types.float64)), ("stride", types.intp)]
        super().__init__(manager, kind, members)


@register_model(PartType)
class PartModel(models.StructModel):
    """Address of the first number, and how far it is to the next."""

    def __init__(self, manager: Any, kind: PartType) -> None:
        super().__init__(manager, kind, [("data", types.CPointer(kind.number)), ("stride", types.intp)])


def _number(field: Any) -> types.Type:
    return types.int64 if field.is_whole else types.float64


@infer_getattr
class ColumnsAttributes(AttributeTemplate):
    """The type of every field."""

    key = ColumnsType

    def generic_resolve(self, columns: ColumnsType, name: str) -> types.Type | None:
        """The type of one field; None if there is none of this name."""
        field = columns.fields.get(name)
        if field is None:
            return None
        return PartType(_number(field), field.shape) if field.shape else _number(field)


def _place(builder: Any, start: Any, stride: Any, row: Any) -> Any:
    return builder.gep(start, [builder.mul(stride, row)])


def _field(context: Any, builder: Any, kind: ColumnsType, columns: Any, name: str) -> tuple[Any, Any, Any]:
    """The field, the address of its first number as one of its type, and the stride."""
    field, parts = kind.fields[name], cgutils.create_struct_proxy(kind)(context, builder, columns)
    place = _place(builder, parts.data, parts.stride, context.get_constant(types.intp, field.row))
    pointer = context.get_data_type(types.CPointer(_number(field)))
    return field, builder.bitcast(place, pointer), parts.stride


@lower_getattr_generic(ColumnsType)
def get_field(context: Any, builder: Any, kind: ColumnsType, columns: Any, name: str) -> Any:
    """Read a number, or the address of several."""
    field, place, stride = _field(context, builder, kind, columns, name)
    if not field.shape:
        return builder.load(place)
    part = cgutils.create_struct_proxy(PartType(_number(field), field.shape))(context, builder)
    part.data, part.stride = place, stride
    return part._getvalue()  # noqa: SLF001  # numba's way


@lower_setattr_generic(ColumnsType)
def set_field(context: Any, builder: Any, sig: Any, arguments: Any, name: str) -> None:
    """Write a number."""
    kind, given = sig.args
    field, place, _ = _field(context, builder, kind, arguments[0], name)
    builder.store(context.cast(builder, arguments[1], given, _number(field)), place)


def _index(part: PartType, place: types.Type) -> types.Type | None:
    """The type of an index into a part, or None if it is none."""
    if isinstance(place, types.Integer):
        return types.intp
    if isinstance(place, types.BaseTuple) and len(place) == len(part.shape):
        return types.UniTuple(types.intp, len(place))
    return None


@infer_global(operator.getitem)
class PartItem(AbstractTemplate):
    """The type of one number, or of the part behind a first index."""

    def generic(self, arguments: Any, _: Any) -> Any:
        """Its signature, or None for what is no part."""
        part, place = arguments
        index = _index(part, place) if isinstance(part, PartType) else None
        if index is None:
            return None
        rest = part.shape[1:] if index is types.intp else ()
        return signature(PartType(part.number, rest) if rest else part.number, part, index)


@infer_global(operator.setitem)
class PartSetItem(AbstractTemplate):
    """Any number can be written."""

    def generic(self, arguments: Any, _: Any) -> Any:
        """Its signature, or None for what is no part."""
        part, place, value = arguments
        index = _index(part, place) if isinstance(part, PartType) else None
        if index is None or not isinstance(value, (types.Number, types.Boolean)):
            return None
        return signature(types.none, part, index, part.number)


def _item(context: Any, builder: Any, part: PartType, value: Any, places: list[Any]) -> tuple[Any, Any]:
    """The address behind these indices, and the stride."""
    parts = cgutils.create_struct_proxy(part)(context, builder, value)
    row = places[0]
    for length, place in zip(part.shape[1:], places[1:], strict=False):
        row = builder.add(builder.mul(row, context.get_constant(types.intp, length)), place)
    left = prod(part.shape[len(places) :])
    if left != 1:
        row = builder.mul(row, context.get_constant(types.intp, left))
    return _place(builder, parts.data, parts.stride, row), parts.stride


@lower_builtin(operator.getitem, PartType, types.intp)
def get_item(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
    """Read a number, or the address of the part behind a first index."""
    part = sig.args[0]
    place, stride = _item(context, builder, part, arguments[0], [arguments[1]])
    if not part.shape[1:]:
        return builder.load(place)
    rest = cgutils.create_struct_proxy(sig.return_type)(context, builder)
    rest.data, rest.stride = place, stride
    return rest._getvalue()  # noqa: SLF001


@lower_builtin(operator.getitem, PartType, types.UniTuple)
def get_item_of_several(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
    """Read a number by all its indices."""
    places = cgutils.unpack_tuple(builder, arguments[1])
    return builder.load(_item(context, builder, sig.args[0], arguments[0], places)[0])


@lower_builtin(operator.setitem, PartType, types.intp, types.Any)
def set_item(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
    """Write a number."""
    place, _ = _item(context, builder, sig.args[0], arguments[0], [arguments[1]])
    builder.store(arguments[2], place)
    return context.get_dummy_value()


@lower_builtin(operator.setitem, PartType, types.UniTuple, types.Any)
def set_item_of_several(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
    """Write a number by all its indices."""
    places = cgutils.unpack_tuple(builder, arguments[1])
    builder.store(arguments[2], _item(context, builder, sig.args[0], arguments[0], places)[0])
    return context.get_dummy_value()


def view_compiled(kind: np.dtype[Any]) -> Callable[[Any, int], Any]:
    """`at(table, firm)` in compiled code."""
    columns = ColumnsType(kind)

    @intrinsic
    def at(_: Any, table: Any, firm: Any) -> Any:
        def code(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
            return _start(context, builder, sig, arguments, columns)

        del firm
        return signature(columns, table, types.intp), code

    made: Callable[[Any, int], Any] = at
    return made


@intrinsic
def column_compiled(_: Any, table: Any, firm: Any) -> Any:
    """A column of a table of plain numbers, as an array of one dimension."""
    part = PartType(table.dtype, (1,))

    def code(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        return _start(context, builder, sig, arguments, part)

    del firm
    return signature(part, table, types.intp), code


def _start(context: Any, builder: Any, sig: Any, arguments: Any, kind: types.Type) -> Any:
    """A column of a table: the address of its first number, and how far it is to the next."""
    table = context.make_array(sig.args[0])(context, builder, arguments[0])
    made = cgutils.create_struct_proxy(kind)(context, builder)
    made.data = builder.gep(table.data, [arguments[1]])
    made.stride = cgutils.unpack_tuple(builder, table.shape)[1]
    return made._getvalue()  # noqa: SLF001
