"""One way to run properties everywhere: the same cases each time, and no case fails because the machine was busy.

``HYPOTHESIS_PROFILE=explore`` draws new cases instead.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("steady", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))
