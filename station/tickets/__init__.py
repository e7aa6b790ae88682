"""Issue of tickets, and watch over contents that move to another security server."""
