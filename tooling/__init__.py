"""Set-up steps of ``build.py``: system packages, Python environment, npm packages. Standard library only."""
