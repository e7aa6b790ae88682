"""Check of a web page before it goes live: the songs found in it and whether they can be played."""
