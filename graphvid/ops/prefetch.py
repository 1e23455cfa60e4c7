"""Prefetching: a processor instruction for Numba kernels, which Numba itself does not offer."""

# mypy: allow-untyped-defs, allow-untyped-calls
from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import extending
from numba.core import cgutils, types

intrinsic: Any = extending.intrinsic  # its annotations would have callers give the typing context
_READ, _KEEP, _DATA = 0, 3, 1
_BYTE, _INT32 = ir.IntType(8).as_pointer(), ir.IntType(32)


@intrinsic
def prefetch(typing_context, array, place):
    """Prefetch the cache line of the entry at ``place`` of a contiguous array, counted over all its dimensions.

    Loops over scattered rows use it, so that they find the rows in the cache.
    """

    def generate(context, builder, signature, arguments):
        kind = ir.FunctionType(ir.VoidType(), [_BYTE, _INT32, _INT32, _INT32])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        pointer = builder.bitcast(builder.gep(data, [arguments[1]]), _BYTE)
        builder.call(function, [pointer, _INT32(_READ), _INT32(_KEEP), _INT32(_DATA)])
        return context.get_dummy_value()

    return types.void(array, place), generate
