"""The station's songs and the packages that it serves."""
