import { expect } from 'chai'
import { checkEvidenceFile } from '../../../node/peer/evidence-file.ts'
import { EvidenceGate } from '../../../node/peer/evidence-gate.ts'
import { EvidenceStore } from '../../../node/peer/evidence-store.ts'
import { encodeRecord } from '../../../node/peer/record-log.ts'
import { judgeEvidence } from '../../../protocols/gossip-validation.ts'
import { EVIDENCE_BYTES, EVIDENCE_PER_SENDER } from '../../../protocols/limits.ts'
import { encodeSignedManifest } from '../../../protocols/signed-manifest.ts'
import { memoryFiles } from '../../../sim/memory-files.ts'
import {
  badSecret,
  check,
  cluster,
  crypto,
  culprit,
  everyKind,
  header,
  other,
  pair,
  run,
  signed,
  tip
} from '../../support/evidence-cases.ts'

const evidenceOf = (bytes: Uint8Array) => {
  const verdict = check(bytes)
  if (!verdict.holds) throw new Error(verdict.reason)
  return verdict.evidence
}

describe('evidence on the disk', () => {
  it('is one file for each piece, written once, and read again after a restart', async () => {
    const files = memoryFiles()
    const store = await EvidenceStore.open(files, 'runs/ab/evidence')
    const bytes = pair(header(1), header(2))
    const path = await store.keep(evidenceOf(bytes))
    expect(path).to.match(new RegExp(`^runs/ab/evidence/${culprit.id}-equivocation-[0-9a-f]{16}\\.evidence$`))
    expect(await store.keep(evidenceOf(bytes))).to.equal(null)
    expect(await store.keep(evidenceOf(badSecret('key')))).to.match(/-bad-secret-/)
    const again = await EvidenceStore.open(files, 'runs/ab/evidence')
    expect(await again.keep(evidenceOf(bytes))).to.equal(null)
    // What somebody has put there is bounded before it is read.
    await files.write('runs/ab/evidence/large.evidence', new Uint8Array(EVIDENCE_BYTES + 1))
    const kept: Uint8Array[] = []
    for await (const one of (await EvidenceStore.open(files, 'runs/ab/evidence')).kept()) kept.push(one)
    expect(kept).to.have.lengthOf(2)
    expect(kept).to.deep.include(bytes)
  })

  it('can be checked by hand with the folder of its run', async () => {
    const files = memoryFiles()
    const [peer] = cluster.alive
    await files.write('manifest.json', encodeSignedManifest(cluster.run.signed))
    const log = [peer!.founding!, ...peer!.links].map(record => [...encodeRecord(record, crypto.sha256)])
    await files.write('chain.log', Uint8Array.from(log.flat()))
    for (const [kind, , bytes] of everyKind) {
      await files.write('evidence/one', bytes)
      const verdict = await checkEvidenceFile(files, 'evidence/one', crypto)
      expect(verdict).to.have.property('holds', true)
      if (verdict.holds) expect(verdict.evidence).to.include({ kind, culprit: culprit.id })
      await files.write('evidence/one', bytes.with(100, bytes[100]! ^ 1))
      expect(await checkEvidenceFile(files, 'evidence/one', crypto)).to.have.property('holds', false)
    }
    const failure = await checkEvidenceFile(files, 'evidence/two', crypto).catch(error => error.message)
    expect(failure).to.equal("evidence/two: no such file in the run's folder")
  })
})

describe('evidence that comes by gossip', () => {
  const everyone = () => true
  const verdictOn = (payload: Uint8Array, at = tip as typeof tip | null, admits = everyone) => {
    const judged = judgeEvidence(signed('evidence', payload, undefined, other), run, at, admits, crypto)
    return judged.verdict === 'accept' ? 'accept' : `${judged.verdict} ${judged.reason}`
  }
  const bytes = pair(header(1), header(2))

  it('is passed on if it holds, and its sender rejected if it does not', () => {
    for (const [kind, , good] of everyKind) expect(verdictOn(good), kind).to.equal('accept')
    expect(verdictOn(bytes.with(60, bytes[60]! ^ 1))).to.equal('reject-publisher FALSE_EVIDENCE')
    expect(verdictOn(pair(header(1), header(1)))).to.equal('reject-publisher FALSE_EVIDENCE')
    expect(verdictOn(new Uint8Array(EVIDENCE_BYTES + 1))).to.equal('reject-publisher TOO_LARGE')
  })

  it('is ignored where it is of no use: too early, too late, against nobody in the run', () => {
    expect(verdictOn(bytes, null)).to.equal('ignore IDLE_EVIDENCE')
    expect(verdictOn(badSecret('seed'), { ...tip, history: [] })).to.equal('ignore IDLE_EVIDENCE')
    const members = tip.members.filter(member => member !== culprit.id)
    expect(verdictOn(bytes, { ...tip, members })).to.equal('ignore IDLE_EVIDENCE')
  })

  it('is heard from one member a bounded number of times between two links', () => {
    const gate = new EvidenceGate()
    const heard = (sender: string, height: number) =>
      Array.from({ length: EVIDENCE_PER_SENDER + 5 }, () => gate.admits(sender, height)).filter(Boolean)
        .length
    expect(heard('a', 1)).to.equal(EVIDENCE_PER_SENDER)
    expect(heard('b', 1)).to.equal(EVIDENCE_PER_SENDER)
    expect(heard('a', 1)).to.equal(0)
    expect(heard('a', 2)).to.equal(EVIDENCE_PER_SENDER)
    expect(verdictOn(bytes, tip, () => false)).to.equal('ignore IDLE_EVIDENCE')
  })
})
