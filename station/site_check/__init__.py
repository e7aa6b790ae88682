"""Site check: the songs that a web page names, and the conditions for playing them there."""
