"""airbyte-cdk: the low-code source, into the local cache of PyAirbyte, which is DuckDB."""

from __future__ import annotations

import json
from pathlib import Path

import airbyte
from airbyte.caches import DuckDBCache

source = airbyte.get_source(
    "source-egnyte",
    config=json.loads(Path("config.json").read_text()),
    source_manifest=Path(__file__).parent / "egnyte_source.yaml",
    streams="*",
)
cache = DuckDBCache(db_path="events.duckdb", schema_name="egnyte", cache_dir="cache")
source.read(cache=cache, write_strategy="append")
