"""`python -m certwright`: the same as the console script."""

from certwright.cli.main import main

main()
