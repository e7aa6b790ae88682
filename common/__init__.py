"""Code that several programs share: HTTP limits and bodies, back-off, idle timeout, address classes, style sheet."""
