"""What this host is and has, held against what a contract asks of it."""

from treaty_contracts.environment.host import Host, this_host
from treaty_contracts.environment.judge import judge_environment

__all__ = ["Host", "judge_environment", "this_host"]
