"""``python -m proxy`` is ``thron-connector``."""

from proxy.cli import main

main()
