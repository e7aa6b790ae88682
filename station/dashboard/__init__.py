"""Pages of the operator: on air, listeners, money, songs, statements."""
