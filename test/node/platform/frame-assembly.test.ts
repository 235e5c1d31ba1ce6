import { expect } from 'chai'
import fc from 'fast-check'
import { encode } from 'it-length-prefixed'
import { FrameAssembly, FrameTooLong, type TaggedFrame } from '../../../node/platform/frame-assembly.ts'

const MAX = 400

function read(assembly: FrameAssembly, piece: Uint8Array): TaggedFrame[] {
  const frames: TaggedFrame[] = []
  for (let at = 0; at < piece.length; ) {
    at = assembly.take(piece, at)
    const frame = assembly.finished()
    if (frame !== null) frames.push(frame)
  }
  return frames
}

describe('frames from pieces', () => {
  it('are what was sent, however the bytes are cut', () => {
    const sent = fc.array(fc.uint8Array({ minLength: 1, maxLength: MAX + 1 }), { maxLength: 6 })
    const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(sent, sizes, (bodies, cuts) => {
        const wire = Buffer.concat(bodies.map(body => encode.single(body).subarray()))
        const assembly = new FrameAssembly(MAX)
        const frames: TaggedFrame[] = []
        for (let at = 0, i = 0; at < wire.length; i++) {
          const end = at + cuts[i % cuts.length]!
          frames.push(...read(assembly, wire.subarray(at, end)))
          at = end
        }
        const expected = bodies.map(body => ({ kind: body[0]!, payload: [...body.subarray(1)] }))
        expect(frames.map(({ kind, payload }) => ({ kind, payload: [...payload] }))).to.deep.equal(expected)
        expect(assembly.isBegun).to.equal(false)
      })
    )
  })

  it('share no memory with the pieces, nor with each other', () => {
    const wire = new Uint8Array([3, 0, 1, 2, 3, 0, 3, 4])
    const frames = read(new FrameAssembly(MAX), wire)
    wire.fill(9)
    frames[0]!.payload.fill(7)
    expect([...frames[1]!.payload]).to.deep.equal([3, 4])
  })

  it('are refused by their length alone, and without a kind', () => {
    const take = (...bytes: number[]) => read(new FrameAssembly(MAX), new Uint8Array(bytes))
    // 402 is a kind and one byte too much.
    expect(() => take(0x92, 0x03)).to.throw(FrameTooLong)
    expect(take(0x91, 0x03)).to.deep.equal([])
    expect(() => take(0xff, 0xff, 0xff, 0xff)).to.throw(FrameTooLong)
    expect(() => take(0x80, 0x80, 0x80, 0x80, 0x80, 0x00)).to.throw(FrameTooLong)
    expect(() => take(0)).to.throw('a frame without its kind')
  })

  it('are known to be unfinished', () => {
    const assembly = new FrameAssembly(MAX)
    expect(read(assembly, new Uint8Array([3, 0, 1]))).to.deep.equal([])
    expect(assembly.isBegun).to.equal(true)
  })
})
