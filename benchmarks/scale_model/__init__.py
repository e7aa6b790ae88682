"""Model of the whole system with many listeners, fed with measured costs (docs/scale.md)."""
