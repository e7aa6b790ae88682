"""The console command that gathers every room's commands."""
