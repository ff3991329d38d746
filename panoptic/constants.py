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
