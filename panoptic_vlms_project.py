"""Did the companions of the smallest stars form like planets or like binaries?

Stacks the NASA Exoplanet Archive and the Brown Dwarf Companion Catalogue for very
low-mass hosts, asks the demographics and the dynamics, and writes figures, tables,
JSON and a SUMMARY into one results folder. Without input options it runs on the
tables that ship with it.
"""

import atexit
import gc
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from panoptic import __version__
from panoptic.command_line import parse_args, sections
from panoptic.config import RunConfig, from_plain
from panoptic.failures import ExitCode, InputUnusable, RunFailure
from panoptic.target import resolve_target

if TYPE_CHECKING:  # at run time these wait until the arguments are parsed
    from data_fetchers import Catalogues
    from panoptic.anchor_files import LabelledAnchors
    from panoptic.console import Console, Progress
    from panoptic.findings import Results
    from panoptic.machine import SideProcesses
    from panoptic.reporting.artifacts import ResultsFolder
    from panoptic.reporting.partial_results import PartialResults
    from panoptic.reporting.summary import Section

DATA = Path(__file__).parent / "data"  # the tables that ship with the project
KEPT_ANCHORS = "inputs/anchors.csv"
# What takes long to import and is not needed at once, in the order it will be.
LATER = ("scipy.stats", "sklearn.linear_model", "visualization", "panoptic.dossier")


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a finished run has to say, and where the rest of it lies."""

    summary: str
    outdir: Path


class Inputs(NamedTuple):
    """Everything a run reads."""

    catalogues: "Catalogues"
    labelled: "LabelledAnchors | None"


def run(config: RunConfig, *, console: "Console") -> RunReport:
    """Run every stage in order and put the results in place as a whole.

    Raises
    ------
    RunFailure
        of one of the kinds in `panoptic.failures`; earlier results are untouched.
    """
    summary = _carry_out(config, _read_inputs, console)
    console.log.say(summary)
    return RunReport(summary, config.outputs.folder)


def _carry_out(config: RunConfig, read_inputs: Any, console: "Console") -> str:
    """Read, answer, write; return the summary."""
    from panoptic.machine import side_processes
    from panoptic.reporting.artifacts import ResultsFolder

    with ResultsFolder(config.outputs.folder) as folder:
        inputs = read_inputs(config, console)
        # These import what they need while this process does.
        n_beside = _beside(config.compute.threads)
        with side_processes(n_beside, imports="visualization") as side:
            return _answer_and_write(config, inputs, folder, side, console)


def _answer_and_write(
    config: RunConfig,
    inputs: Inputs,
    folder: "ResultsFolder",
    side: "SideProcesses",
    console: "Console",
) -> str:
    from panoptic.findings import load_results, write_results
    from panoptic.machine import import_meanwhile, kernel_threads
    from panoptic.provenance import describe_run
    from panoptic.reporting.partial_results import PartialResults

    with kernel_threads(config.compute.threads) as n_threads:
        console.log.note(f"{n_threads} kernel threads; BLAS held to one thread")
        if n_threads > 1:
            import_meanwhile(*LATER)
        store = PartialResults(
            folder.partial_dir, resume=config.compute.resume, say=console.log.say
        )
        results = _answer(config, inputs, store, console)
        with console.stage("Figures and summary") as progress:
            write_results(folder, results)
            _keep(folder, results, inputs)
            # As they read back, so that drawing them again gives the same.
            summary = _render(folder, load_results(folder.staged), side, progress)
        folder.finish(
            describe_run(
                config,
                results.record,
                n_threads=n_threads,
                started=console.log.started,
                durations_s=console.durations_s,
            )
        )
    return summary


def _read_inputs(config: RunConfig, console: "Console") -> Inputs:
    import data_fetchers
    from panoptic.anchor_files import read_anchors

    labelled = read_anchors(config.statistics.anchors, data_dir=DATA)
    with console.stage("Catalogues") as progress:
        catalogues = data_fetchers.fetch(
            config.inputs,
            data_dir=DATA,
            host_mass_range_msun=config.sample.host_mass_range_msun,
            progress=progress,
        )
    return Inputs(catalogues, labelled)


def _answer(
    config: RunConfig, inputs: Inputs, store: "PartialResults", console: "Console"
) -> "Results":
    """Ask every question of the inputs."""
    import data_processor
    import statistical_analysis
    from panoptic.findings import Results
    from panoptic.provenance import record_run

    target = resolve_target(**config.target.overrides)
    sample = data_processor.build_sample(
        inputs.catalogues,
        host_mass_range_msun=config.sample.host_mass_range_msun,
        q_split=config.sample.q_split,
        ecc_zero_bound=config.sample.ecc_zero_bound,
        target_name=target.pl_name,
    )
    findings = statistical_analysis.analyse(
        sample,
        target,
        labelled=inputs.labelled,
        statistics=config.statistics,
        migration=config.migration,
        compute=config.compute,
        rng=config.rng,
        stage=console.stage,
        store=store,
    )
    gaia = inputs.catalogues.outer_perturbers
    return Results(
        record=record_run(config, inputs.catalogues.read),
        target=target,
        sample=sample,
        perturbers=None if gaia is None else gaia.frame,
        findings=findings,
    )


def _keep(folder: "ResultsFolder", results: "Results", inputs: Inputs) -> None:
    """Write what was read to get the results."""
    for table, record in zip(
        inputs.catalogues.read, results.record.inputs, strict=True
    ):
        folder.blob(record.kept_as, table.kept)
    if inputs.labelled:
        folder.text(KEPT_ANCHORS, inputs.labelled.text)


def _render(
    folder: "ResultsFolder",
    results: "Results",
    side: "SideProcesses",
    progress: "Progress",
) -> str:
    """Write what can be made again from the results alone; return the summary."""
    import visualization
    from panoptic import dossier, synopsis
    from panoptic.reporting.html_report import Picture, compose_report
    from panoptic.reporting.summary import compose_summary

    render = partial(visualization.render, results)
    pictures = {}
    for drawn in side.map(render, visualization.slow_first(), progress=progress):
        for form, content in drawn.files.items():
            folder.blob(f"{drawn.name}.{form}", content)
        folder.text(f"{drawn.name}.caption.txt", drawn.caption + "\n")
        pictures[drawn.name] = Picture(drawn.name, drawn.files["svg"], drawn.caption)
    summary = compose_summary(synopsis.header(results), synopsis.page(results))
    folder.text("SUMMARY.txt", summary)
    folder.text("report.html", compose_report(dossier.compose(results, pictures)))
    return summary


def _beside(n_threads: int) -> int:
    """Return how many more processes may draw: none if this file is not the program.

    A new process imports the program again, and somebody else's would start over.
    """
    return n_threads - 1 if __name__ == "__main__" else 0


def replot(folder: Path, *, threads: int, console: "Console") -> None:
    """Make figures, summary and report of a finished run again."""
    from panoptic.findings import load_results
    from panoptic.machine import side_processes
    from panoptic.reporting.environment import environment
    from panoptic.runs.replot import replot as redraw

    with (
        side_processes(_beside(threads), imports="visualization") as side,
        console.stage("Figures and summary") as progress,
    ):
        redrawn = redraw(
            folder,
            redraw=lambda kept, anew: _render(anew, load_results(kept), side, progress),
            environment=asdict(environment()),
        )
    console.log.say(redrawn.text)


def verify(folder: Path, *, console: "Console") -> ExitCode:
    """Check a finished run and run it again; say what differs."""
    from panoptic.reporting.environment import environment
    from panoptic.runs.verify import verify as check

    verification = check(
        folder,
        rerun=lambda manifest, kept, again: _run_again(manifest, kept, again, console),
        environment=asdict(environment()),
    )
    console.log.say(verification.text)
    return ExitCode.DONE if verification.holds else ExitCode.VERIFICATION_DIFFERS


def _run_again(
    manifest: dict[str, Any], folder: Path, again: Path, console: "Console"
) -> None:
    """Repeat the run that a manifest describes, from the inputs it kept."""
    import data_fetchers
    from panoptic.anchor_files import read_anchors

    try:
        recorded = {
            name: from_plain(type(section), manifest["settings"][name])
            for name, section in sections()
        }
    except (KeyError, TypeError, ValueError) as error:
        raise InputUnusable(
            f"{folder} was made with settings that this panoptic ({__version__}) does "
            f"not have: {error}. Use the panoptic it was made with."
        ) from error
    config = RunConfig(**recorded)
    config = replace(config, outputs=replace(config.outputs, outdir=again))

    def read_kept(config: RunConfig, console: "Console") -> Inputs:
        kept = folder / KEPT_ANCHORS
        text = kept.read_text(encoding="utf-8") if kept.exists() else None
        return Inputs(
            data_fetchers.read_kept(
                manifest["inputs"],
                folder,
                host_mass_range_msun=config.sample.host_mass_range_msun,
            ),
            read_anchors(config.statistics.anchors, data_dir=DATA, text=text),
        )

    _carry_out(config, read_kept, console)


def compare(
    before: Path, after: Path, *, outdir: Path | None, console: "Console"
) -> None:
    """Say what changed between two runs; write it where a folder is given."""
    from panoptic.reporting.artifacts import ResultsFolder
    from panoptic.runs.compare import compare_runs, write_comparison
    from panoptic.runs.comparison_text import compose_comparison

    comparison = compare_runs(before, after, summarise=_sections_of)
    if outdir is not None:
        with ResultsFolder(outdir, kind="comparison") as folder:
            write_comparison(folder, comparison)
            folder.finish({"before": str(before), "after": str(after)})
    console.log.say(compose_comparison(comparison))


def _sections_of(folder: Path) -> "Sequence[Section]":
    from panoptic import synopsis
    from panoptic.findings import load_results

    return synopsis.sections(load_results(folder))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    config = parse_args(argv, about=__doc__)
    from panoptic.console import Console
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
            log.note(f"command: {shlex.join(sys.argv)}")
            return _guarded(config, Console(log, bars=bars))
    except RunFailure as failure:  # the log itself cannot be written
        _show_error(str(failure))
        return failure.exit_code


def _guarded(config: RunConfig, console: "Console") -> ExitCode:
    """Do what is asked, and turn every way it can end into an exit code."""
    from panoptic.machine import rare_collection

    try:
        with rare_collection():
            return _do(config, console)
    except RunFailure as failure:
        console.log.error(f"{failure}", cause=failure)
        return failure.exit_code
    except KeyboardInterrupt:
        console.log.error(f"interrupted: {_left_behind(config)}")
        return ExitCode.INTERRUPTED
    except Exception as bug:  # noqa: BLE001 (the last resort: said, logged, exit 70)
        console.log.error(
            f"a bug in panoptic: {type(bug).__name__}: {bug} (the traceback is in "
            f"{console.log.error_path})",
            cause=bug,
        )
        return ExitCode.BUG


def _left_behind(config: RunConfig) -> str:
    from panoptic.reporting.artifacts import say_what_is_left

    finished = config.finished
    if finished.replot or finished.verify or finished.compare:
        return "nothing was written"
    return say_what_is_left(config.outputs.folder)


def _do(config: RunConfig, console: "Console") -> ExitCode:
    finished = config.finished
    if finished.replot:
        replot(finished.replot, threads=config.compute.threads, console=console)
    elif finished.verify:
        return verify(finished.verify, console=console)
    elif finished.compare:
        before, after = finished.compare
        compare(before, after, outdir=config.outputs.outdir, console=console)
    else:
        run(config, console=console)
    return ExitCode.DONE


def _show(text: str) -> None:
    try:
        print(text, flush=True)
    except BrokenPipeError:  # who read (head, less) has left; the log still has it all
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _show_nothing(text: str) -> None:
    """Be quiet."""


def _show_error(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    atexit.register(gc.freeze)  # else the end looks through all that is left: 0.3 s
    raise SystemExit(main())
