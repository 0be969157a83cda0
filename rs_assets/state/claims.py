"""Which object is being written by whom: one writer for each key."""

from collections.abc import Collection, Iterator

from sqlalchemy import delete, select

from rs_assets.state.database import StateDatabase
from rs_assets.state.holders import Holder, Holders
from rs_assets.state.schema import claims

_AT_ONCE = 500
"""Keys of one statement; a database bounds its parameters."""


class Claims:
    """The claims on object keys. They last as long as their holder, who renews them."""

    def __init__(self, database: StateDatabase, holders: Holders | None = None) -> None:
        self._database = database
        self._holders = holders or Holders()

    def claim(self, keys: Collection[str], holder: Holder) -> set[str]:
        """Claim keys, all in one transaction; those that are the holder's now, the others being another's."""
        if not keys:
            return set()
        with self._database.brief_transaction() as connection:
            now = self._holders.now()
            self._holders.renew(connection, holder, now)
            owner_of: dict[str, str] = {}
            for some in _batches(keys):
                found = connection.execute(select(claims).where(claims.c.object_key.in_(some)))
                owner_of |= {row.object_key: row.holder for row in found}
            others = set(owner_of.values()) - {holder.id}
            gone = self._holders.gone(connection, now, others) if others else set()
            if gone:
                self._holders.leave(connection, gone)
            refused = {key for key, owner in owner_of.items() if owner != holder.id and owner not in gone}
            taken = set(keys) - refused
            fresh = [key for key in taken if owner_of.get(key) != holder.id]
            if fresh:
                connection.execute(claims.insert(), [{"object_key": key, "holder": holder.id} for key in fresh])
        return taken

    def release(self, keys: Collection[str], holder: Holder) -> None:
        """End claims; what is not the holder's stays as it is."""
        if not keys:
            return
        with self._database.brief_transaction() as connection:
            for some in _batches(keys):
                connection.execute(delete(claims).where(claims.c.object_key.in_(some), claims.c.holder == holder.id))

    def renew(self, holder: Holder) -> set[str]:
        """Let a holder's claims last on; the keys that are still its own."""
        with self._database.brief_transaction() as connection:
            self._holders.renew(connection, holder, self._holders.now())
            return set(connection.scalars(select(claims.c.object_key).where(claims.c.holder == holder.id)))

    def leave(self, holder: Holder) -> None:
        """End all claims of a holder."""
        with self._database.brief_transaction() as connection:
            self._holders.leave(connection, [holder.id])


def _batches(keys: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(set(keys))
    for start in range(0, len(ordered), _AT_ONCE):
        yield ordered[start : start + _AT_ONCE]
