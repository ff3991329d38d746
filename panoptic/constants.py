"""Physical constants and conversions: value, unit and authority on one line.

Names carry the unit. Derived values stand below the measured ones. Nothing here is
computed from data and nothing here imports the project.
"""

GM_SUN_M3_S2 = 1.3271244e20  # IAU 2015 Resolution B3, nominal solar mass parameter
GM_JUP_M3_S2 = 1.2668653e17  # IAU 2015 Resolution B3, nominal jovian mass parameter
GM_EARTH_M3_S2 = 3.986004e14  # IAU 2015 Resolution B3, nominal terrestrial one
RSUN_M = 6.957e8  # IAU 2015 Resolution B3, nominal solar radius
RJUP_M = 7.1492e7  # IAU 2015 Resolution B3, nominal equatorial jovian radius
REARTH_M = 6.3781e6  # IAU 2015 Resolution B3, nominal equatorial terrestrial radius
AU_M = 149_597_870_700.0  # IAU 2012 Resolution B2
C_M_S = 299_792_458.0  # SI definition of the metre
DAY_S = 86_400.0  # definition
YEAR_D = 365.25  # Julian year, definition
LSUN_W = 3.828e26  # IAU 2015 Resolution B3, nominal solar luminosity
G_M3_KG_S2 = 6.67430e-11  # CODATA 2018; needed where gas is weighed in kilograms
STEFAN_BOLTZMANN_W_M2_K4 = 5.670374419e-8  # SI of 2019, exact (rounded here)

DEUTERIUM_LIMIT_MJUP = 13.0  # conventional; Spiegel et al. 2011 find 11-16 (unverified)
HYDROGEN_LIMIT_MSUN = 0.075  # conventional, solar metallicity (source unverified)
STAR_MASS_MJUP = 80.0  # above it the Brown Dwarf Companion Catalogue's rows are stars

YEAR_S = YEAR_D * DAY_S
MSUN_MJUP = GM_SUN_M3_S2 / GM_JUP_M3_S2  # jovian masses in a solar mass, 1047.57
MJUP_MEARTH = GM_JUP_M3_S2 / GM_EARTH_M3_S2  # terrestrial masses in a jovian, 317.83
RSUN_AU = RSUN_M / AU_M
RJUP_AU = RJUP_M / AU_M
RSUN_RJUP = RSUN_M / RJUP_M
RJUP_REARTH = RJUP_M / REARTH_M
G_AU3_MSUN_YR2 = GM_SUN_M3_S2 * YEAR_S**2 / AU_M**3  # close to 4 pi^2
C_AU_YR = C_M_S * YEAR_S / AU_M
MSUN_KG = GM_SUN_M3_S2 / G_M3_KG_S2
G_CM2_MSUN_AU2 = 10.0 * AU_M**2 / MSUN_KG  # 1 g cm^-2 in solar masses per square AU
