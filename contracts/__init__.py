"""The contracts' sources and their compiler. The sources are AGPL-3.0-only; see LICENSE beside this file."""
