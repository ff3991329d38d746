"""Where the services are: the one table of URLs.

Each can be replaced, by an option or an environment variable, with a mirror's. None
could be called while this was written (see docs/methods.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

ENVIRONMENT_PREFIX = "PANOPTIC_"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Base URLs, without a slash at their end."""

    nasa_tap_url: str = "https://exoplanetarchive.ipac.caltech.edu/TAP/sync"
    figshare_api_url: str = "https://api.figshare.com/v2"
    figshare_download_url: str = "https://ndownloader.figshare.com/files"
    bd_mirror_url: str = (
        "https://raw.githubusercontent.com/adam-stevenson/brown-dwarf-desert/main"
    )
    gaia_tap_url: str = "https://gea.esac.esa.int/tap-server/tap/sync"

    @classmethod
    def chosen(
        cls, given: Mapping[str, str | None], environment: Mapping[str, str]
    ) -> "Endpoints":
        """Return each URL as given, else from PANOPTIC_<NAME>, else the built-in."""
        found = {}
        for item in fields(cls):
            variable = ENVIRONMENT_PREFIX + item.name.upper()
            url = given.get(item.name) or environment.get(variable)
            if url:
                found[item.name] = url.rstrip("/")
        return cls(**found)
