"""A station: radio pages, catalogue, tickets, and payments to security servers."""
