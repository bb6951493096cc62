"""``python -m labkit``: the command line without its script."""

import sys

from labkit.words import _


def _main() -> None:
    try:
        from labkit.cli import main
    except KeyboardInterrupt:  # loading it takes a moment
        sys.stderr.write(_("labkit: stopped.") + "\n")
        sys.exit(130)
    main()


if __name__ == "__main__":
    _main()
