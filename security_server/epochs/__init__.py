"""Epochs: closing, publication, settlement on the chain, challenges and their answers."""
