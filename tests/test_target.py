import pytest

from panoptic.target import TOI_6894_B, resolve_target


def test_the_published_object_keeps_its_published_values():
    target = resolve_target()
    assert target is not None
    assert target == TOI_6894_B
    assert target.label == "TOI-6894 b"
    assert target.q == pytest.approx(7.7e-4, abs=1e-5)  # Bryant et al. 2025


def test_repeating_a_published_value_changes_nothing():
    assert resolve_target(st_mass=TOI_6894_B.st_mass, pl_bmassj=None) == TOI_6894_B


@pytest.mark.parametrize("mass", [{"st_mass": 0.1}, {"pl_bmassj": 1.0}])
def test_another_mass_makes_the_rest_unknown(mass):
    target = resolve_target(**mass)
    assert target.label == "TOI-6894 b (modified)"
    assert target.pl_orbeccen is None
    assert target.st_metfe is None
    assert target.st_rad is None
    assert target.pl_radj is None


def test_what_is_given_with_another_mass_is_kept():
    target = resolve_target(st_mass=0.1, st_rad=0.13, pl_orbeccen=0.029)
    assert target.st_rad == 0.13
    assert target.pl_orbeccen == TOI_6894_B.pl_orbeccen  # given, though not different
    assert target.pl_radj is None


def test_another_axis_keeps_masses_and_radii():
    target = resolve_target(pl_orbsmax=0.05)
    assert target.st_rad == TOI_6894_B.st_rad
    assert target.label == "TOI-6894 b (modified)"


def test_a_name_of_ones_own_is_used_as_it_is():
    assert resolve_target(st_mass=0.1, pl_name="mine").label == "mine"


def test_an_unknown_value_is_refused():
    with pytest.raises(TypeError):
        resolve_target(colour="red")
