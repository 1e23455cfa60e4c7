"""``python -m benchmarks {quality,speed,peers} NAME ...`` runs ``main`` of ``benchmarks/<kind>/<name>.py``.

``python -m benchmarks gpu`` runs ``benchmarks/gpu.py``, which needs less than the others.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys

KINDS = ("quality", "speed", "peers")


def main(arguments: list[str]) -> int:
    """Dispatch to one benchmark; without a known name, list what there is."""
    if arguments[:1] == ["gpu"]:
        exit_code: int = importlib.import_module("benchmarks.gpu").main(arguments[1:])
        return exit_code
    names = {kind: benchmark_names(kind) for kind in KINDS}
    if len(arguments) < 2 or arguments[0] not in KINDS or arguments[1] not in names[arguments[0]]:
        print("usage: python -m benchmarks KIND NAME [options]; NAME --help shows the options", file=sys.stderr)
        for kind, known in names.items():
            print(f"  {kind}: {', '.join(known)}", file=sys.stderr)
        print("or: python -m benchmarks gpu [options]", file=sys.stderr)
        return 2
    kind, name, *rest = arguments
    importlib.import_module(f"benchmarks.{kind}.{name}").main(rest)
    return 0


def benchmark_names(kind: str) -> list[str]:
    """Give the public modules of ``benchmarks/<kind>``."""
    package = importlib.import_module(f"benchmarks.{kind}")
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__) if not module.name.startswith("_"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
