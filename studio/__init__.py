"""Tools of the artist: convert a recording to an SPS file, inspect, verify, publish and release it."""
