"""The core of GoMAA: wallet, messages, SPS format, policy and player, the same under CPython and Pyodide."""
