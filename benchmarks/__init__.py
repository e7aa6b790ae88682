"""One file per figure, each measured beside its peer in the same run."""
