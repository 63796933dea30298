"""A study as one file for a public archive: data, description, environment, citation and figures, and back on any machine.

    experiment.yaml          what was computed, as text
    store/                   the whole store, which `clockless resume`, `extend` and `cl.load` open
    errors.csv, results.nc   the results for other programs
    figures/                 learning curves, the first machine (PNG and PDF)
    environment.json         versions, processor, sources
    CITATION.cff             what to cite, for archives that read it
    README.md                what is what, and how to go on
    manifest.json            SHA-256 and size of every file, fingerprint and digest of the results

Archives may come from anybody: names, sizes and hashes are checked before anything is put in its place, and no link, no path
out of the folder and no file that the manifest does not name is unpacked.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from clockless import disk
from clockless.errors import ClocklessError, OutputError, ParameterError, StoreError, instance, place, shown
from clockless.stores.store import Store
from clockless.version import __version__
from clockless.workers.status import exported

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["read", "write"]

FORMAT = 1
_PACKAGES = ("numpy", "numba", "llvmlite", "scipy", "xarray", "zarr", "jax", "optax", "matplotlib")
_MANIFEST, _STORE = "manifest.json", "store"
_MOST_FILES = 200_000
_MOST_BYTES = 2**40  # unpacked
_MOST_MANIFEST = 2**27
_MOST_RATIO = 1100  # deflate cannot do better than 1032 to 1
_CHUNK = 1 << 20
_ANEW = "get it anew from where it is kept."
_EPOCH = (1980, 1, 1, 0, 0, 0)  # of every file in it, so that the same store gives the same bytes


class Bundle(NamedTuple):
    """What was written.

    Attributes:
        path: the archive.
        fingerprint: of the experiment.
        digest: of the results.
        files: how many there are in it.
        done, jobs: jobs whose results are in it, of all.
    """

    path: Path
    fingerprint: str
    digest: str
    files: int
    done: int
    jobs: int


def write(store: Store, path: str | os.PathLike[str]) -> Bundle:
    """Write a store as a .zip that an archive such as Zenodo takes as it is.

    The same store on the same versions gives the same results, fingerprint and digest in it; figures are drawn anew.

    Args:
        store: finished or not; what is missing can be computed from the bundle, too.
        path: ends in .zip.

    Raises:
        ParameterError: another ending.
        OutputError: the file cannot be written.
        StoreError: the store cannot be read.
    """
    instance("store", store, Store, "open one with clockless.Store.open(folder)")
    target = place("path", path)
    if target.suffix != ".zip":
        raise ParameterError(f"{target} ends in {target.suffix or 'nothing'}; a bundle is a .zip.")
    done = int((store.done() != 0).sum())
    with tempfile.TemporaryDirectory(prefix="clockless-bundle-") as made:
        folder = Path(made)
        _fill(folder, store, done)
        about = {
            "format": FORMAT, "fingerprint": store.experiment.fingerprint, "digest": store.digest(),
            "version": __version__, "sources": store.jobs.sources, "done": done, "jobs": store.job_count,
        }  # fmt: skip
        names = _plain_files(folder)
        listed = {name: {"bytes": (folder / name).stat().st_size, "sha256": _sum(folder / name)} for name in names}
        (folder / _MANIFEST).write_text(json.dumps({**about, "files": listed}, indent=1), encoding="utf-8")
        try:
            with disk.replacing(target) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
                for name in (_MANIFEST, *names):
                    info = zipfile.ZipInfo(name, _EPOCH)
                    info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                    with (folder / name).open("rb") as file, archive.open(info, "w", force_zip64=True) as packed:
                        shutil.copyfileobj(file, packed, _CHUNK)
        except OSError as error:
            raise OutputError(f"cannot write {target} ({error.strerror or error}); choose another place.") from None
    fingerprint, digest = str(about["fingerprint"]), str(about["digest"])
    return Bundle(target, fingerprint, digest, len(names) + 1, done, store.job_count)


def _fill(folder: Path, store: Store, done: int) -> None:
    """Everything of a bundle but its manifest."""
    shutil.copytree(store.path, folder / _STORE, ignore=shutil.ignore_patterns("*.png", "*.pdf", "*.zip", "*.claim", ".*"))
    shutil.copyfile(store.path / "experiment.yaml", folder / "experiment.yaml")
    data = store.dataset()
    cite = str(data.attrs.get("cite") or "")
    if done:
        exported(store, folder / "errors.csv")
        exported(store, folder / "results.nc")
        _draw(folder / "figures", store)
    (folder / "environment.json").write_text(json.dumps(environment(store), indent=1), encoding="utf-8")
    (folder / "CITATION.cff").write_text(citation(store, cite), encoding="utf-8")
    (folder / "README.md").write_text(_readme(store, done, cite), encoding="utf-8")


def _draw(folder: Path, store: Store) -> None:
    """Learning curves, and the first machine, where they have a picture."""
    import matplotlib.pyplot as plt

    from clockless.workers.drawn import drawn_machine

    folder.mkdir()
    pictures: dict[str, Callable[[], Figure]] = {
        "learning-curves": store.plot,
        "machine-0": lambda: drawn_machine(store, 0)[0],
    }
    for name, draw in pictures.items():
        try:
            figure = draw()
        except ClocklessError:  # a medium without a picture, a run of a single record, parts of one's own not trusted
            continue
        for suffix in ("png", "pdf"):
            figure.savefig(folder / f"{name}.{suffix}", dpi=300, metadata=_UNDATED[suffix])
        plt.close(figure)


_UNDATED: dict[str, dict[str, Any]] = {"png": {"Software": None}, "pdf": {"CreationDate": None}}


def environment(store: Store) -> dict[str, Any]:
    """Versions of what the bits may depend on, and on what kind of machine the bundle was made; no name of it."""
    packages = {}
    for name in _PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "clockless": __version__, "sources": store.jobs.sources, "python": platform.python_version(),
        "packages": packages, "system": platform.system(), "machine": platform.machine(),
    }  # fmt: skip


def citation(store: Store, cite: str) -> str:
    """A CITATION.cff of the data, with the works that the run rests on as references."""
    title = store.experiment.title or f"results of the experiment {store.experiment.fingerprint}"
    data: dict[str, Any] = {
        "cff-version": "1.2.0", "message": "Please cite these data, and the works they rest on.", "type": "dataset",
        "title": title, "authors": [{"name": "to be filled in by whoever publishes these data"}],
        "identifiers": [{"type": "other", "value": store.experiment.fingerprint, "description": "fingerprint"}],
    }  # fmt: skip
    works = [line for line in cite.splitlines() if line.strip()]
    if works:
        data["references"] = [{"type": "article", "title": work, "authors": [{"name": "see title"}]} for work in works]
    text: str = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)
    return text


def _readme(store: Store, done: int, cite: str) -> str:
    experiment = store.experiment
    axes = ", ".join(f"{axis.name} ({len(axis.values)})" for axis in experiment.axes) or "none"
    works = "".join(f"- {line}\n" for line in cite.splitlines() if line.strip())
    return f"""# {experiment.title or experiment.fingerprint}

An experiment of clockless {__version__}: {experiment.replicas:,} replicas, {experiment.steps:,} steps.
Axes: {axes}.
{done} of {store.job_count} jobs are done.

| file | what |
|---|---|
| `experiment.yaml` | the complete description; `clockless run experiment.yaml` computes everything again |
| `store/` | the results with all their labels: `clockless.load("store")`, `clockless plot store`, `clockless extend store` |
| `results.nc`, `errors.csv` | the same as netCDF, and the errors as a table |
| `figures/` | learning curves and the first machine |
| `environment.json` | versions of everything that the last bits may depend on |
| `manifest.json` | SHA-256 of every file, the fingerprint `{experiment.fingerprint}`, the digest of the results |

`clockless.bundles.read("FILE.zip", "folder")` unpacks and checks it.

## Cite

{works or "- see CITATION.cff"}
"""


# --- and back --------------------------------------------------------------------------------------------------------------


def read(path: str | os.PathLike[str], folder: str | os.PathLike[str]) -> Store:
    """Unpack a bundle into a new folder and open its store, with everything checked.

    Args:
        path: the .zip.
        folder: where its files are put; must not exist.

    Raises:
        StoreError: it is no bundle, it is damaged, it holds what a bundle does not, or its experiment or results are not
            those that it names; nothing is left in `folder` then.
        OutputError: the folder is there already, or cannot be written.
    """
    source, target = place("path", path), place("folder", folder)
    if os.path.lexists(target):
        raise OutputError(f"{target} is there already; choose another place.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=target.parent, prefix=".unpacked-"))
    except OSError as error:
        raise OutputError(f"cannot write {target} ({error.strerror or error}); choose another place.") from None
    try:
        about = _unpacked(source, made)
        store = Store.open(made / _STORE)
        found = store.experiment.fingerprint, store.digest()
        if found != (about["fingerprint"], about["digest"]):
            raise StoreError(
                f"{source}: its results are not those that its manifest names; get it anew from where it is kept."
            )
        made.chmod(0o755)
        os.rename(made, target)
    except ClocklessError:  # some of which are OSErrors, too
        raise
    except OSError as error:
        raise OutputError(f"{source} cannot be unpacked to {target} ({error.strerror or error}).") from None
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return Store.open(target / _STORE)


def _unpacked(source: Path, folder: Path) -> dict[str, Any]:
    """Put the files of an archive into a folder, and return what its manifest says."""
    try:
        with zipfile.ZipFile(source) as archive:
            about = _manifest(source, archive)
            for info in archive.infolist():
                if info.filename != _MANIFEST:
                    _put(source, archive, info, about["files"][info.filename], folder)
            return about
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise StoreError(f"{source} is no whole bundle ({shown(str(error))}); {_ANEW}") from None
    except FileNotFoundError:
        raise StoreError(f"{source} cannot be read (no such file); check the name.") from None


def _manifest(source: Path, archive: zipfile.ZipFile) -> dict[str, Any]:
    """The manifest, once names, sizes and kinds of all files are known to be sound."""
    infos = archive.infolist()
    names = [info.filename for info in infos]
    if _MANIFEST not in names or archive.getinfo(_MANIFEST).file_size > _MOST_MANIFEST:
        raise StoreError(
            f"{source} is no bundle: it has no {_MANIFEST}; make one with: clockless export STORE x.zip --bundle."
        )
    try:
        about = json.loads(archive.read(_MANIFEST))
        listed = {str(name): (int(each["bytes"]), str(each["sha256"])) for name, each in about["files"].items()}
        texts = {name: str(about[name]) for name in ("fingerprint", "digest")}
        known = int(about["format"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise StoreError(f"{source}: its {_MANIFEST} is none; {_ANEW}") from None
    if known > FORMAT:
        raise StoreError(f"{source} is a bundle of a later version (format {known}); install a newer clockless.")
    if len(names) > _MOST_FILES or sum(size for size, _ in listed.values()) > _MOST_BYTES:
        raise StoreError(f"{source} says that it holds more than a bundle may; it is not unpacked.")
    if len(set(names)) < len(names) or set(names) != {_MANIFEST, *listed}:
        raise StoreError(f"{source} holds other files than its manifest names; {_ANEW}")
    for info in infos:
        if not _sound(info) or (info.filename != _MANIFEST and info.file_size != listed[info.filename][0]):
            raise StoreError(f"{source} holds {shown(info.filename)}, which no bundle has; it is not unpacked.")
    return {**texts, "files": listed}


def _sound(info: zipfile.ZipInfo) -> bool:
    """Whether a file of an archive is a plain one, within the folder, and no larger than it can be."""
    name = info.filename
    path = PurePosixPath(name)
    plain = (info.external_attr >> 28) in (0, 0o10)  # no link, no device; 0 where nothing is said
    inside = bool(path.parts) and not path.is_absolute() and not {"..", "."} & set(name.split("/")) and str(path) == name
    spelled = "\\" not in name and ":" not in name and "\0" not in name and name.isprintable() and len(name) < 1000
    dense = info.file_size <= _MOST_RATIO * max(info.compress_size, 1) + 1000
    return plain and inside and spelled and dense and not info.is_dir() and not info.flag_bits & 1


def _put(source: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, listed: tuple[int, str], folder: Path) -> None:
    """One file, whose size is checked while it is unpacked and whose hash after it."""
    size, expected = listed
    target = folder.joinpath(*info.filename.split("/"))
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, written = hashlib.sha256(), 0
    with archive.open(info) as packed, target.open("xb") as file:
        while block := packed.read(_CHUNK):
            written += len(block)
            if written > size:
                break
            digest.update(block)
            file.write(block)
    if written != size or digest.hexdigest() != expected:
        raise StoreError(
            f"{source}: {shown(info.filename)} is not what its manifest says; get it anew from where it is kept."
        )


def _plain_files(folder: Path) -> list[str]:
    """Names of all plain files below a folder, in order."""
    found = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return sorted(path.relative_to(folder).as_posix() for path in found)


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def __dir__() -> list[str]:
    """What a person looks for; everything else is there as well."""
    return sorted(__all__)
