import { expect } from 'chai'
import fc from 'fast-check'
import { AggregationError } from '../../../aggregation/errors.ts'
import { aesCtrStream, ed25519Signer, nodeCrypto, seededCrypto } from '../../../node/platform/node-crypto.ts'
import { fromHex, toHex } from '../../support/bytes.ts'

const crypto = nodeCrypto()
const text = (ascii: string) => new TextEncoder().encode(ascii)
const span = (from: number, to: number) => Uint8Array.from({ length: to - from + 1 }, (_, i) => from + i)

function code(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof AggregationError) return error.code
    throw error
  }
  return 'nothing thrown'
}

describe('SHA-256 (FIPS 180-4, NIST examples)', () => {
  for (const [message, digest] of [
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [
      'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1'
    ]
  ] as const) {
    it(JSON.stringify(message), () => {
      expect(toHex(crypto.sha256(text(message)))).to.equal(digest)
    })
  }

  it('a million times a', () => {
    const parts = Array.from({ length: 1000 }, () => text('a'.repeat(1000)))
    expect(toHex(crypto.sha256(...parts))).to.equal(
      'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'
    )
  })

  it('parts are laid end to end', () => {
    expect(crypto.sha256(text('a'), text(''), text('bc'))).to.deep.equal(crypto.sha256(text('abc')))
  })
})

describe('HKDF-SHA256 (RFC 5869, appendix A)', () => {
  const hkdf = (ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number) =>
    toHex(crypto.hkdfSha256(ikm, salt, info, length))

  it('A.1, basic', () => {
    expect(hkdf(new Uint8Array(22).fill(0x0b), span(0, 0x0c), span(0xf0, 0xf9), 42)).to.equal(
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865'
    )
  })
  it('A.2, longer inputs and outputs', () => {
    expect(hkdf(span(0, 0x4f), span(0x60, 0xaf), span(0xb0, 0xff), 82)).to.equal(
      'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09' +
        'da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87'
    )
  })
  it('A.3, no salt and no info', () => {
    expect(hkdf(new Uint8Array(22).fill(0x0b), new Uint8Array(0), new Uint8Array(0), 42)).to.equal(
      '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8'
    )
  })
})

describe('X25519 (RFC 7748)', () => {
  it('section 5.2, both vectors', () => {
    for (const [scalar, u, out] of [
      [
        'a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4',
        'e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c',
        'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552'
      ],
      [
        '4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d',
        'e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493',
        '95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957'
      ]
    ] as const) {
      expect(toHex(crypto.x25519(fromHex(scalar), fromHex(u)))).to.equal(out)
    }
  })

  it('section 5.2, iterated once and a thousand times', () => {
    let k = new Uint8Array(32)
    k[0] = 9
    let u = k
    for (let i = 1; i <= 1000; i++) {
      const next = crypto.x25519(k, u)
      u = k
      k = new Uint8Array(next)
      if (i === 1)
        expect(toHex(k)).to.equal('422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079')
    }
    expect(toHex(k)).to.equal('684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51')
  })

  it('section 6.1, Diffie-Hellman', () => {
    const a = fromHex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a')
    const b = fromHex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb')
    const [publicA, publicB] = [crypto.x25519PublicKey(a), crypto.x25519PublicKey(b)]
    expect(toHex(publicA)).to.equal('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a')
    expect(toHex(publicB)).to.equal('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f')
    const shared = '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742'
    expect(toHex(crypto.x25519(a, publicB))).to.equal(shared)
    expect(toHex(crypto.x25519(b, publicA))).to.equal(shared)
  })

  describe('refuses points of low order (RFC 7748, section 6.1: the all-zero result)', () => {
    for (const point of [
      '0000000000000000000000000000000000000000000000000000000000000000',
      '0100000000000000000000000000000000000000000000000000000000000000',
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
      '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      // The same with the ignored top bit set.
      '0000000000000000000000000000000000000000000000000000000000000080',
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff'
    ]) {
      it(point, () => {
        const secret = new Uint8Array(32).fill(0x42)
        expect(code(() => crypto.x25519(secret, fromHex(point)))).to.equal('LOW_ORDER_POINT')
      })
    }
  })

  it('refuses keys of another length', () => {
    const [good, short] = [new Uint8Array(32).fill(9), new Uint8Array(31).fill(9)]
    expect(code(() => crypto.x25519(short, good))).to.equal('BAD_SETTING')
    expect(code(() => crypto.x25519(good, short))).to.equal('BAD_SETTING')
    expect(code(() => crypto.x25519PublicKey(short))).to.equal('BAD_SETTING')
  })
})

describe('Ed25519 (RFC 8032, section 7.1)', () => {
  const vectors = [
    {
      name: 'TEST 1',
      seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
      publicKey: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
      message: '',
      signature:
        'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b'
    },
    {
      name: 'TEST 2',
      seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
      publicKey: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
      message: '72',
      signature:
        '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00'
    },
    {
      name: 'TEST 3',
      seed: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
      publicKey: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
      message: 'af82',
      signature:
        '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a'
    }
  ]
  for (const { name, seed, publicKey, message, signature } of vectors) {
    it(name, () => {
      const signer = ed25519Signer(fromHex(seed))
      expect(toHex(signer.publicKey)).to.equal(publicKey)
      expect(toHex(signer.sign(fromHex(message)))).to.equal(signature)
      expect(crypto.ed25519Verify(fromHex(publicKey), fromHex(message), fromHex(signature))).to.equal(true)
    })
  }

  it('false, without throwing, for whatever is altered or malformed', () => {
    const [key, message, signature] = ['publicKey', 'message', 'signature'].map(field =>
      fromHex(vectors[1]![field as 'message'])
    ) as [Uint8Array, Uint8Array, Uint8Array]
    const flipped = (bytes: Uint8Array, i: number) => bytes.with(i, bytes[i]! ^ 1)
    fc.assert(
      fc.property(fc.nat(63), fc.nat(31), (inSignature, inKey) => {
        expect(crypto.ed25519Verify(key, message, flipped(signature, inSignature))).to.equal(false)
        expect(crypto.ed25519Verify(flipped(key, inKey), message, signature)).to.equal(false)
      }),
      { numRuns: 30 }
    )
    expect(crypto.ed25519Verify(key, flipped(message, 0), signature)).to.equal(false)
    expect(crypto.ed25519Verify(key.subarray(1), message, signature)).to.equal(false)
    expect(crypto.ed25519Verify(key, message, signature.subarray(1))).to.equal(false)
    expect(crypto.ed25519Verify(key, message, new Uint8Array(65))).to.equal(false)
    expect(crypto.ed25519Verify(new Uint8Array(32).fill(255), message, signature)).to.equal(false)
  })

  it('is not malleable: S + L is refused (section 5.1.7)', () => {
    const signature = fromHex(vectors[1]!.signature)
    const order = 2n ** 252n + 27742317777372353535851937790883648493n
    const half = signature.subarray(32)
    let s = half.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n) + order
    for (let i = 0; i < 32; i++, s >>= 8n) half[i] = Number(s & 255n)
    expect(crypto.ed25519Verify(fromHex(vectors[1]!.publicKey), fromHex('72'), signature)).to.equal(false)
  })

  it('refuses a seed of another length', () => {
    expect(code(() => ed25519Signer(new Uint8Array(64)))).to.equal('BAD_SETTING')
  })
})

describe('AES-256-GCM (NIST SP 800-38D, McGrew and Viega test cases 13 to 16)', () => {
  const key = 'feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308'
  const nonce = 'cafebabefacedbaddecaf888'
  const plaintext =
    'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255'
  const ciphertext =
    '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad'
  const zeroKey = '00'.repeat(32)
  const zeroNonce = '00'.repeat(12)
  const aad = 'feedfacedeadbeeffeedfacedeadbeefabaddad2'
  const cases = [
    {
      name: '13',
      key: zeroKey,
      nonce: zeroNonce,
      p: '',
      a: '',
      c: '',
      tag: '530f8afbc74536b9a963b4f1c4cb738b'
    },
    {
      name: '14',
      key: zeroKey,
      nonce: zeroNonce,
      p: '00'.repeat(16),
      a: '',
      c: 'cea7403d4d606b6e074ec5d3baf39d18',
      tag: 'd0d1c8a799996bf0265b98b5d48ab919'
    },
    { name: '15', key, nonce, p: plaintext, a: '', c: ciphertext, tag: 'b094dac5d93471bdec1a502270e3cc6c' },
    {
      name: '16',
      key,
      nonce,
      p: plaintext.slice(0, 120),
      a: aad,
      c: ciphertext.slice(0, 120),
      tag: '76fc6ece0f4e1768cddf8853bb2d551b'
    }
  ]
  for (const test of cases) {
    it(`test case ${test.name}`, () => {
      const [k, n, p, a] = [test.key, test.nonce, test.p, test.a].map(fromHex) as Uint8Array[]
      const sealed = crypto.gcmSeal(k!, n!, p!, a!)
      expect(toHex(sealed)).to.equal(test.c + test.tag)
      expect(toHex(crypto.gcmOpen(k!, n!, sealed, a!))).to.equal(test.p)
    })
  }

  it('refuses whatever was altered: key, nonce, ciphertext, tag, associated data, length', () => {
    const parts = [key, nonce, ciphertext.slice(0, 120) + cases[3]!.tag, aad].map(fromHex)
    const open = (p: Uint8Array[]) => code(() => crypto.gcmOpen(p[0]!, p[1]!, p[2]!, p[3]!))
    fc.assert(
      fc.property(fc.nat(3), fc.nat(1000), (part, at) => {
        const altered = parts.map(bytes => bytes.slice())
        altered[part]![at % altered[part]!.length]! ^= 0x80
        expect(open(altered)).to.equal('BAD_CIPHERTEXT')
      }),
      { numRuns: 50 }
    )
    for (const length of [0, 15, 16, 60]) {
      expect(open(parts.with(2, parts[2]!.subarray(0, length)))).to.equal('BAD_CIPHERTEXT')
    }
    expect(open(parts.with(1, new Uint8Array(16)))).to.equal('BAD_SETTING')
    expect(open(parts.with(0, new Uint8Array(16)))).to.equal('BAD_SETTING')
  })
})

describe('AES-256-CTR key stream', () => {
  it('NIST SP 800-38A, F.5.5 (CTR-AES256.Encrypt)', () => {
    const key = fromHex('603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4')
    const counter = fromHex('f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff')
    const plaintext = fromHex(
      '6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51' +
        '30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710'
    )
    const stream = aesCtrStream(key, counter).next(64)
    expect(toHex(stream)).to.equal(
      '0bdf7df1591716335e9a8b15c860c5025a6e699d536119065433863c8f657b94' +
        '1bc12c9c01610d5d0d8bd6a3378eca622956e1c8693536b1bee99c73a31576b6'
    )
    expect(toHex(plaintext.map((byte, i) => byte ^ stream[i]!))).to.equal(
      '601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5' +
        '2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6'
    )
  })

  it('from counter 0: H, E(Y0) and the first block of GCM test cases 13 and 14, which are its first three', () => {
    const first = crypto.keyStream(new Uint8Array(32)).next(48)
    expect(toHex(first)).to.equal(
      'dc95c078a2408989ad48a21492842087' +
        '530f8afbc74536b9a963b4f1c4cb738b' +
        'cea7403d4d606b6e074ec5d3baf39d18'
    )
  })

  const key = new Uint8Array(32).fill(3)
  const whole = crypto.keyStream(key).next(400_000).slice()

  it('any pieces laid end to end are the whole', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 150_000 }), { maxLength: 4 }), lengths => {
        const stream = crypto.keyStream(key)
        let at = 0
        for (const length of lengths) {
          if (at + length > whole.length) break
          expect(Buffer.compare(stream.next(length), whole.subarray(at, at + length))).to.equal(0)
          at += length
        }
      }),
      { numRuns: 20 }
    )
  })

  it('seeks to any block', () => {
    fc.assert(
      fc.property(fc.nat(whole.length / 16 - 7), block => {
        const part = crypto.keyStream(key, 16 * block).next(100)
        expect(toHex(part)).to.equal(toHex(whole.subarray(16 * block, 16 * block + 100)))
      })
    )
  })

  it('counts beyond 2^32 blocks', () => {
    const before = crypto.keyStream(key, 16 * (2 ** 32 - 1)).next(32)
    const after = crypto.keyStream(key, 16 * 2 ** 32).next(16)
    expect(toHex(after)).to.equal(toHex(before.subarray(16)))
    expect(toHex(after)).to.not.equal(toHex(whole.subarray(0, 16)))
  })

  it('gives plain arrays whose slice() is a copy', () => {
    for (const length of [16, 100_000]) {
      const bytes = crypto.keyStream(key).next(length)
      expect(Object.getPrototypeOf(bytes)).to.equal(Uint8Array.prototype)
    }
  })

  it('goes on where it was when a piece is let go, and leaves nothing of it; a second time does nothing', () => {
    const stream = crypto.keyStream(key)
    let at = 0
    for (const length of [65_520, 16, 1, 65_536, 100_000, 65_520]) {
      const bytes = stream.next(length)
      expect(Buffer.compare(bytes, whole.subarray(at, at + length))).to.equal(0)
      at += length
      const view = new Uint8Array(bytes.buffer, bytes.byteOffset, length)
      stream.release!()
      stream.release!()
      // Gone, or overwritten where it is a part of something larger.
      expect(view.length === 0 || view.every(byte => byte === 0)).to.equal(true)
    }
    stream.end!()
  })

  it('refuses offsets between blocks, and keys of another length', () => {
    for (const offset of [8, -16, 2 ** 54]) {
      expect(code(() => crypto.keyStream(key, offset))).to.equal('BAD_SETTING')
    }
    expect(code(() => crypto.keyStream(new Uint8Array(16)))).to.equal('BAD_SETTING')
  })
})

describe('randomness', () => {
  it('real bytes never repeat, are plain arrays of the length asked for', () => {
    expect(crypto.randomBytes(0)).to.have.length(0)
    const all = Array.from({ length: 100 }, () => toHex(crypto.randomBytes(16)))
    expect(new Set(all).size).to.equal(100)
    expect(Object.getPrototypeOf(crypto.randomBytes(4))).to.equal(Uint8Array.prototype)
  })

  it('seededCrypto replays its bytes, which differ with the seed and do not change later', () => {
    const [one, again, other] = [seededCrypto(text('a')), seededCrypto(text('a')), seededCrypto(text('b'))]
    const first = one.randomBytes(40)
    const copy = toHex(first)
    const second = one.randomBytes(100_000)
    expect(toHex(first)).to.equal(copy)
    expect(toHex(again.randomBytes(40))).to.equal(copy)
    expect(Buffer.compare(again.randomBytes(100_000), second)).to.equal(0)
    expect(toHex(other.randomBytes(40))).to.not.equal(copy)
  })
})
