"""What is inside a verified file, and its way into the store; a format is one module, and one line in `FORMATS`."""

from rs_assets.staging.contents.unpacking import FORMATS, member_keys, unpack_files

__all__ = ["FORMATS", "member_keys", "unpack_files"]
