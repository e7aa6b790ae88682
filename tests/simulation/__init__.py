"""Deterministic simulation of the whole settlement.

Product code, real contracts, a virtual clock, and faults drawn from one seed.
"""
