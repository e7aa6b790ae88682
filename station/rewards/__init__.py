"""The station's reward book: GoMAA points that listeners earn, and loyalty."""
