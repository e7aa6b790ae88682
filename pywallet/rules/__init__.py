"""The rules that more than one room decides by, each defined here alone."""
