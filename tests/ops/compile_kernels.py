"""Compile every Triton kernel that the operations launch, for a GPU that need not be there; print the kernels' names."""

from __future__ import annotations

import sys

import torch
from triton.backends.compiler import GPUTarget
from triton.runtime import driver
from triton.runtime.jit import JITFunction

from graphvid.ops import Adjacency, Relations, backends, use_backend


class Absent:
    """A driver for a GPU that is not there."""

    def get_current_target(self) -> GPUTarget:
        return GPUTarget("cuda", int(sys.argv[1]), 32)

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, device: int | None = None) -> int:
        return 0

    def get_active_torch_device(self) -> torch.device:
        return torch.device("cpu")


def main() -> None:
    driver.set_active(Absent())
    run, compiled = JITFunction.run, set()

    def compile_only(self, *arguments, grid, warmup, **options):
        kernel = run(self, *arguments, grid=grid, warmup=True, **options)
        assert kernel.asm["cubin"]
        compiled.add(self.fn.__name__)

    JITFunction.run = compile_only
    backends._obstacle = lambda name, device: ""
    src, dst = torch.arange(900) % 7, torch.cat([torch.arange(300) % 5, torch.zeros(600, dtype=torch.int64)])
    plain = Adjacency.from_coo(src, dst, num_src=7, num_dst=6)
    normed = Adjacency.from_coo(src, dst, num_src=7, num_dst=6, norm="both")
    with use_backend("triton"):
        for dtype in (torch.float32, torch.float64, torch.float16, torch.bfloat16):
            weight = torch.rand(900, 2).to(dtype).requires_grad_()
            x, v = (torch.rand(n, 2, 24).to(dtype).requires_grad_() for n in (7, 6))
            for reduce in ("sum", "max"):
                normed.spmm(x, weight, reduce=reduce).sum().backward()
            normed.edge_softmax(weight).sum().backward()
            normed.sddmm(x, v).sum().backward()
            plain.spmm(x, relu=True).sum().backward()
            pair = torch.rand(2, 7, 128).to(dtype).requires_grad_()
            Relations([plain, normed]).spmm(pair.unbind(), activation="relu").sum().backward()
    print(*compiled)


main()
