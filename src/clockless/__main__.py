"""`python -m clockless` is the command `clockless`."""

from clockless.commands.main import main

if __name__ == "__main__":
    main()
