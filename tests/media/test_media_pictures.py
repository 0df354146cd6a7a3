"""Pictures are read as a person sees them, whatever they are stored as."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from automl_bridge.data.build import build_dataset, build_predict_dataset
from automl_bridge.data.image_columns import read_pictures
from automl_bridge.data.images import decode, seen
from automl_bridge.errors import SchemaError

GREY = hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)))


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def in_six_modes(grey):
    """The same grey picture, stored in six ways."""
    plain = Image.fromarray(grey)
    return {
        "L": encoded(plain),
        "RGB": encoded(plain.convert("RGB")),
        "RGBA": encoded(plain.convert("RGBA")),
        "P": encoded(plain.convert("P"), "GIF"),
        "CMYK": encoded(plain.convert("RGB").convert("CMYK"), "TIFF"),
        "I;16": encoded(Image.fromarray(grey.astype(np.uint16) * 257)),
    }


@given(GREY)
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_six_colour_modes_of_one_picture_give_one_answer(grey):
    column = pa.chunked_array([pa.array([seen(content).content for content in in_six_modes(grey).values()])])
    for channels in (1, 3):
        pixels = decode(column, size=grey.shape, channels=channels)
        expected = np.repeat(grey[:, :, None], channels, axis=2)
        for mode, found in zip(in_six_modes(grey), pixels, strict=True):
            np.testing.assert_array_equal(found, expected, err_msg=mode)


@given(GREY, st.integers(1, 8))
@settings(deadline=None, max_examples=40)
def test_a_picture_with_an_orientation_stands_upright(grey, orientation):
    upright = Image.fromarray(grey)
    # How a camera stores what will be turned back when it is shown.
    undone = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    stored = upright.transpose(Image.Transpose(undone[orientation])) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = seen(encoded(stored, exif=exif))
    assert (found.height, found.width) == grey.shape
    column = pa.chunked_array([pa.array([found.content])])
    np.testing.assert_array_equal(decode(column, size=grey.shape, channels=1)[0, :, :, 0], grey)


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(4))))
@settings(deadline=None, max_examples=40)
def test_transparent_parts_lie_on_white(pixels):
    content = seen(encoded(Image.fromarray(pixels))).content
    found = decode(pa.chunked_array([pa.array([content])]), size=pixels.shape[:2], channels=3)[0]
    opaque = pixels[:, :, 3:].astype(float) / 255
    expected = pixels[:, :, :3] * opaque + 255 * (1 - opaque)
    assert np.abs(found - expected).max() <= 1


def test_what_is_plain_keeps_its_bytes_and_all_else_becomes_png_or_jpeg():
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8))
    for kind in ("PNG", "JPEG"):
        content = encoded(picture, kind)
        assert seen(content) == (content, 30, 20, 3, kind)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = seen(encoded(picture, "JPEG", exif=exif))
    assert (turned.width, turned.height, turned.format) == (20, 30, "JPEG")
    for kind in ("BMP", "TIFF", "WEBP", "GIF"):
        found = seen(encoded(picture, kind))
        assert found.format == "PNG"
        with Image.open(io.BytesIO(found.content)) as image:
            assert (image.format, image.mode) == ("PNG", "RGB")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0, 32768, 65535]], np.uint16), [0, 128, 255]),
        (np.array([[0, 255]], np.int32), [0, 255]),
        (np.array([[0, 65535]], np.int32), [0, 255]),
        (np.array([[0.0, 0.5, 1.0]], np.float32), [0, 128, 255]),
        (np.array([[0.0, 100.0, 255.0]], np.float32), [0, 100, 255]),
        (np.array([[-5.0, 0.0, 5.0]], np.float32), [0, 128, 255]),
        (np.array([[7.0, np.nan]], np.float32), [7, 0]),
    ],
)
def test_deep_grey_is_scaled_not_cut(values, expected, decoded):
    content = encoded(Image.fromarray(values), "TIFF")
    assert decoded(content, channels=1).ravel().tolist() == expected


def test_a_sixteen_bit_colour_png_comes_out_with_eight_bits(decoded):
    import struct
    import zlib

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    row = b"\0" + struct.pack(">6H", 0, 257 * 100, 65535, 257 * 7, 257 * 8, 257 * 9)
    header = struct.pack(">2I5B", 2, 1, 16, 2, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(row)) + chunk(b"IEND", b"")
    assert decoded(content).tolist() == [[[0, 100, 255], [7, 8, 9]]]
    assert seen(content).content[24] == 8


def test_pictures_of_any_size_come_out_in_one(decoded):
    half = np.zeros((200, 100), np.uint8)
    half[:, 50:] = 255
    for kind in ("PNG", "JPEG"):
        found = decoded(encoded(Image.fromarray(half), kind), size=(10, 20), channels=3)
        assert found.shape == (10, 20, 3)
        assert found[:, :9].max() < 10
        assert found[:, 11:].min() > 245


def test_a_missing_picture_is_zeros_and_null():
    field, column = pa.field("image", pa.binary()), pa.chunked_array([[encoded(Image.new("L", (3, 3), 9)), None]])
    found = read_pictures(field, column, ".")
    assert found.column.null_count == 1
    assert not found.bad
    assert decode(found.column, size=(2, 2), channels=1)[1].max() == 0


def test_many_pictures_come_back_in_their_order():
    contents = [encoded(Image.new("L", (4, 4), value % 256)) for value in range(300)]
    column = pa.chunked_array([contents[:7], contents[7:]], pa.binary())
    assert decode(column, size=(4, 4), channels=1)[:, 0, 0, 0].tolist() == [value % 256 for value in range(300)]


@pytest.mark.parametrize(
    "array",
    [
        np.arange(24, dtype=np.uint8).reshape(2, 3, 4) * 10,
        (np.arange(24, dtype=np.uint8) * 10).reshape(2, 3, 4, 1),
        (np.arange(24) * 10 / 255).reshape(2, 3, 4),
        (np.arange(24) * 10.0 + 0.2).reshape(2, 3, 4),
        (np.arange(24, dtype=np.uint16) * 2570).reshape(2, 3, 4),
        np.arange(24).reshape(2, 3, 4) * 10,
        list(np.arange(24, dtype=np.uint8).reshape(2, 3, 4) * 10),
        [Image.fromarray(each) for each in np.arange(24, dtype=np.uint8).reshape(2, 3, 4) * 10],
    ],
    ids=["uint8", "with a channel", "floats to 1", "floats to 255", "uint16", "int64", "list of arrays", "Pillow"],
)
def test_arrays_of_any_type_are_the_same_picture(array):
    _, dataset = build_dataset(array, y=[0.5, 1.5], holdout=0, validation=0)
    pixels = decode(dataset.parts["train"]["image"], size=(3, 4), channels=1)
    assert pixels.ravel().tolist() == [10 * value for value in range(24)]
    again = build_predict_dataset(array[:1], dataset.profile)
    assert decode(again.parts["predict"]["image"], size=(3, 4), channels=1).ravel().tolist()[:3] == [0, 10, 20]


def test_new_arrays_are_scaled_as_the_training_ones():
    """Sixteen was white in training: a dark new picture does not become bright."""
    train = np.zeros((10, 4, 4))
    train[:, 0, 0] = 16
    _, dataset = build_dataset(train, y=[0.1 * i for i in range(10)], holdout=0, validation=0)
    image = dataset.profile.features[0].image
    assert (image.black, image.white) == (0, 16)
    new = build_predict_dataset(np.full((1, 4, 4), 4.0), dataset.profile)
    assert decode(new.parts["predict"]["image"], size=(4, 4), channels=1)[0].max() == 64


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.full((3, 4, 4), np.nan), "NaN or infinity"),
        ([np.zeros((4, 4)), np.full((4, 4), np.nan)], "NaN or infinity"),
        ([np.zeros((4, 4)), np.full((4, 4), np.inf)], "NaN or infinity"),
        (np.zeros((3, 9, 9, 7)), "channels in the last dimension"),
        (np.zeros((3, 4, 4), dtype="U1"), "not read"),
        ([np.zeros((4, 4)), np.zeros((4, 4, 7))], "picture 2 has the shape"),
        (np.zeros((0, 4, 4)), "minimum of 1"),
        (np.zeros((3, 0, 4)), "have no pixels"),
    ],
)
def test_arrays_that_are_no_pictures_are_told(array, words):
    with pytest.raises(SchemaError, match=words):
        build_dataset(array, y=[0.5, 1.5, 2.5][: len(array)])


def test_channels_may_stand_first():
    rng = np.random.default_rng(0)
    last = rng.integers(0, 255, (3, 8, 9, 3), dtype=np.uint8)
    digests = {
        build_dataset(each, y=[1.5, 2.5, 4.5])[1].profile.fingerprint for each in (last, last.transpose(0, 3, 1, 2))
    }
    assert len(digests) == 1


def test_the_same_pictures_have_one_fingerprint_wherever_they_come_from(tmp_path):
    rng = np.random.default_rng(0)
    array = rng.integers(0, 255, (6, 5, 5), dtype=np.uint8)
    paths = []
    for number, pixels in enumerate(array):
        paths.append(str(tmp_path / f"{number}.png"))
        Image.fromarray(pixels).save(paths[-1])
    contents = [(tmp_path / f"{number}.png").read_bytes() for number in range(6)]
    targets = [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
    sources = [{"image": paths}, {"image": contents}, pa.table({"image": pa.array(contents, pa.large_binary())}), paths]
    names = {build_dataset(source, y=targets)[1].profile.features[0].name for source in sources}
    assert names == {"image", "text"}
    digests = {build_dataset(source, y=targets)[1].profile.fingerprint for source in sources[:3]}
    assert len(digests) == 1


@pytest.mark.parametrize("kind", ["GIF", "PNG", "TIFF", "WEBP"])
def test_of_several_pictures_in_a_file_the_first_counts(kind, decoded):
    first, second = (Image.new("RGB", (6, 4), colour) for colour in ((250, 0, 0), (0, 0, 250)))
    content = encoded(
        first, kind, save_all=True, append_images=[second], **({"lossless": True} if kind == "WEBP" else {})
    )
    assert decoded(content).tolist() == [[[250, 0, 0]] * 6] * 4
    # What is kept holds one picture only: not all decoders take the first.
    with Image.open(io.BytesIO(seen(content).content)) as image:
        assert getattr(image, "n_frames", 1) == 1


def test_a_jpeg_of_a_printer_is_not_a_negative(decoded):
    colours = np.zeros((16, 16, 3), np.uint8)
    colours[:, 8:] = (200, 30, 60)
    plain = Image.fromarray(colours)
    found = decoded(encoded(plain.convert("CMYK"), "JPEG", quality=100))
    assert np.abs(found.astype(int) - np.asarray(plain)).max() < 12


def test_damaged_exif_is_no_reason_to_lose_a_picture(decoded):
    content = encoded(Image.new("L", (8, 8), 77), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff" + bytes(range(40)))
    assert decoded(content, channels=1).max() == 77
