"""Write the golden store of the present schema version, once: `PYTHONPATH=. .venv/bin/python scripts/golden_store.py`."""

from __future__ import annotations

from tests.helpers_golden import FOLDER, make

from criterial.store.schema import VERSION


def main() -> None:
    path = FOLDER / f"version_{VERSION}.sqlite"
    if path.exists():
        raise SystemExit(f"{path.name} is there: a golden store is never made anew, since old versions are what it keeps")
    FOLDER.mkdir(exist_ok=True)
    make(path)
    print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
