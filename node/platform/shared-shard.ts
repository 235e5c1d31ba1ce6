import type { TokenizedShard } from '../train/dataset.ts'
import type { ExampleMarks } from '../train/token-text.ts'

/** A copy of a client's data in shared memory: every thread reads it, none gets one of its own. */
export function sharedShard(shard: TokenizedShard): TokenizedShard {
  const share = (values: Int32Array) => {
    const shared = new Int32Array(new SharedArrayBuffer(values.byteLength))
    shared.set(values)
    return shared
  }
  const shareMarks = ({ starts, counts }: ExampleMarks) => {
    const shared = new Uint8Array(new SharedArrayBuffer(counts.byteLength))
    shared.set(counts)
    return { starts: share(starts), counts: shared }
  }
  const { train, trainExamples, heldOut, heldOutExamples, heldOutTokenBytes, description } = shard
  return {
    train: share(train),
    ...(trainExamples && { trainExamples: shareMarks(trainExamples) }),
    heldOut: share(heldOut),
    ...(heldOutExamples && { heldOutExamples: shareMarks(heldOutExamples) }),
    heldOutTokenBytes: share(heldOutTokenBytes),
    description
  }
}
