"""Treaty's own schemas, registered when the service starts."""

from __future__ import annotations

from treaty_contract_governance.subjects.store import Subjects
from treaty_events.catalogue import EVENTS, committed_schema

__all__ = ["register_own", "subject_of"]


def subject_of(event: str) -> str:
    """TopicNameStrategy's subject of an event's values; topics of one template share theirs."""
    return f"{event}-value"


async def register_own(subjects: Subjects) -> None:
    """Registers what is missing; nothing happens at the next start. What this release speaks is a fact, which
    its own tests hold against the release before: it is not judged here."""
    for event in sorted(EVENTS):
        await subjects.register(subject_of(event), committed_schema(event).decode(), judged=False)
