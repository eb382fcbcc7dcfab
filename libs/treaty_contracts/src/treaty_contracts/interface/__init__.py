"""What the package shows the outside: widgets, actions, and what a release changed of them."""

from treaty_contracts.interface.actions import judge_actions
from treaty_contracts.interface.release import Bump, judge_release
from treaty_contracts.interface.widget import judge_widget

__all__ = ["Bump", "judge_actions", "judge_release", "judge_widget"]
