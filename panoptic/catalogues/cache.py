"""Where accepted answers are kept between runs, safely shared by runs at once."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from panoptic.catalogues.kept import Damaged, Kept, from_bytes
from panoptic.failures import CatalogueUnavailable

APPLICATION = "panoptic-vlms"
_LONGEST_WAIT_FOR_ANOTHER_RUN_S = 1800.0
_SECONDS_PER_DAY = 86_400.0


def default_folder() -> Path:
    """Return where this system keeps what can be fetched again."""
    return user_cache_path(APPLICATION)


@dataclass(frozen=True, slots=True)
class Cache:
    """A folder of kept answers.

    An entry is named after what was asked, so that a wider window or another mirror is
    another entry. It is written beside its name and renamed into place: a reader sees
    the whole of the old one or of the new one.
    """

    folder: Path

    def path(self, catalogue: str, *, url: str, query: str) -> Path:
        """Return the file of the answer to this question."""
        asked = hashlib.sha256(f"{url}\n{query}".encode()).hexdigest()
        return self.folder / f"{catalogue}-{asked[:16]}.csv"

    def load(self, path: Path) -> Kept | Damaged | None:
        """Return an entry, None where there is none."""
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            return Damaged(f"it cannot be read ({error.strerror})")
        return from_bytes(raw) or Damaged("it was not written by this program")

    def store(self, path: Path, kept: Kept) -> None:
        """Write an entry as a whole.

        Raises
        ------
        OSError
            where the folder cannot be written; the earlier entry is then untouched.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.folder, prefix=f".{path.stem}-")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(kept.as_bytes())
                stream.flush()
                os.fsync(stream.fileno())
            Path(name).replace(path)
        except BaseException:  # Ctrl-C too must leave no half-written file behind
            Path(name).unlink(missing_ok=True)
            raise

    @contextmanager
    def hold(self, path: Path) -> Iterator[None]:
        """Keep other runs from asking the same at the same time.

        Without effect where the folder cannot be written: then nothing is kept either.

        Raises
        ------
        CatalogueUnavailable
            where another run holds it for half an hour.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(path.with_suffix(".lock"))
            lock.acquire(timeout=_LONGEST_WAIT_FOR_ANOTHER_RUN_S)
        except Timeout as error:
            raise CatalogueUnavailable(
                f"another run has held {path.with_suffix('.lock')} for half an hour. "
                "End it, or give this run another --cache_dir."
            ) from error
        except OSError:
            yield
            return
        try:
            yield
        finally:
            lock.release()


def age_days(kept: Kept, now: datetime) -> float:
    """Return how long ago an answer was retrieved, in days."""
    retrieved = datetime.fromisoformat(kept.retrieved_utc)
    return (now - retrieved).total_seconds() / _SECONDS_PER_DAY
