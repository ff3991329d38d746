"""The options of the command, made from what the settings say of themselves."""

import argparse
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from panoptic import __version__
from panoptic.config import GridShape, Option, Range, RunConfig, options
from panoptic.failures import ExitCode
from panoptic.target import TOI_6894_B

# What a value must look like, said where it cannot be read.
_FORMS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    Range.parse: "LOW:HIGH, or one number for both",
    GridShape.parse: "NxM with whole numbers, or one for both",
}
_METAVARS: dict[Any, str] = {
    int: "N",
    float: "X",
    str: "TEXT",
    Path: "PATH",
    Range.parse: "LOW:HIGH",
    GridShape.parse: "NxM",
}


class _Help(argparse.RawDescriptionHelpFormatter):
    """Show one spelling of an option; the hyphenated one works all the same."""

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings or action.option_strings[0] == "-h":
            return super()._format_action_invocation(action)
        shown = action.option_strings[0]
        values = action.metavar or ""
        return " ".join([shown, *([values] if isinstance(values, str) else values)])


def sections() -> Iterator[tuple[str, Any]]:
    """Yield the name and the default of each section of the settings."""
    defaults = RunConfig()
    for section in fields(RunConfig):
        yield section.name, getattr(defaults, section.name)


def _default_text(section: Any, item: Field[Any]) -> str:
    names = getattr(section, "ARCHIVE_NAMES", {})
    if item.name in names:
        return f"published: {getattr(TOI_6894_B, names[item.name])}"
    value = getattr(section, item.name)
    return "" if value is None or value is False else f"default: {value}"


def _reader(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return the parser with a message of ours; argparse would show its name."""
    form = _FORMS.get(parse)
    if form is None:
        return parse

    def read(text: str) -> Any:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"expected {form}, got {text}") from error

    return read


def _add_option(group: Any, section: Any, item: Field[Any], option: Option) -> None:
    spelling = option.flag or f"--{item.name}"
    other = {f"--{item.name}", f"--{item.name.replace('_', '-')}"} - {spelling}
    details = [option.unit, _default_text(section, item)]
    if option.quick is not None:
        details.append(f"--quick: {option.quick}")
    remark = "; ".join(detail for detail in details if detail)
    text = f"{option.help} ({remark})" if remark else option.help
    kind: dict[str, Any] = {"action": "store_true"}
    if option.parse is not None:
        metavar = option.metavar or _METAVARS[option.parse]
        kind = {
            "type": _reader(option.parse),
            "choices": option.choices,
            "metavar": metavar,
        }
        if option.n_values:
            kind["nargs"] = option.n_values
    group.add_argument(
        spelling,
        *sorted(other),
        dest=item.name,
        default=argparse.SUPPRESS,
        help=text.replace("%", "%%"),
        **kind,
    )


def _parser(about: str) -> argparse.ArgumentParser:
    codes = "\n".join(
        textwrap.fill(f"{code:5d}  {code.meaning}", 78, subsequent_indent=" " * 7)
        for code in ExitCode
    )
    parser = argparse.ArgumentParser(
        prog="panoptic_vlms_project.py",
        usage="%(prog)s [--fetch | --ps FILE --bd FILE] [--outdir DIR] [options]",
        description=about,
        epilog=f"exit codes:\n{codes}",
        formatter_class=_Help,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=__version__)
    for _, section in sections():
        title, _, rest = str(type(section).__doc__).partition(".")
        about = textwrap.fill(" ".join(rest.split()), width=78)
        group = parser.add_argument_group(title, about)
        for item, option in options(type(section)):
            _add_option(group, section, item, option)
    return parser


def parse_args(argv: Sequence[str] | None = None, *, about: str = "") -> RunConfig:
    """Return the settings that a command line asks for.

    Raises
    ------
    SystemExit
        with `ExitCode.USAGE` and a message on wrong usage; with 0 after --help.
    """
    parser = _parser(about)
    given = vars(parser.parse_args(argv))
    quick = given.get("quick", False)
    settings = {}
    try:
        for name, section in sections():
            chosen = {}
            for item, option in options(type(section)):
                if item.name in given:
                    chosen[item.name] = given[item.name]
                elif quick and option.quick is not None:
                    chosen[item.name] = option.quick
            settings[name] = type(section)(**chosen)
        return RunConfig(**settings)
    except ValueError as error:
        parser.error(str(error))
