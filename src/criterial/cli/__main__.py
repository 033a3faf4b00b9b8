"""`python -m criterial.cli`."""

from criterial.cli.main import main

main()
