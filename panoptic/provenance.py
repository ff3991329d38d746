"""Where the numbers of a run come from: what it read, with which settings, on what."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from panoptic import __version__
from panoptic.catalogues.table import CatalogueTable
from panoptic.command_line import sections
from panoptic.config import RunConfig, as_plain
from panoptic.findings import InputRecord, RunRecord
from panoptic.reporting.environment import environment

_OF_THE_SCIENCE = ("target", "sample", "statistics", "migration")


def record_run(config: RunConfig, tables: Sequence[CatalogueTable]) -> RunRecord:
    """Return what the results say of their origin: the same when they are repeated."""
    inputs = tuple(
        InputRecord(
            **asdict(table.provenance),
            remarks=table.remarks,
            stands_in_because=table.stands_in_because,
            kept_as=f"inputs/{table.provenance.catalogue}.csv",
        )
        for table in tables
    )
    settings = {name: as_plain(getattr(config, name)) for name in _OF_THE_SCIENCE}
    return RunRecord(
        __version__, config.compute.seed, config.compute.quick, settings, inputs
    )


def describe_run(
    config: RunConfig,
    record: RunRecord,
    *,
    n_threads: int,
    started: datetime,
    durations_s: Mapping[str, float],
) -> dict[str, Any]:
    """Return what the manifest says beside the outputs: times and machine too."""
    return {
        "command": sys.argv,
        "settings": {name: as_plain(getattr(config, name)) for name, _ in sections()},
        "inputs": [asdict(one) for one in record.inputs],
        "environment": asdict(environment()),
        "kernel_threads": n_threads,
        "started_utc": f"{started:%Y-%m-%dT%H:%M:%SZ}",
        "duration_s": dict(durations_s),
    }
