"""What can go wrong while moving data.

Moving
 ├─ Fatal      the role cannot go on; one sentence for the person who runs it
 │   └─ Unreachable   no broker or store answered
 └─ LaneLost   one lane's commit did not happen here; the lane is closed and opened again

Foreign errors are mapped to these where they enter: Kafka's in `consumers.kafka`, Redis's in
`consumers.totals.store`.
"""


class Moving(Exception):
    """Base of the errors of this package. The message is one sentence without customer text."""


class Fatal(Moving):
    """The role must stop; the message says why and what to do next."""


class Unreachable(Fatal):
    """Nobody answered at an address."""


class LaneLost(Moving):
    """A lane's commit failed, was fenced, or ran out of time: nothing of it may be assumed."""
