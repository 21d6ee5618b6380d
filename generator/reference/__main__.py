"""`python -m generator.reference`, which `make docs` runs: write what is made of packs and models, say what changed."""

from pathlib import Path

from generator.reference.product import write_product


def main() -> None:
    """Write into the repository that this module is in."""
    changed = write_product(Path(__file__).resolve().parents[2])
    print("\n".join(changed) if changed else "no changes")


if __name__ == "__main__":
    main()
