"""One HTTP question and its whole answer: bounded in time, size and number of tries.

Nothing here knows what a catalogue is. A service's refusal (a challenge page, an empty
answer) is reported as it came; nothing tries to get round it.
"""

import email.utils
import random
import socket
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple, TypeVar

import requests
import urllib3

from panoptic import __version__
from panoptic.catalogues.csv_dialects import one_line, what_came_instead
from panoptic.failures import CatalogueUnavailable, InputUnusable

USER_AGENT = f"panoptic-vlms/{__version__} (python-requests/{requests.__version__})"
TRANSIENT_STATUS = (429, 500, 502, 503, 504)

_TIMEOUTS = (requests.exceptions.Timeout, urllib3.exceptions.ReadTimeoutError)
_CHUNK_BYTES = 2**16
_LARGEST_EXCERPT_BYTES = 2**14

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a service, and how much to take from it."""

    attempts: int = 4
    first_delay_s: float = 1.0  # before the second try; doubled before each further
    growth: float = 2.0
    longest_wait_s: float = 60.0  # of one delay, and of a Retry-After that is honoured
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 60.0  # without a byte
    deadline_s: float = 300.0  # for a whole answer
    largest_body_bytes: int = 64 * 2**20

    def delay_s(self, tries: int, *, jitter: float) -> float:
        """Return the wait after so many tries; jitter in [0, 1) adds up to a half."""
        grown = self.first_delay_s * self.growth ** (tries - 1)
        return min(grown * (1.0 + 0.5 * jitter), self.longest_wait_s)


class BadAnswer(Exception):  # noqa: N818 (what came, not an error of ours)
    """What came is not what was asked for.

    problem : in words; is_transient : whether asking again may help; wait_s : how long
    the service asks to wait.
    """

    def __init__(
        self, problem: str, *, is_transient: bool, wait_s: float | None = None
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.is_transient = is_transient
        self.wait_s = wait_s

    @classmethod
    def not_a_table(cls, refusal: InputUnusable, *, url: str) -> "BadAnswer":
        """Return what is wrong with an answer that cannot be parsed; it may be cut."""
        problem = str(refusal).removeprefix(f"{url}: ").partition(". ")[0].rstrip(".")
        return cls(problem, is_transient=True)


class Body(NamedTuple):
    """A whole answer with status 200."""

    content: bytes
    url: str  # after redirects


@dataclass(frozen=True, slots=True)
class Transport:
    """Asks services over HTTP; its clock and its chance are handed in."""

    patience: Patience = field(default_factory=Patience)
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    utc_now: Callable[[], datetime] = partial(datetime.now, UTC)
    rng: random.Random = field(default_factory=random.Random)

    def ask(
        self,
        service: str,
        url: str,
        *,
        way_out: str,
        accept: Callable[[Body], T],
        params: Mapping[str, str] | None = None,
    ) -> T:
        """Return what `accept` makes of the answer, asking again a bounded time.

        service, way_out : for the message. accept : raises `BadAnswer` for an answer
        that is not what was asked for.

        Raises
        ------
        CatalogueUnavailable
            naming service, URL, what came, how often it was asked, and the way out.
        """
        for tries in range(1, self.patience.attempts + 1):
            try:
                return accept(self._get(url, params or {}))
            except BadAnswer as answer:
                wait = self.patience.delay_s(tries, jitter=self.rng.random())
                if answer.wait_s is not None:
                    wait = max(wait, answer.wait_s)
                is_last = tries == self.patience.attempts
                too_long = wait > self.patience.longest_wait_s
                if is_last or too_long or not answer.is_transient:
                    times = f" (asked {tries} times)" if tries > 1 else ""
                    raise CatalogueUnavailable(
                        f"{service} at {url}: {answer.problem}{times}. {way_out}"
                    ) from answer
                self.sleep(wait)
        raise AssertionError("attempts is at least 1")

    def _get(self, url: str, params: Mapping[str, str]) -> Body:
        limits = (self.patience.connect_timeout_s, self.patience.read_timeout_s)
        started = self.monotonic()
        try:
            with requests.get(
                url,
                params=params,
                headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip, identity"},
                timeout=limits,
                stream=True,
            ) as response:
                if url.startswith("https:") and response.url.startswith("http:"):
                    raise BadAnswer(
                        f"it redirects to {response.url}, which is not secure",
                        is_transient=False,
                    )
                if response.status_code != requests.codes.ok:
                    raise self._refusal(response, started)
                return Body(self._read(response, started), response.url)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise _in_words(error) from error

    def _refusal(self, response: requests.Response, started: float) -> BadAnswer:
        """Return what a status other than 200 means."""
        status = f"HTTP {response.status_code} {response.reason or ''}".strip()
        if response.headers.get("cf-mitigated") == "challenge":
            return BadAnswer(
                f"{status}, a Cloudflare challenge: the service wants a person with a "
                "browser, and scripts are refused",
                is_transient=False,
            )
        if response.headers.get("x-amzn-waf-action"):
            return BadAnswer(
                f"{status} without a file, an AWS challenge: the service refuses "
                "scripts",
                is_transient=False,
            )
        wait_s = self._retry_after_s(response.headers.get("Retry-After", ""))
        asked = f", asking to wait {wait_s:.0f} s" if wait_s is not None else ""
        return BadAnswer(
            f"{status}{asked}{self._excerpt(response, started)}",
            is_transient=response.status_code in TRANSIENT_STATUS,
            wait_s=wait_s,
        )

    def _retry_after_s(self, value: str) -> float | None:
        """Return the seconds a Retry-After header asks for, None for nothing."""
        if value.strip().isdigit():
            return float(value)
        try:
            moment = email.utils.parsedate_to_datetime(value)
        except ValueError:
            return None
        if moment.tzinfo is None:
            return None
        return max(0.0, (moment - self.utc_now()).total_seconds())

    def _excerpt(self, response: requests.Response, started: float) -> str:
        try:
            body = self._read(response, started, stop_at=_LARGEST_EXCERPT_BYTES)
        except (BadAnswer, urllib3.exceptions.HTTPError):
            return ""  # the status says enough
        text = body.decode("utf-8", errors="replace")
        said = what_came_instead(text) or one_line(text)
        return f", {said}" if said else ", an empty body"

    def _read(
        self, response: requests.Response, started: float, *, stop_at: int | None = None
    ) -> bytes:
        """Return the body; less than the Content-Length is an error of urllib3.

        Reads what has come rather than waiting for a whole chunk, so that an answer
        that drips in meets the deadline.
        """
        limit = self.patience.largest_body_bytes
        body = bytearray()
        while True:
            piece = response.raw.read1(_CHUNK_BYTES, decode_content=True)
            body += piece
            if len(body) > limit:
                raise BadAnswer(
                    f"more than {limit / 2**20:g} MiB came, which no table is that was "
                    "asked for",
                    is_transient=False,
                )
            if not piece or (stop_at is not None and len(body) >= stop_at):
                return bytes(body)
            if self.monotonic() - started > self.patience.deadline_s:
                raise BadAnswer(
                    f"the answer was not whole after {self.patience.deadline_s:g} s "
                    f"({len(body)} bytes had come)",
                    is_transient=True,
                )


def _in_words(error: Exception) -> BadAnswer:
    """Return a failure of the connection as a sentence."""
    reason = _innermost(error)
    if isinstance(reason, urllib3.exceptions.NameResolutionError | socket.gaierror):
        return BadAnswer("the host name cannot be resolved", is_transient=False)
    said = one_line(str(reason))
    if isinstance(reason, zlib.error):
        return BadAnswer(f"its compression is damaged ({said})", is_transient=True)
    if isinstance(error, requests.exceptions.SSLError):
        return BadAnswer(f"no secure connection ({said})", is_transient=False)
    if isinstance(error, requests.exceptions.InvalidURL):
        return BadAnswer("this is not a URL", is_transient=False)
    if isinstance(error, requests.exceptions.TooManyRedirects):
        return BadAnswer("redirects without end", is_transient=False)
    if isinstance(error, _TIMEOUTS):
        return BadAnswer("no answer in time", is_transient=True)
    if isinstance(reason, urllib3.exceptions.NewConnectionError):
        said = said.rpartition("connection: ")[2]
        return BadAnswer(f"no connection ({said})", is_transient=True)
    return BadAnswer(f"the connection broke ({said})", is_transient=True)


def _innermost(error: BaseException) -> BaseException:
    """Return what urllib3 met behind what requests made of it."""
    inner = [getattr(error, "reason", None), *error.args]
    for cause in inner:
        if isinstance(cause, BaseException):
            return _innermost(cause)
    return error
