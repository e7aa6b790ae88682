"""Messages between programs as msgspec structs: browser and host, host and server, and the HTTP of both servers."""
