"""`edgeroute`, and `python -m edgeroute`: Ctrl-C is understood before anything is imported."""

import sys


def main() -> None:
    """Run the program; Ctrl-C while it is still being loaded ends it as it does later."""
    try:
        from edgeroute.cli import main as run  # noqa: PLC0415

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
