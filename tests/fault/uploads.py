"""Photos that people send, and what became of them."""

import hashlib
import uuid
from io import BytesIO
from pathlib import Path

from PIL import Image

from tests.fault.people import Outcome, Site
from tests.fault.store import open_store


def photo() -> bytes:
    picture = BytesIO()
    Image.effect_noise((400, 400), 90).convert("RGB").save(picture, "JPEG", quality=95)
    return picture.getvalue()


def form(boundary: str) -> bytes:
    """The multipart body of one photo for a chat."""
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{{}}"{{}}\r\n\r\n'
    return (
        head.format("purpose", "").encode() + b"chat\r\n"
        + head.format("file", '; filename="a.jpg"\r\nContent-Type: image/jpeg').encode() + photo() + b"\r\n"
        + f"--{boundary}--\r\n".encode()
    )  # fmt: skip


async def upload(site: Site, token: str) -> Outcome:
    """Send one photo, once. Raises Lost."""
    boundary = uuid.uuid4().hex
    return await site.send_form("/api/file/upload", form(boundary), boundary=boundary, token=token)


def kept(data_dir: Path) -> dict[str, Path]:
    """Whole files by their key."""
    return {path.name: path for path in (data_dir / "files").glob("??/*")}


def begun(data_dir: Path) -> list[Path]:
    """Files that were never finished."""
    return list((data_dir / "files" / "incoming").glob("*"))


def file_rows(store: Path) -> dict[str, dict[str, str]]:
    """The rows of `stored_file` by the key of their bytes."""
    opened = open_store(store)
    try:
        return {row["store_key"]: row for row in opened.rows("SELECT store_key, file_id, sha256 FROM stored_file")}
    finally:
        opened.close()


def damaged(data_dir: Path, rows: dict[str, dict[str, str]]) -> list[str]:
    """Keys of rows whose bytes are missing or others."""
    files = kept(data_dir)
    return [
        key
        for key, row in rows.items()
        if key not in files or hashlib.sha256(files[key].read_bytes()).hexdigest() != row["sha256"]
    ]
