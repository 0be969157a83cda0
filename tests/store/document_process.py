"""Adds to one document many times, in a process of its own."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from rs_assets.locks import FileLocks
from rs_assets.settings import Store
from rs_assets.store import Document, open_store

if __name__ == "__main__":
    order = json.loads(sys.argv[1])
    settings = TypeAdapter[Store](Store).validate_python(order["store"])
    documents = open_store(settings, FileLocks(Path(order["locks"]))).documents

    for number in range(order["times"]):

        def added(document: Document | None, number: int = number) -> Mapping[str, Any]:
            """Itself with one more entry."""
            return {**(document or {}), f"{order['name']} {number}": True}

        documents.update("a/shared.json", added)
