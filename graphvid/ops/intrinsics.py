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
LANES = 16  # int32 of a cache line
_MASK = ir.VectorType(ir.IntType(1), LANES)


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

    ``array`` is contiguous, int32 or int64, and its type holds the bounds and ``size``. Nothing beyond ``size`` entries
    from ``place`` is read.
    """

    def generate(context, builder, signature, arguments):
        _, _, size, bound, slope = arguments
        bits = array.dtype.bitwidth
        vector = ir.VectorType(ir.IntType(bits), LANES)
        lane = ir.Constant(vector, list(range(LANES)))
        inside = builder.icmp_signed("<", lane, _splat(builder, vector, size))
        kind = ir.FunctionType(vector, [vector.as_pointer(), _INT32, _MASK, vector])
        name = f"llvm.masked.load.v{LANES}i{bits}.p0v{LANES}i{bits}"
        pointer = builder.bitcast(_entry(context, builder, signature, arguments), vector.as_pointer())
        load = cgutils.get_or_insert_function(builder.module, kind, name)
        values = builder.call(load, [pointer, _INT32(bits // 8), inside, ir.Constant(vector, None)])
        limit = builder.add(_splat(builder, vector, bound), builder.mul(_splat(builder, vector, slope), lane))
        below = builder.and_(builder.icmp_signed("<", values, limit), inside)
        return builder.zext(builder.ctpop(builder.bitcast(below, ir.IntType(LANES))), ir.IntType(64))

    if not isinstance(array, types.Array) or array.layout != "C" or array.dtype not in (types.int32, types.int64):
        return None  # Numba then says that no such function takes these types
    return types.int64(array, types.int64, types.int64, types.int64, types.int64), generate


def _entry(context, builder, signature, arguments):
    """Return the pointer to the entry ``arguments[1]`` of the array ``arguments[0]``."""
    data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
    return builder.gep(data, [arguments[1]])


def _splat(builder, vector, number):
    """Return a vector with the int64 ``number``, as far as its entries hold it, in each lane."""
    nothing = ir.Constant(vector, ir.Undefined)
    if vector.element.width < number.type.width:
        number = builder.trunc(number, vector.element)
    one = builder.insert_element(nothing, number, _INT32(0))
    return builder.shuffle_vector(one, nothing, ir.Constant(ir.VectorType(_INT32, LANES), [0] * LANES))
