"""The console command that gathers every room's commands."""

__version__ = "0.1.0"
