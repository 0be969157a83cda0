"""Objects of replaced publications, noted before the catalogue changes so that a crash forgets none."""

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import delete, select

from rs_assets.state.database import StateDatabase, insert_into
from rs_assets.state.schema import superseded_objects


class SupersededObjects:
    """The objects that may be collected once nothing in the catalogue points at them."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def note(self, hrefs: Iterable[str], *, at: datetime) -> None:
        """Note objects that are about to be replaced; one that is noted already keeps its time."""
        rows = [{"href": href, "since": at} for href in hrefs]
        if rows:
            with self._database.transaction() as connection:
                connection.execute(insert_into(connection, superseded_objects).on_conflict_do_nothing(), rows)

    def noted_before(self, moment: datetime) -> list[str]:
        """The objects that were noted before `moment`."""
        statement = select(superseded_objects.c.href).where(superseded_objects.c.since <= moment)
        with self._database.reading() as connection:
            return list(connection.scalars(statement.order_by(superseded_objects.c.since)))

    def forget(self, hrefs: Collection[str]) -> None:
        """Drop the notes on these objects."""
        with self._database.transaction() as connection:
            connection.execute(delete(superseded_objects).where(superseded_objects.c.href.in_(list(hrefs))))
