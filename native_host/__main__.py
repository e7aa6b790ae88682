"""``python -m native_host``: what the browser starts."""

import sys

from native_host.messaging.process import main

if __name__ == "__main__":
    sys.exit(main())
