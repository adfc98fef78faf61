"""Who may come in, from where, and what browsers may do with what they get."""

from tunesmith.ui.security._bodies import Bodies
from tunesmith.ui.security._door import COOKIE, Door, Guest
from tunesmith.ui.security._headers import Headers
from tunesmith.ui.security._hosts import Hosts
from tunesmith.ui.security._sessions import Session, Sessions

__all__ = ["COOKIE", "Bodies", "Door", "Guest", "Headers", "Hosts", "Session", "Sessions"]
