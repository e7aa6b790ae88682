"""Deterministic simulation of the whole settlement: product code, real contracts, a virtual clock, and faults drawn from one seed."""
