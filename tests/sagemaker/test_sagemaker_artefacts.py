"""Unpacking: an archive writes plain files into its folder, and nothing anywhere else."""

from __future__ import annotations

import contextlib
import io
import tarfile

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from automl_bridge.errors import BundleError
from automl_bridge_sagemaker.artefacts import unpack


def archive(*members: tuple[str, bytes], kind: bytes | None = None, link: str = "") -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.mode = 0o4777
            if kind is None:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
            else:
                info.type, info.linkname = kind, link
                tar.addfile(info)
    out.seek(0)
    return out


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_plain_files(tmp_path):
    unpack(archive(("model/a.txt", b"a"), ("./b.txt", b"b")), tmp_path / "m")
    assert tree(tmp_path) == {"m/model/a.txt": b"a", "m/b.txt": b"b"}
    # Neither rights nor owners of the archive.
    assert not (tmp_path / "m" / "b.txt").stat().st_mode & 0o6111


@pytest.mark.parametrize(
    "name", ["../out.txt", "/out.txt", "a/../../out.txt", "..\\out.txt", "C:/out.txt", "C:\\out.txt", "a/b/../../../x"]
)
def test_paths_that_lead_out(tmp_path, name):
    with pytest.raises(BundleError, match="outside"):
        unpack(archive((name, b"x")), tmp_path / "m")
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices(tmp_path, kind):
    with pytest.raises(BundleError, match="neither a file nor a folder"):
        unpack(archive(("x", b""), kind=kind, link="/etc/passwd"), tmp_path / "m")
    assert tree(tmp_path) == {}
    assert not (tmp_path / "m" / "x").is_symlink()


def test_a_link_that_is_there_already_is_not_followed(tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "m" / "sub").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleError, match="outside"):
        unpack(archive(("sub/x", b"x")), tmp_path / "m")
    assert tree(tmp_path / "elsewhere") == {}


def test_size_and_number_are_bounded(tmp_path):
    bomb = archive(*[(f"zeros-{n}", bytes(1_000_000)) for n in range(3)])
    with pytest.raises(BundleError, match="more than 2,500,000 bytes"):
        unpack(bomb, tmp_path / "m", most_bytes=2_500_000)
    with pytest.raises(BundleError, match="more than 2 files"):
        unpack(archive(("a", b""), ("b", b""), ("c", b"")), tmp_path / "n", most_files=2)


@pytest.mark.parametrize("body", [b"", b"not an archive", archive(("a", b"x" * 9999)).getvalue()[:60]])
def test_what_is_no_archive(tmp_path, body):
    with pytest.raises(BundleError, match="cannot be read"):
        unpack(io.BytesIO(body), tmp_path / "m")


@given(
    st.lists(
        st.tuples(
            st.text(st.sampled_from("ab./\\:~é "), min_size=1, max_size=12).filter(lambda name: name.strip("/. ")),
            st.binary(max_size=20),
        ),
        max_size=5,
    )
)
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_the_names_nothing_is_written_outside(tmp_path_factory, members):
    folder = tmp_path_factory.mktemp("unpack")
    (folder / "inside").mkdir()
    with contextlib.suppress(BundleError, OSError):
        unpack(archive(*members), folder / "inside" / "m")
    assert {path.name for path in folder.iterdir()} == {"inside"}
    assert {path.name for path in (folder / "inside").iterdir()} <= {"m"}
