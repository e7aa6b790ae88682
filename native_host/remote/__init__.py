"""Networks, security servers and trusted time."""
