"""An installation whose store can be looked into, whichever kind it is."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from rs_assets.ingest import Platform
from rs_assets.settings import S3Store, StateSettings, parse_settings
from tests.campaigns.truth import assert_catalogue_is_whole, objects_among
from tests.campaigns.workers import Order
from tests.platform import settings_text


class Installation:
    """Settings, store, catalogue and state below a directory, for the simulated station at `url`."""

    def __init__(
        self,
        home: Path,
        url: str,
        *,
        s3: tuple[S3Store, Callable[[], dict[str, bytes]]] | None = None,
        state: StateSettings | None = None,
        downlink: bool = False,
        **station: Any,
    ) -> None:
        """Prepare; nothing is made before it is used.

        Args:
            home: an empty directory.
            url: the simulator.
            s3: a store with its reader, instead of a directory.
            state: where its state is kept, instead of a file.
            downlink: whether there is a second station, the downlink station ``sgs``.
            station: keys of the stations' settings.
        """
        self.home = home
        document = yaml.safe_load(settings_text(url, **station))
        if downlink:
            [entry] = document["stations"]
            entry = {key: value for key, value in entry.items() if key != "collection"}
            entry |= {"name": "sgs", "interface": "cadip", "start": "2010-01-01", "url": f"{url}/cadip/sgs"}
            document["stations"].append(entry)
        self._read: Callable[[], dict[str, bytes]] = self._files_of_directory
        if state is not None:
            document["state"] = state.model_dump(mode="json", exclude_defaults=True)
        if s3 is not None:
            store, self._read = s3
            document["store"] = store.model_dump(mode="json", exclude_none=True) | {"superseded_retention": "PT0S"}
        self.settings = yaml.safe_dump(document)

    @cached_property
    def platform(self) -> Platform:
        """The installation as this process uses it."""
        return Platform.open(parse_settings(self.settings, base=self.home))

    def order(self, *keys: str, **more: Any) -> Order:
        """An order to take partitions through the steps."""
        return Order(self.settings, self.home, keys=keys, **more)

    def objects(self) -> dict[str, bytes]:
        """What is visible in the store, but for documents."""
        return objects_among(self._read())

    def parts(self) -> list[str]:
        """What of objects is in the making below a directory, or was left there."""
        names = (path.name for path in (self.home / "store" / ".parts").glob("*"))
        return sorted(name for name in names if not name.endswith(".document.part"))

    def catalogued(self) -> dict[str, set[str]]:
        """The station's keys of the files of each item, all of which are there as the catalogue says."""
        return assert_catalogue_is_whole(self.platform, self.objects())

    def _files_of_directory(self) -> dict[str, bytes]:
        root = self.home / "store"
        paths = (path for path in root.rglob("*") if path.is_file())
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}
