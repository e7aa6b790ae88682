"""The demo: every part on one machine, and a scripted fan for headless runs and end-to-end tests."""
