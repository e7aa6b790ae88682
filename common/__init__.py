"""What several rooms use and none owns: the HTTP limits, the idle timeout, address classes, the style sheet."""
