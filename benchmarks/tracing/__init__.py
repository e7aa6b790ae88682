"""Marks in a copy of the extension and in a measured host; the packages have none."""
