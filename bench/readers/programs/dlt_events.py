"""dlt: its rest_api source, into DuckDB, by files of the format that is given (its own choice is insert_values)."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import dlt
from dlt.sources.rest_api import rest_api_source

config = json.loads(Path("config.json").read_text())

source = rest_api_source(
    {
        "client": {
            "base_url": config["url"],
            "auth": {"type": "bearer", "token": config["token"]},
            "paginator": {"type": "cursor", "cursor_path": "latest_id", "cursor_param": "id"},
        },
        "resources": [
            {
                "name": "events",
                "primary_key": "id",
                "write_disposition": "append",
                "endpoint": {
                    "path": "pubapi/v2/events",
                    "params": {"id": 0, "count": 100},
                    "data_selector": "events",
                    "response_actions": [{"status_code": 204, "action": "ignore"}],
                },
            }
        ],
    },
    name="egnyte",
    max_table_nesting=0,
)
pipeline = dlt.pipeline(
    pipeline_name="egnyte",
    pipelines_dir="pipelines",
    destination=dlt.destinations.duckdb("events.duckdb"),
    dataset_name="egnyte",
)
pipeline.run(source, loader_file_format=sys.argv[1]).raise_on_failed_jobs()
