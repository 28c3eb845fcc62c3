"""Row line: a row as a line of the ledger, with a checksum, and read back only as what it was."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, fields
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict, get_args

import msgspec
from msgspec import Meta

from harness.contracts.number_ranges import LARGEST
from harness.errors import DamagedError, valid_text
from harness.storage.checksums import ChecksumError, checked_json, is_checked
from harness.storage.row import Row, Status
from harness.storage.row_checks import missing_findings, row_findings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from msgspec.json import Decoder

EMPTY: Mapping[str, Any] = asdict(Row())
"""What a column that came later is in the rows of before."""
TYPES: Mapping[str, Any] = {"str": str, "int": int, "float": float, "bool": bool}


def row_line(columns: Mapping[str, Any]) -> bytes:
    """Line of a row, its CRC-32 (of the line without it) last. Raises ValueError of NaN or infinity."""
    return checked_json(_visible(columns)) + b"\n"


def row_problem(columns: Mapping[str, Any]) -> str | None:
    """What is wrong with a row that is to be written; None where nothing is."""
    for name, value in columns.items():
        if isinstance(value, float) and not math.isfinite(value):
            return f"{name} is {value}"
    try:
        read_row(json.dumps(columns).encode())
    except (DamagedError, TypeError) as error:
        return str(error)
    return None


def read_row(line: bytes) -> dict[str, Any]:
    """Columns of a line, a later release's empty. Raises DamagedError naming a column and its value.

    Numbers of a line that tells no checksum are held against each other; those of others were when
    they were written.
    """
    try:
        told = is_checked(line)
    except ChecksumError as error:
        raise DamagedError(str(error)) from None
    row = {**EMPTY, **_typed(line)}
    if not row["key"]:
        raise DamagedError("it is not a row: it has no key")
    # Whoever wrote it may have computed a checksum, and readers count on what a measured row has.
    for finding in missing_findings(row) if told else row_findings(row):
        raise DamagedError(finding)
    return row if line.isascii() and b"\\" not in line and b"\x7f" not in line else _visible(row)


def _visible(row: Mapping[str, Any]) -> dict[str, Any]:
    """Columns with texts of one line that any file may hold and any terminal show."""
    return {n: valid_text(v).replace("\n", " ") if isinstance(v, str) else v for n, v in row.items()}


def _typed(line: bytes) -> dict[str, Any]:
    """Columns of the types and in the ranges that they have."""
    try:
        if not line.isascii():
            # Columns of a later release are passed over unread.
            line.decode()
        columns: dict[str, Any] = _decoder().decode(line)
    except msgspec.ValidationError as error:
        raise DamagedError(_sentence(line, str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise DamagedError("it is not a row") from None
    return columns


def _sentence(line: bytes, problem: str) -> str:
    """What a column has to be, and is, from msgspec's words for it."""
    expected, _, column = problem.partition(" - at `$.")
    name = column.rstrip("`")
    if not name:
        return "it is not a row"
    try:
        value = _raw_decoder().decode(line)[name]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # What follows the column is no JSON.
        return "it is not a row"
    return f"{name} is {_shown(value)}: {expected[:1].lower()}{expected[1:]}"


def _shown(value: msgspec.Raw) -> str:
    """A value in letters that any terminal shows: as it stands where no number is as large."""
    try:
        return ascii(msgspec.json.decode(value))[:60]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return bytes(value)[:60].decode("ascii", "backslashreplace")


@cache
def _raw_decoder() -> Decoder[dict[str, msgspec.Raw]]:
    return msgspec.json.Decoder(dict[str, msgspec.Raw])


@cache
def _decoder() -> Decoder[Any]:
    columns = {item.name: _type(str(item.type), item.metadata) for item in fields(Row)}
    return msgspec.json.Decoder(TypedDict("Columns", columns, total=False))  # type: ignore[operator]  # made of Row


def _type(words: str, metadata: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- a type, put together
    plain = words.removesuffix(" | None")
    if plain == "Status":
        return Literal[get_args(Status)]
    kind = TYPES[plain]
    if kind in (int, float):
        kind = Annotated[kind, _limits(kind, metadata)]
    return kind | None if words != plain else kind


def _limits(kind: type, metadata: Mapping[str, Any]) -> Meta:
    most = 1 if metadata["unit"] == "fraction" else LARGEST
    if metadata["sign"] == "positive":
        return Meta(gt=kind(0), le=kind(most))
    return Meta(ge=kind(-most if metadata["sign"] == "any" else 0), le=kind(most))
