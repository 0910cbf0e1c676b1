"""What every record of ours shares: strict, frozen, versioned, and where it came from."""

import json

from pydantic import BaseModel, ConfigDict, Field


class Record(BaseModel):
    """Base of everything that crosses a process boundary.

    Unknown keys are ignored, so that a newer writer can add one without breaking an older reader;
    a change of meaning raises ``version`` instead, and an older reader then refuses the record.
    """

    model_config = ConfigDict(
        frozen=True, strict=True, extra="ignore", allow_inf_nan=False, hide_input_in_errors=True
    )


class Source(Record):
    """Position of the input record that everything downstream derives from."""

    topic: str = Field(min_length=1)
    partition: int = Field(ge=0)
    offset: int = Field(ge=0)


def identity_of(conversation_id: str | None, turn: int | None, source: Source) -> str:
    """Return the identity of a message: ``(conversation, turn)``, else its position.

    The identity survives a copy of the stream to another topic or partition count, which is why a
    position is only the fallback. It is JSON, so that no two different pairs share a string.
    """
    if conversation_id is not None and turn is not None:
        return json.dumps(["turn", conversation_id, turn], ensure_ascii=True)
    return json.dumps(["position", source.topic, source.partition, source.offset])
