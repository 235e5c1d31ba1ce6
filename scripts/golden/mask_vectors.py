"""Masked vectors for test/vectors/masks.json, by OpenSSL's AES (package cryptography) and Python's integers.

python3 scripts/golden/mask_vectors.py > test/vectors/masks.json
"""
import hashlib
import json

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def key_stream(key, offset, length):
    """AES-256-CTR from counter 0 (NIST SP 800-38A, section 6.5), bytes offset to offset + length."""
    encryptor = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()
    return encryptor.update(bytes(offset + length))[offset:]


def lanes_of(data, bits, count):
    """Lane i is bits i * bits to (i + 1) * bits - 1 of the little-endian number that the bytes are."""
    number = int.from_bytes(data, "little")
    return [(number >> (bits * i)) & (2**bits - 1) for i in range(count)]


def bytes_of(lanes, bits):
    number = sum(lane << (bits * i) for i, lane in enumerate(lanes))
    return number.to_bytes((len(lanes) * bits + 7) // 8, "little")


def case(bits, count, masks, first_byte=0):
    length = (count * bits + 7) // 8
    given = bytes((i * 167 + i // 251 + 13) & 255 for i in range(length))
    lanes = lanes_of(given, bits, count)
    given = bytes_of(lanes, bits)
    for key, sign in masks:
        stream = lanes_of(key_stream(key, first_byte, length), bits, count)
        lanes = [(lane + sign * mask) % 2**bits for lane, mask in zip(lanes, stream)]
    masked = bytes_of(lanes, bits)
    return {
        "ringBits": bits,
        "lanes": count,
        "firstByte": first_byte,
        "masks": [{"key": key.hex(), "sign": sign} for key, sign in masks],
        "inputSha256": hashlib.sha256(given).hexdigest(),
        "begins": masked[:32].hex(),
        "ends": masked[-8:].hex(),
        "sha256": hashlib.sha256(masked).hexdigest(),
    }


def keys(count):
    return [(hashlib.sha256(bytes([i])).digest(), 1 if i % 3 else -1) for i in range(count)]


cases = []
for bits in (16, 20, 32):
    cases.append(case(bits, 1, keys(1)))
    cases.append(case(bits, 13, keys(3)))
    # Beyond two pieces, an odd number of lanes, and not a whole number of vectors.
    cases.append(case(bits, 70_001, keys(2)))
    # A part by itself.
    cases.append(case(bits, 1000, keys(2), 80 * 819))
print(json.dumps(cases, indent=1))
