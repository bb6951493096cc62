"""Which tests stay in one process where several share the work (``labkit test``)."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

ONE_BROWSER_AT_A_TIME = ("tests/browser/", "tests/exam/test_app", "tests/exam/test_whip_page")
EACH_BY_ITSELF = ("tests/notebooks/test_notebooks", "tests/notebooks/test_room_scenes")
"""Files whose tests share nothing and take long."""


class Sharing(LoadScopeScheduling):
    """Files stay whole, so that their fixtures are made once; browsers do not run side by side."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(ONE_BROWSER_AT_A_TIME):
            return "browser"
        if nodeid.startswith(EACH_BY_ITSELF):
            return nodeid
        return nodeid.split("::")[0]
