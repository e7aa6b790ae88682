"""Shared by several packages: HTTP limits and bodies, the idle timeout, address classes, the style sheet."""
