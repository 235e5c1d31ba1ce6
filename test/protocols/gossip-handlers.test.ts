import { expect } from 'chai'
import { GossipHandlers } from '../../protocols/gossip-handlers.ts'
import type { GossipVerdict } from '../../protocols/ports.ts'

describe('gossip handlers', () => {
  const of = (verdicts: Array<GossipVerdict | 'throw'>): { handlers: GossipHandlers; thrown: string[] } => {
    const thrown: string[] = []
    const handlers = new GossipHandlers((topic, from, error) =>
      thrown.push(`${topic} ${from} ${(error as Error).message}`)
    )
    for (const verdict of verdicts) {
      handlers.add('t', async () => {
        if (verdict === 'throw') throw new Error('ours')
        return verdict
      })
    }
    return { handlers, thrown }
  }

  const table: Array<[Array<GossipVerdict | 'throw'>, GossipVerdict]> = [
    [['accept'], 'accept'],
    [['ignore'], 'ignore'],
    [['reject'], 'reject'],
    [['accept', 'ignore'], 'accept'],
    [['accept', 'reject'], 'reject'],
    [['ignore', 'reject'], 'reject'],
    [['reject-publisher', 'accept'], 'reject-publisher'],
    [['reject-publisher', 'reject'], 'reject'],
    [['throw'], 'ignore'],
    [['throw', 'accept'], 'accept'],
    [[], 'ignore']
  ]
  for (const [verdicts, expected] of table) {
    it(`of ${verdicts.join(' and ') || 'nobody'} make ${expected}`, async () => {
      const { handlers, thrown } = of(verdicts)
      expect(await handlers.verdict('t', 'peer', new Uint8Array(0))).to.equal(expected)
      expect(thrown).to.deep.equal(verdicts.includes('throw') ? ['t peer ours'] : [])
    })
  }

  it('are gone once removed, each by itself', () => {
    const { handlers } = of([])
    const [first, second] = [handlers.add('t', async () => 'accept'), handlers.add('t', async () => 'accept')]
    first()
    first()
    expect(handlers.has('t')).to.equal(true)
    second()
    expect(handlers.has('t')).to.equal(false)
  })
})
