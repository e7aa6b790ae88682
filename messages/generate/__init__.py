"""Generator of the protocol's JSON Schema, TypeScript types and reference tables from ``messages.exchanges``."""
