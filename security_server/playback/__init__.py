"""Plays: admission, invocations, segment keys."""
