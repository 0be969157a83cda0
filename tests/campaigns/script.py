"""What a campaign's run does, drawn by dice: an installation, and actions that can be read and repeated."""

from dataclasses import asdict, dataclass
from random import Random
from typing import Any, Self

from tests.campaigns.steps import STEPS

Action = dict[str, Any]
"""What is done, under ``do``, with its details; a number under ``which`` chooses among what there is then."""

_ONLY_S3 = ("put", "upload piece", "completion", "object collection")
_ONLY_DIRECTORY = ("part", "bytes", "journal", "fsync", "link", "unlink", "directory sync", "collection")
_POLICIES = ("strict", "strict", "warn", "off")
_SIZES = (0, 1, 5_000, 250_000, 700_000, 1_500_000)
_LARGE_SIZES = (6_000_000, 11_000_000)
_OPERATIONS = ("PutObject", "HeadObject", "GetObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload")

_WEIGHTS = {
    "run": 14,
    "publish": 8,
    "republish": 6,
    "evict": 2,
    "acquire": 2,
    "retransfer": 2,
    "fault": 8,
    "store fault": 4,
    "revoke": 1,
    "mend": 2,
}
"""How often each kind of action is drawn, in proportion."""
_KINDS = tuple(kind for kind, weight in _WEIGHTS.items() for _ in range(weight))
"""Not left to the dice's own weights, which those of hypothesis do not heed."""


@dataclass(frozen=True)
class Script:
    """One run of a campaign."""

    sink: str
    """``directory`` or ``s3``."""
    policy: str
    """What a wrong size or checksum means: strict, warn, off."""
    concurrency: int
    actions: tuple[Action, ...]

    def to_dict(self) -> dict[str, Any]:
        """The script as a JSON document."""
        return asdict(self) | {"actions": list(self.actions)}

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> Self:
        """Read what `to_dict` gave."""
        return cls(**document | {"actions": tuple(document["actions"])})


def drawn(dice: Random, length: int) -> Script:
    """A script of so many actions, three at least; the same dice give the same."""
    sink, policy = dice.choice(("directory", "s3")), dice.choice(_POLICIES)
    first = [_publication(dice, sink), _publication(dice, sink), _session(dice)]
    kinds = [dice.choice(_KINDS) for _ in range(length - len(first))]
    return Script(sink, policy, dice.randint(1, 4), (*first, *(_action(kind, dice, sink, policy) for kind in kinds)))


def _action(kind: str, dice: Random, sink: str, policy: str) -> Action:  # noqa: PLR0911
    match kind:
        case "publish":
            return _publication(dice, sink)
        case "acquire":
            return _session(dice)
        case "run":
            return _run(dice, sink)
        case "fault":
            return _fault(dice, policy)
        case "store fault":
            return _store_fault(dice, sink)
        case "republish":
            return {"do": kind, "which": dice.randrange(1000), "same_id": dice.random() < 0.3}
        case "evict" | "retransfer":
            return {"do": kind, "which": dice.randrange(1000)}
        case _:
            return {"do": kind}


def _publication(dice: Random, sink: str) -> Action:
    sizes = _SIZES if sink == "directory" or dice.random() < 0.6 else _LARGE_SIZES
    action: Action = {"do": "publish", "size": dice.choice(sizes), "day": dice.randint(0, 1)}
    lie = dice.choice((None, None, None, "no checksum", "size as text", "wrong checksum", "wrong size"))
    return action | ({"lie": lie} if lie else {})


def _session(dice: Random) -> Action:
    return {"do": "acquire", "chunks": dice.randint(1, 3), "size": dice.choice((2_000, 300_000))}


def _run(dice: Random, sink: str) -> Action:
    action: Action = {"do": "run", "station": dice.choice(("adgs", "adgs", "sgs")), "processes": dice.choice((1, 1, 2))}
    if dice.random() < 0.75:
        others = _ONLY_S3 if sink == "directory" else _ONLY_DIRECTORY
        steps = [step for step in STEPS if not step.partition(" ")[2].startswith(others)]
        action["die"] = [dice.choice(steps), dice.choice((1, 1, 1, 2, 4))]
    return action


def _fault(dice: Random, policy: str) -> Action:
    anywhere: list[dict[str, Any]] = [
        {"truncate_bytes": dice.choice((0, 100, 400_000))},
        {"reset": True, "after_bytes": dice.choice((0, 100, 400_000))},
        {"reset": True},
        {"ignore_range": True},
        {"change_etag": True},
        {"truncate_bytes": 400_000, "change_etag": True},
        {"gzip": dice.choice(("encoded", "claimed"))},
        {"hops": dice.choice((1, 6))},
        {"stall_seconds": 1.0, "after_bytes": 50},
        {"without_headers": ["content-length"], "truncate_bytes": 300_000},
        {"status": dice.choice((400, 401, 403, 404, 408, 410, 416, 500))},
        {"status": dice.choice((429, 503)), "retry_after_seconds": dice.choice((0, 1))},
        {"status": dice.choice((429, 503)), "retry_after_date": 1},
    ]
    rule: dict[str, Any] = {"path_contains": "$value"} | dice.choice(anywhere)
    if policy == "strict" and dice.random() < 0.25:
        # What is wrong is found by the size, or by the checksum, which only an auxiliary file has.
        rule = {"path_contains": "/auxip/Products("} | dice.choice(({"corrupt": True}, {"empty": True}))
    if dice.random() < 0.15:
        rule = dice.choice(
            (
                {"path_contains": "/token", "status": dice.choice((400, 500))},
                {"path_contains": "/auxip/Products", "truncate_bytes": 20},
                {"path_contains": "/cadip/sgs/Files", "status": 503},
            )
        )
    return {"do": "fault", "rule": rule | {"times": dice.randint(1, 4), "skip": dice.choice((0, 0, 1, 3))}}


def _store_fault(dice: Random, sink: str) -> Action:
    if sink == "directory":
        return _run(dice, sink)
    kind: dict[str, Any] = dice.choice(({}, {"status": 503, "code": "SlowDown"}, {"reset": True}, {"done": True}))
    rule = {"operation": dice.choice(_OPERATIONS), "times": dice.choice((1, 2, 8)), "after": dice.randint(0, 3)}
    return {"do": "store fault", "rule": rule | kind}
