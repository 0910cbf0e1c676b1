"""`python -m edgeroute` is `edgeroute`."""

from edgeroute.cli import main

main()
