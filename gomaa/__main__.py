"""``python -m gomaa`` is the console command."""

from gomaa.cli import main

main()
