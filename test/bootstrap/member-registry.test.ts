import { expect } from 'chai'
import { MemberRegistry } from '../../bootstrap/member-registry.ts'
import { MEMBERS_MAX, OFFERED_RUN_TTL_MS } from '../../protocols/limits.ts'

describe('the members that a coordinator hears of', () => {
  let nowMs = 0
  const registry = new MemberRegistry({ nowMs: () => nowMs })
  const heard = (run: string) => registry.of(run).map(({ peer }) => peer)

  it('are forgotten once they have been silent for as long as an offer lasts', () => {
    registry.hear('run', 'a', -1, null)
    nowMs += OFFERED_RUN_TTL_MS - 1
    registry.hear('run', 'b', 3, 'ShareKeys')
    registry.hear('other', 'c', 0, null)
    expect(heard('run')).to.deep.equal(['a', 'b'])
    registry.hear('run', 'a', 3, 'ShareKeys')
    nowMs += OFFERED_RUN_TTL_MS
    expect(heard('run')).to.deep.equal(['b', 'a'])
    nowMs += 1
    expect(heard('run')).to.deep.equal([])
    registry.hear('run', 'a', 4, null)
    expect(registry.of('run')).to.deep.equal([{ peer: 'a', heardAtMs: nowMs, height: 4, phase: null }])
    registry.forget('run')
    expect(heard('run')).to.deep.equal([])
  })

  it('are never more than a run may have, whoever claims to be one', () => {
    for (let i = 0; i < MEMBERS_MAX + 10; i++) registry.hear('crowd', `peer-${i}`, 0, null)
    expect(heard('crowd')).to.have.length(MEMBERS_MAX)
    expect(heard('crowd')[0]).to.equal('peer-10')
  })
})
