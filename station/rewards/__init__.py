"""Reward programme of the station: GoMAA points, passes, caps on reward tokens."""
