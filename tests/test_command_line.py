import json
import subprocess
import sys
from pathlib import Path

import pytest

from panoptic.command_line import parse_args
from panoptic.config import RunConfig, as_plain, from_plain, options
from panoptic.failures import ExitCode

ROOT = Path(__file__).parent.parent
SECTIONS = RunConfig.__dataclass_fields__


def test_no_options_are_the_defaults():
    assert parse_args([]) == RunConfig()


def test_the_studied_objects_options_are_spelled_as_promised():
    argv = ["--toi_mstar", "0.1", "--toi_mc_mj", "0.5", "--toi_a_AU", "0.05"]
    overrides = parse_args(argv).target.overrides
    assert overrides["st_mass"] == 0.1
    assert overrides["pl_bmassj"] == 0.5
    assert overrides["pl_orbsmax"] == 0.05


def test_hyphens_are_accepted_too():
    assert parse_args(["--toi-a-AU", "0.05", "--kl-grid", "3x4"]) == parse_args(
        ["--toi_a_AU", "0.05", "--kl_grid", "3x4"]
    )


def test_quick_reduces_what_is_not_given():
    config = parse_args(["--quick", "--permutations", "77"])
    assert config.statistics.bootstrap < RunConfig().statistics.bootstrap
    assert config.statistics.permutations == 77


def test_settings_survive_json():
    config = parse_args(["--kl_grid", "3x4", "--kl_aout", "7:70", "--ps", "a.csv"])
    for name in SECTIONS:
        section = getattr(config, name)
        plain = json.loads(json.dumps(as_plain(section)))
        assert from_plain(type(section), plain) == section


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--mstar_min", "0.3"], "mstar_min <= mstar_max"),
        (["--toi_ecc", "1"], "toi_ecc"),
        (["--toi_mstar", "-1"], "must be positive"),
        (["--kl_grid", "0x5"], "at least 1x1"),
        (["--kl_grid", "many"], "expected NxM with whole numbers"),
        (["--kl_grid", "3x"], "expected NxM with whole numbers"),
        (["--kl_aout", "far"], "expected LOW:HIGH, or one number for both, got far"),
        (["--kl_trials", "2.5"], "expected a whole number, got 2.5"),
        (["--kl_love", "some"], "expected a number, got some"),
        (["--kl_aout", "1000:10"], "low <= high"),
        (["--kl_aout", "0.5:100"], "must lie outside the inner orbit"),
        (["--kl_inner_au", "20"], "must lie outside the inner orbit"),
        (["--kl_aout", "10:inf"], "finite"),
        (["--kl_mout", "0:0.1"], "kl_mout must be 0 < low <= high"),
        (["--kl_eout", "0:1"], "kl_eout must lie in [0, 1)"),
        (["--kl_eout=-0.1:0.5"], "kl_eout must lie in [0, 1)"),
        (["--kl_inclination", "0:190"], "kl_inclination must lie in [0, 180]"),
        (["--toi_mstar", "0"], "toi_mstar must be positive"),
        (["--toi_mc_mj", "0"], "toi_mc_mj must be positive"),
        (["--toi_a_AU", "inf"], "toi_a_AU must be positive and finite"),
        (["--kl_horizon_gyr", "0"], "kl_horizon_gyr must be positive"),
        (["--kl_horizon_gyr", "inf"], "kl_horizon_gyr must be positive and finite"),
        (["--kl_horizon_gyr", "nan"], "kl_horizon_gyr must be positive and finite"),
        (["--kl_lag_s", "-1"], "kl_lag_s must be 0 or more"),
        (["--kl_lag_s", "inf"], "kl_lag_s must be 0 or more and finite"),
        (["--kl_window", "0.5"], "kl_window must be 1 or more"),
        (["--kl_rcrit", "nan"], "kl_rcrit must be positive"),
        (["--kl_radius_rj", "0"], "kl_radius_rj must be positive"),
        (["--kl_trials", "0"], "kl_trials must be positive"),
        (["--kl_model", "nbody"], "invalid choice"),
        (["--bootstrap", "3"], "at least 20"),
        (["--seed", "-4"], "negative"),
        (["--threads", "0"], "must be positive"),
        (["--toi_mst", "0.1"], "unrecognized"),
    ],
)
def test_wrong_usage(argv, message, capsys):
    with pytest.raises(SystemExit) as ended:
        parse_args(argv)
    assert ended.value.code == ExitCode.USAGE
    assert message in capsys.readouterr().err


def test_help_shows_every_option_with_its_default_and_every_exit_code(capsys):
    with pytest.raises(SystemExit) as ended:
        parse_args(["--help"])
    assert ended.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for section in SECTIONS:
        for item, option in options(type(getattr(RunConfig(), section))):
            assert (option.flag or f"--{item.name}") in text
    assert "default: 25x25" in text
    assert "published: 0.207" in text
    for code in ExitCode:
        assert f"{code:d} {code.meaning}" in text


def test_help_does_not_wait_for_heavy_imports():
    code = (
        "import sys; sys.argv = ['x', '--help']\n"
        "import panoptic_vlms_project as entry\n"
        "try:\n    entry.main()\n"
        "except SystemExit:\n    pass\n"
        "heavy = {'numpy', 'pandas', 'scipy', 'numba', 'matplotlib', 'sklearn'}\n"
        "sys.exit(len(heavy & set(sys.modules)))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False
    )
    assert ended.returncode == 0, ended.stderr.decode()


def test_the_version(capsys):
    with pytest.raises(SystemExit):
        parse_args(["--version"])
    assert capsys.readouterr().out.count(".") == 2


@pytest.mark.parametrize("stated", ["", "0", "many"])
def test_threads_are_found_without_a_list_of_cores(monkeypatch, stated):
    monkeypatch.setenv("NUMBA_NUM_THREADS", stated)
    monkeypatch.delattr("os.sched_getaffinity", raising=False)  # as on macOS
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    assert parse_args([]).compute.threads == 3


def test_who_stops_reading_does_not_stop_the_run():
    code = (
        "import sys, panoptic_vlms_project as entry\n"
        "for line in range(2000):\n    entry._show('x' * 100)\n"
        "sys.exit(7)\n"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert run.stdout
    run.stdout.read(10)
    run.stdout.close()
    assert run.stderr
    with run.stderr as errors:
        assert errors.read() == b""
    assert run.wait() == 7
