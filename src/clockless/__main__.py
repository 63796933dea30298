"""`python -m clockless` is the command `clockless`."""

import sys

if __name__ == "__main__":
    if not sys.flags.safe_path:
        del sys.path[0]  # the working folder, whose files nobody asked to run

    from clockless.commands.main import main

    main()
