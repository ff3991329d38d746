"""Did the companions of the smallest stars form like planets or like binaries?

Stacks the NASA Exoplanet Archive and the Brown Dwarf Companion Catalogue for very
low-mass hosts, asks the demographics and the dynamics, and writes figures, tables,
JSON and a SUMMARY into one results folder. Without input options it runs on the
tables that ship with it.
"""

import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from panoptic import __version__
from panoptic.command_line import parse_args, sections
from panoptic.config import RunConfig, as_plain
from panoptic.failures import ExitCode, RunFailure
from panoptic.target import resolve_target

if TYPE_CHECKING:
    from panoptic.findings import Results, RunRecord
    from panoptic.reporting.run_log import RunLog

Progress = Callable[[int, int], None]
DATA = Path(__file__).parent / "data"  # the tables that ship with the project


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a finished run has to say, and where the rest of it lies."""

    summary: str
    outdir: Path


def run(config: RunConfig, *, console: "Console") -> RunReport:
    """Run every stage in order and put the results in place as a whole.

    Raises
    ------
    RunFailure
        of one of the kinds in `panoptic.failures`; earlier results are untouched.
    """
    from threadpoolctl import threadpool_limits

    from panoptic.reporting.artifacts import ResultsFolder
    from panoptic.reporting.partial_results import PartialResults

    console.log.note(f"command: {shlex.join(sys.argv)}")
    with (
        ResultsFolder(config.outputs.outdir) as folder,
        threadpool_limits(limits=1),
        _kernel_threads(config.compute.threads) as n_threads,
    ):
        console.log.note(f"{n_threads} kernel threads; BLAS held to one thread")
        catalogues = _read_catalogues(config, console)
        store = PartialResults(
            folder.partial_dir, resume=config.compute.resume, say=console.log.say
        )
        results = _answer(config, catalogues, store, console)
        with console.stage("Figures and summary"):
            summary = _write(folder, results, catalogues)
        folder.finish(_manifest(config, results, console, n_threads))
    console.log.say(summary)
    return RunReport(summary, config.outputs.outdir)


def _read_catalogues(config: RunConfig, console: "Console") -> Any:
    import data_fetchers

    with console.stage("Catalogues") as progress:
        return data_fetchers.fetch(
            config.inputs,
            data_dir=DATA,
            host_mass_range_msun=config.sample.host_mass_range_msun,
            progress=progress,
        )


def _answer(
    config: RunConfig, catalogues: Any, store: Any, console: "Console"
) -> "Results":
    """Ask every question of the catalogues."""
    import data_processor
    import statistical_analysis
    from panoptic.findings import Results

    target = resolve_target(**config.target.overrides)
    sample = data_processor.build_sample(
        catalogues,
        host_mass_range_msun=config.sample.host_mass_range_msun,
        q_split=config.sample.q_split,
        ecc_zero_bound=config.sample.ecc_zero_bound,
        target_name=target.pl_name,
    )
    findings = statistical_analysis.analyse(
        sample,
        target,
        statistics=config.statistics,
        migration=config.migration,
        compute=config.compute,
        rng=config.rng,
        stage=console.stage,
        store=store,
    )
    gaia = catalogues.outer_perturbers
    return Results(
        record=_record(config, catalogues),
        target=target,
        sample=sample,
        perturbers=None if gaia is None else gaia.frame,
        findings=findings,
    )


def _write(folder: Any, results: "Results", catalogues: Any) -> str:
    """Write results, inputs, figures and summary; return the summary."""
    from panoptic.findings import write_results

    write_results(folder, results)
    for table, record in zip(catalogues.read, results.record.inputs, strict=True):
        folder.blob(record.kept_as, table.kept)
    return _render(folder, results)


def _render(folder: Any, results: "Results") -> str:
    """Write what can be made again from the results alone; return the summary."""
    import visualization
    from panoptic import dossier, synopsis
    from panoptic.reporting.formats import encode_figure
    from panoptic.reporting.html_report import Picture, compose_report
    from panoptic.reporting.summary import compose_summary

    pictures = {}
    for name, drawn in visualization.draw(results).items():
        for form in ("png", "pdf"):
            folder.blob(f"{name}.{form}", encode_figure(drawn.figure, form))
        svg = encode_figure(drawn.figure, "svg")
        folder.blob(f"{name}.svg", svg)
        folder.text(f"{name}.caption.txt", drawn.caption + "\n")
        pictures[name] = Picture(name, svg, drawn.caption)
    summary = compose_summary(synopsis.header(results), synopsis.sections(results))
    folder.text("SUMMARY.txt", summary)
    folder.text("report.html", compose_report(dossier.compose(results, pictures)))
    return summary


def _record(config: RunConfig, catalogues: Any) -> "RunRecord":
    from panoptic.findings import InputRecord, RunRecord

    inputs = tuple(
        InputRecord(
            **asdict(table.provenance),
            remarks=table.remarks,
            stands_in_because=table.stands_in_because,
            kept_as=f"inputs/{table.provenance.catalogue}.csv",
        )
        for table in catalogues.read
    )
    settings = {
        name: as_plain(getattr(config, name))
        for name in ("target", "sample", "statistics", "migration")
    }
    return RunRecord(
        __version__, config.compute.seed, config.compute.quick, settings, inputs
    )


def _manifest(
    config: RunConfig, results: "Results", console: "Console", n_threads: int
) -> dict[str, Any]:
    from panoptic.reporting.environment import environment

    settings = {name: as_plain(getattr(config, name)) for name, _ in sections()}
    return {
        "command": sys.argv,
        "settings": settings,
        "inputs": [asdict(record) for record in results.record.inputs],
        "environment": asdict(environment()),
        "kernel_threads": n_threads,
        "started_utc": f"{console.log.started:%Y-%m-%dT%H:%M:%SZ}",
        "duration_s": dict(console.durations_s),
    }


@contextmanager
def _kernel_threads(wanted: int) -> Iterator[int]:
    """Hold numba to so many threads (at most those it was started with)."""
    import numba

    before = numba.get_num_threads()
    n_threads = min(wanted, numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]
    numba.set_num_threads(n_threads)
    try:
        yield n_threads
    finally:
        numba.set_num_threads(before)


class Console:
    """The one place that prints; the log mirrors all of it."""

    def __init__(self, log: "RunLog", *, bars: bool) -> None:
        self.log = log
        self.durations_s: dict[str, float] = {}
        self._bars = bars

    @contextmanager
    def stage(self, title: str) -> Iterator[Progress]:
        """Hand out a progress callback, and say how long the stage took."""
        started = time.perf_counter()
        if self._bars:
            from tqdm import tqdm

            with tqdm(desc=title, leave=False, file=sys.stdout) as bar:
                yield partial(_move, bar)
        else:
            yield _ignore
        self.durations_s[title] = time.perf_counter() - started
        self.log.say(f"{title}: {self.durations_s[title]:.1f} s")


def _move(bar: Any, done: int, total: int) -> None:
    bar.total = total
    bar.update(done - bar.n)


def _ignore(done: int, total: int) -> None:
    """Report progress to nobody."""


def _show(text: str) -> None:
    print(text, flush=True)


def _show_nothing(text: str) -> None:
    """Be quiet."""


def _show_error(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    config = parse_args(argv, about=__doc__)
    from panoptic.reporting.run_log import RunLog

    outputs = config.outputs
    bars = sys.stdout.isatty() and not (outputs.quiet or outputs.no_progress)
    try:
        with RunLog(
            outputs.logdir,
            outputs.errordir,
            log_basename=outputs.log_basename,
            error_basename=outputs.error_basename,
            show=_show_nothing if outputs.quiet else _show,
            show_error=_show_error,
        ) as log:
            return _guarded(config, Console(log, bars=bars))
    except RunFailure as failure:  # the log itself cannot be written
        _show_error(str(failure))
        return failure.exit_code


def _guarded(config: RunConfig, console: Console) -> int:
    """Run, and turn every way it can end into an exit code."""
    try:
        run(config, console=console)
    except RunFailure as failure:
        console.log.error(f"{failure}", cause=failure)
        return failure.exit_code
    except KeyboardInterrupt:
        console.log.error("interrupted: nothing was written")
        return ExitCode.INTERRUPTED
    except Exception as bug:  # noqa: BLE001 (the last resort: said, logged, exit 70)
        console.log.error(
            f"a bug in panoptic: {type(bug).__name__}: {bug} (the traceback is in "
            f"{console.log.error_path})",
            cause=bug,
        )
        return ExitCode.BUG
    return ExitCode.DONE


if __name__ == "__main__":
    raise SystemExit(main())
