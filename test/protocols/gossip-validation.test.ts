import { expect } from 'chai'
import fc from 'fast-check'
import { PROTOCOL_VERSION, sealMessage, ZERO_HASH } from '../../protocols/envelope.ts'
import { judgeMessage } from '../../protocols/gossip-validation.ts'
import { GOSSIP_MESSAGE_BYTES } from '../../protocols/limits.ts'
import { type Context, Envelope, Tip } from '../../protocols/messages.js'
import { testMember, testRun } from '../support/chains.ts'

const { run, crypto, members } = testRun(4)
const ids = members.map(({ id }) => id)
const [member] = members
const stranger = testMember(99)
const context: Context = {
  version: PROTOCOL_VERSION,
  run: run.id,
  previousLink: ZERO_HASH,
  round: 0,
  attempt: 0,
  rosterHash: ZERO_HASH,
  baseModel: run.baseModel,
  encodingHash: ZERO_HASH
}
const payload = Uint8Array.of(1, 2, 3)
const tip = Tip.encode({ height: 3, linkHash: ZERO_HASH, phase: 'AdvertiseKeys' })
const sealed = (
  type: Parameters<typeof sealMessage>[0],
  changed: Partial<Context> = {},
  { signer } = member!,
  said = type === 'tip' ? tip : payload
) => sealMessage(type, { ...context, ...changed }, said, signer, crypto).bytes
const judge = (bytes: Uint8Array, known: readonly string[] | null = ids) =>
  judgeMessage(bytes, run, known, crypto)

describe('the verdict on a message', () => {
  it('accepts what a member signed for this run', () => {
    const verdict = judge(sealed('inventory'))
    expect(verdict).to.nested.include({
      verdict: 'accept',
      'message.sender': member!.id,
      'message.type': 'inventory'
    })
  })

  it('accepts any type from anyone before the founding, afterwards only what helps to join or catch up', () => {
    expect(judge(sealed('inventory', {}, stranger), null)).to.include({ verdict: 'accept' })
    expect(judge(sealed('inventory', {}, stranger))).to.include({ verdict: 'ignore', reason: 'NOT_A_MEMBER' })
    for (const type of ['registration', 'founding', 'tip', 'certificate', 'reconfiguration'] as const) {
      expect(judge(sealed(type, {}, stranger)), type).to.include({ verdict: 'accept' })
    }
  })

  it('ignores another run, another protocol version', () => {
    expect(judge(sealed('inventory', { run: ZERO_HASH }))).to.include({
      verdict: 'ignore',
      reason: 'OTHER_RUN'
    })
    const other = judge(sealed('inventory', { version: '2.0' }))
    expect(other).to.deep.include({
      verdict: 'ignore',
      reason: 'OTHER_VERSION',
      data: { got: '2.0', spoken: PROTOCOL_VERSION }
    })
  })

  it('rejects another base model, naming both digests', () => {
    const verdict = judge(sealed('registration', { baseModel: ZERO_HASH }))
    expect(verdict).to.deep.include({
      verdict: 'reject-publisher',
      reason: 'OTHER_BASE_MODEL',
      data: { sender: member!.id, theirs: '00'.repeat(32), ours: 'ab'.repeat(32) }
    })
  })

  it('rejects a tip that is none, but not one of another minor version, which may say more', () => {
    const verdict = judge(sealed('tip', {}, stranger, payload))
    expect(verdict).to.include({ verdict: 'reject-publisher', reason: 'BAD_MESSAGE' })
    expect(judge(sealed('tip', { version: '1.9' }, stranger, payload))).to.include({ verdict: 'accept' })
  })

  it('rejects a signature by another key, and one over another payload, context or type', () => {
    const envelope = Envelope.decode(sealed('inventory'))
    const forgeries = [
      { sender: stranger.signer.publicKey },
      { payload: Uint8Array.of(1, 2, 4) },
      { type: 'masked-input' },
      { context: { ...context, round: 1 } }
    ]
    for (const forged of forgeries) {
      const verdict = judge(Envelope.encode({ ...envelope, ...forged }))
      expect(verdict, Object.keys(forged)[0]).to.include({ verdict: 'reject', reason: 'BAD_SIGNATURE' })
    }
  })

  it('rejects what is too long before it looks inside', () => {
    const verdict = judge(new Uint8Array(GOSSIP_MESSAGE_BYTES + 1))
    expect(verdict).to.include({ verdict: 'reject', reason: 'TOO_LARGE' })
  })

  it('rejects any bytes at all that are no envelope, and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        expect(judge(bytes)).to.include({ verdict: 'reject', reason: 'BAD_MESSAGE' })
      })
    )
  })

  it('never accepts a message in which any one byte was changed', () => {
    const bytes = sealed('inventory')
    for (let i = 0; i < bytes.length; i++) {
      const changed = bytes.slice()
      changed[i]! ^= 1
      expect(judge(changed).verdict, `byte ${i}`).not.to.equal('accept')
    }
  })
})
