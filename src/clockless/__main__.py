"""`python -m clockless` is the command `clockless`."""

from clockless.cli import main

if __name__ == "__main__":
    main()
