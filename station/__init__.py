"""A radio station: its page, its catalogue, its tickets, and what it signs for them."""
