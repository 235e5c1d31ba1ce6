import { expect } from 'chai'
import fc from 'fast-check'
import { BackendError } from '../../../../node/backend/errors.ts'
import { type Block, Heap } from '../../../../node/backend/wasm/heap.ts'
import { heapStart } from '../../../../node/backend/wasm/kernel-control.ts'
import { webAssembly } from '../../../../node/backend/wasm/web-assembly.ts'

const pageBytes = 65536

function heapOf(pagesMax: number) {
  const memory = new webAssembly!.Memory({ initial: 2, maximum: pagesMax, shared: false })
  return { memory, heap: new Heap(memory, pagesMax * pageBytes) }
}

/** Allocates, or frees the one at that place among those held. */
type Action = { readonly bytes: number } | { readonly free: number }

const actions = fc.array<Action>(
  fc.oneof(
    fc.record({
      bytes: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 1000, max: 200_000 }))
    }),
    fc.record({ free: fc.nat() })
  ),
  { maxLength: 120 }
)

function perform(heap: Heap, actions: readonly Action[], check: (held: readonly Block[]) => void): Block[] {
  const held: Block[] = []
  for (const action of actions) {
    if ('bytes' in action) held.push(heap.allocate(action.bytes))
    else if (held.length > 0) heap.free(held.splice(action.free % held.length, 1)[0]!)
    check(held)
  }
  return held
}

describe('the heap of the wasm backend', () => {
  it('gives aligned blocks inside the memory that never overlap, and counts them', () => {
    fc.assert(
      fc.property(actions, actions => {
        const { memory, heap } = heapOf(1000)
        perform(heap, actions, held => {
          const sorted = [...held].sort((a, b) => a.at - b.at)
          let end = heapStart
          for (const { at, bytes } of sorted) {
            expect(at % 64).to.equal(0)
            expect(at).to.be.at.least(end)
            end = at + bytes
          }
          expect(end).to.be.below(memory.buffer.byteLength)
          expect(heap.heldBytes).to.equal(held.reduce((sum, { bytes }) => sum + bytes, 0))
          expect(heap.peakBytes).to.be.at.least(heap.heldBytes)
        })
      }),
      { numRuns: 50 }
    )
  })

  it('gives blocks as large as asked', () => {
    const { heap } = heapOf(100)
    for (const bytes of [0, 1, 63, 64, 65, 1000, 65536, 1_000_000]) {
      expect(heap.allocate(bytes).bytes).to.be.within(bytes, bytes + 64)
    }
  })

  it('is whole again once all is freed, in whatever order', () => {
    fc.assert(
      fc.property(actions, fc.infiniteStream(fc.nat()), (actions, order) => {
        const { memory, heap } = heapOf(1000)
        const held = perform(heap, actions, () => {})
        while (held.length > 0) heap.free(held.splice(order.next().value % held.length, 1)[0]!)
        expect(heap.heldBytes).to.equal(0)
        const before = memory.buffer.byteLength
        // All but the control words and what kernels may read past the end.
        heap.allocate(before - heapStart - 64)
        expect(memory.buffer.byteLength).to.equal(before)
      }),
      { numRuns: 50 }
    )
  })

  it('finds freed blocks again, so that the same work over and over takes no more memory', () => {
    const { memory, heap } = heapOf(1000)
    const step = () => {
      const blocks = [70_000, 300, 5000, 70_000, 64, 123_456].map(bytes => heap.allocate(bytes))
      for (const i of [3, 0, 5, 1, 4, 2]) heap.free(blocks[i]!)
    }
    step()
    const before = memory.buffer.byteLength
    for (let i = 0; i < 200; i++) step()
    expect(memory.buffer.byteLength).to.equal(before)
  })

  it('keeps what was written when the memory grows', () => {
    const { memory, heap } = heapOf(1000)
    const { at } = heap.allocate(4)
    new Float32Array(memory.buffer, at, 1)[0] = 42
    const before = memory.buffer
    heap.allocate(10_000_000)
    expect(memory.buffer).not.to.equal(before)
    expect(new Float32Array(memory.buffer, at, 1)[0]).to.equal(42)
  })

  it('says how much was asked, held and allowed when there is no more, and goes on', () => {
    const { heap } = heapOf(32)
    const held = heap.allocate(1_000_000)
    const attempt = () => heap.allocate(1_500_000)
    expect(attempt).to.throw(BackendError, /1\.5 MB more do not fit beside 1\.0 MB in the 2\.1 MB/)
    try {
      attempt()
    } catch (error) {
      expect((error as BackendError).code).to.equal('OUT_OF_MEMORY')
      const { askedBytes, heldBytes, maxBytes } = (error as BackendError).data
      expect([askedBytes, heldBytes, maxBytes]).to.deep.equal([1_500_032, held.bytes, 32 * pageBytes])
    }
    heap.free(held)
    expect(attempt).not.to.throw()
  })

  it('uses its memory to the last page', () => {
    const { heap } = heapOf(32)
    const bytes = 32 * pageBytes - heapStart - 64
    heap.free(heap.allocate(bytes))
    expect(() => heap.allocate(bytes + 1)).to.throw(BackendError)
  })

  it('refuses to free a block twice', () => {
    const { heap } = heapOf(32)
    const block = heap.allocate(100)
    heap.free(block)
    expect(() => heap.free(block)).to.throw(/freed before/)
  })
})
