"""Tickets: who may listen to which content, issued and signed by the station."""
