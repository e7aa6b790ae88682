"""Damaged files: always a coded error."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from pywallet.encoding import cbor as strict
from pywallet.errors import GomaaError
from pywallet.sps import Container, open_header, sign_header
from tests.budget import budget

quick = budget(1.5, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(data=st.data())
def test_a_changed_header_is_refused(samples: SimpleNamespace, data: st.DataObject) -> None:
    """A changed header would be accepted, or raise an exception without a code."""
    cose = bytearray(sign_header(samples.header(), samples.OWNER_KEY))
    at = data.draw(st.integers(0, len(cose) - 1))
    cose[at] ^= data.draw(st.integers(1, 255))
    try:
        open_header(bytes(cose))
    except GomaaError as e:
        assert e.code.startswith("sps.")
    else:
        raise AssertionError("a changed header was accepted")


@quick
@given(data=st.data())
def test_a_truncated_file_is_refused(samples: SimpleNamespace, data: st.DataObject) -> None:
    """A truncated file would not be reported as such."""
    whole = samples.file()
    body = Container.read(whole).body
    cut = whole[: data.draw(st.integers(0, body - 1))]
    try:
        Container.read(cut)
    except GomaaError as e:
        assert e.code == "sps.truncated"
    else:
        raise AssertionError("a cut file was accepted")


@quick
@given(noise=st.binary(max_size=300))
def test_noise_is_refused(noise: bytes) -> None:
    """Random bytes would raise an exception without a code."""
    try:
        open_header(noise)
    except GomaaError as e:
        assert e.code.startswith("sps.")
    else:
        raise AssertionError("noise was accepted")


@quick
@given(noise=st.binary(max_size=40))
def test_what_strict_cbor_accepts_is_deterministic(noise: bytes) -> None:
    """Bytes would be accepted that are not the encoding of their value."""
    try:
        value = strict.loads(noise)
    except GomaaError as e:
        assert e.code == "sps.header.malformed"
    else:
        assert strict.dumps(value) == noise
