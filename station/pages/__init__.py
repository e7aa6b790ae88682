"""The station's web pages."""
