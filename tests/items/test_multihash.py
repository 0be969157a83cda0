import hashlib

import pytest
from blake3 import blake3

from rs_assets.items.multihash import Algorithm, Digest

DATA = b"an auxiliary file"

REFERENCES = {
    Algorithm.BLAKE3: ("1e20", blake3(DATA).hexdigest()),
    Algorithm.SHA256: ("1220", hashlib.sha256(DATA).hexdigest()),
    Algorithm.SHA224: ("93201c", hashlib.sha224(DATA).hexdigest()),
    Algorithm.SHA384: ("2030", hashlib.sha384(DATA).hexdigest()),
    Algorithm.SHA3_224: ("171c", hashlib.sha3_224(DATA).hexdigest()),
    Algorithm.SHA3_384: ("1530", hashlib.sha3_384(DATA).hexdigest()),
    Algorithm.SHA1: ("1114", hashlib.sha1(DATA, usedforsecurity=False).hexdigest()),
    Algorithm.SHA512: ("1340", hashlib.sha512(DATA).hexdigest()),
    Algorithm.MD5: ("d50110", hashlib.md5(DATA, usedforsecurity=False).hexdigest()),
    Algorithm.SHA3_256: ("1620", hashlib.sha3_256(DATA).hexdigest()),
    Algorithm.SHA3_512: ("1440", hashlib.sha3_512(DATA).hexdigest()),
}


def test_every_algorithm_is_tested() -> None:
    assert set(REFERENCES) == set(Algorithm)


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_hasher_fed_in_pieces_gives_the_reference_digest(algorithm: Algorithm) -> None:
    hasher = algorithm.hasher()
    for position in range(0, len(DATA), 5):
        hasher.update(memoryview(DATA)[position : position + 5])

    assert hasher.hexdigest() == REFERENCES[algorithm][1]


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_digest_becomes_a_multihash_and_back(algorithm: Algorithm) -> None:
    prefix, value = REFERENCES[algorithm]
    digest = Digest(algorithm, value.upper())

    assert digest.multihash == prefix + value
    assert Digest.from_multihash(digest.multihash.upper()) == digest


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_digest_of_the_wrong_length_is_refused(algorithm: Algorithm) -> None:
    prefix, value = REFERENCES[algorithm]

    with pytest.raises(ValueError, match="hex digits"):
        Digest(algorithm, value[:-2])
    with pytest.raises(ValueError, match="hex digits"):
        Digest.from_multihash(prefix + value + "00")


@pytest.mark.parametrize("text", ["", "1e20", "ff20" + "0" * 64, "d50110" + "g" * 32, "0" * 32])
def test_what_is_no_known_multihash_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a"):
        Digest.from_multihash(text)


@pytest.mark.parametrize(
    ("name", "algorithm"),
    [
        ("MD5", Algorithm.MD5),
        ("md5", Algorithm.MD5),
        ("SHA-256", Algorithm.SHA256),
        ("SHA256", Algorithm.SHA256),
        ("sha2-512", Algorithm.SHA512),
        ("SHA3-256", Algorithm.SHA3_256),
        ("SHA-384", Algorithm.SHA384),
        ("SHA3-384", Algorithm.SHA3_384),
        ("SHA3_512", Algorithm.SHA3_512),
        ("BLAKE3", Algorithm.BLAKE3),
        ("SHA-1", Algorithm.SHA1),
        ("CRC32", None),
        ("", None),
    ],
)
def test_an_algorithm_is_known_by_the_names_that_stations_use(name: str, algorithm: Algorithm | None) -> None:
    assert Algorithm.named(name) is algorithm


def test_the_cheapest_algorithm_has_the_lowest_cost() -> None:
    assert min(Algorithm, key=lambda algorithm: algorithm.cost) is Algorithm.BLAKE3
    assert Algorithm.MD5.cost > Algorithm.SHA256.cost
