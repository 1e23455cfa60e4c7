"""Instructions of the processor that Numba has no words for."""

# mypy: allow-untyped-defs, allow-untyped-calls
from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import extending
from numba.core import cgutils, types

intrinsic: Any = extending.intrinsic  # its annotations would have callers give the typing context
_READ, _KEEP, _DATA = 0, 3, 1
_BYTE, _INT32 = ir.IntType(8).as_pointer(), ir.IntType(32)
LANES = 16  # int32 of a cache line, and of the widest vector registers
_VECTOR, _MASK = ir.VectorType(_INT32, LANES), ir.VectorType(ir.IntType(1), LANES)


@intrinsic
def prefetch(typing_context, array, place):
    """Ask for the cache line of the entry at ``place`` of a contiguous array, counted over all its dimensions.

    For loops over scattered rows, which then find them in the cache.
    """

    def generate(context, builder, signature, arguments):
        kind = ir.FunctionType(ir.VoidType(), [_BYTE, _INT32, _INT32, _INT32])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        pointer = builder.bitcast(_entry(context, builder, signature, arguments), _BYTE)
        builder.call(function, [pointer, _INT32(_READ), _INT32(_KEEP), _INT32(_DATA)])
        return context.get_dummy_value()

    return types.void(array, place), generate


@intrinsic
def count_below(typing_context, array, place, size, bound, slope):
    """Return how many k in [0, min(size, LANES)) have ``array[place + k] < bound + slope * k``, without a branch.

    ``array`` is contiguous int32 and nothing beyond its ``size`` entries from ``place`` is read; bounds fit int32.
    """

    def generate(context, builder, signature, arguments):
        _, _, size, bound, slope = arguments
        lane = ir.Constant(_VECTOR, list(range(LANES)))
        inside = builder.icmp_signed("<", lane, _splat(builder, size))
        kind = ir.FunctionType(_VECTOR, [_VECTOR.as_pointer(), _INT32, _MASK, _VECTOR])
        load = cgutils.get_or_insert_function(builder.module, kind, f"llvm.masked.load.v{LANES}i32.p0v{LANES}i32")
        pointer = builder.bitcast(_entry(context, builder, signature, arguments), _VECTOR.as_pointer())
        values = builder.call(load, [pointer, _INT32(4), inside, ir.Constant(_VECTOR, None)])
        limit = builder.add(_splat(builder, bound), builder.mul(_splat(builder, slope), lane))
        below = builder.and_(builder.icmp_signed("<", values, limit), inside)
        return builder.zext(builder.ctpop(builder.bitcast(below, ir.IntType(LANES))), ir.IntType(64))

    if not isinstance(array, types.Array) or array.dtype != types.int32 or array.layout != "C":
        return None  # Numba then says that no such function takes these types
    return types.int64(array, types.int64, types.int64, types.int64, types.int64), generate


def _entry(context, builder, signature, arguments):
    """Return the pointer to the entry ``arguments[1]`` of the array ``arguments[0]``."""
    data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
    return builder.gep(data, [arguments[1]])


def _splat(builder, number):
    """Return a vector with the low 32 bits of ``number`` in each lane."""
    nothing = ir.Constant(_VECTOR, ir.Undefined)
    one = builder.insert_element(nothing, builder.trunc(number, _INT32), _INT32(0))
    return builder.shuffle_vector(one, nothing, ir.Constant(_VECTOR, [0] * LANES))
