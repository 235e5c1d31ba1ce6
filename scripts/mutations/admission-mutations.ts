/** Defences of admission: who gets in, and what the author may order. */
import { attackTest, type Mutation, ofFile } from './mutation.ts'

const replayed = attackTest('replayed-invitation')
const chainTest = 'test/protocols/admission.test.ts'
const ordersTest = 'test/protocols/orders.test.ts'
const machineTest = 'test/node/round/admission.test.ts'

export const admissionMutations: readonly Mutation[] = [
  ...ofFile('protocols/invitation.ts', [
    {
      name: 'an invitation that the author did not sign',
      attack: 25,
      find: 'crypto.ed25519Verify(publicKeyOf(run.author), signedBytes(invitation), invitation.signature)',
      replace: 'crypto.ed25519Verify !== undefined && publicKeyOf(run.author).length === 32',
      test: replayed,
      grep: 'whom it invited itself'
    },
    {
      name: 'an invitation redeemed for another peer',
      attack: 25,
      find: 'return crypto.ed25519Verify(invitation.id, provenBytes(invitation, peer), proof) ?',
      replace: 'return provenBytes(invitation, peer).length > 0 && proof.length === 64 ?',
      test: replayed,
      grep: 'that has heard it'
    },
    {
      name: 'an invitation to another run',
      attack: 25,
      find: "if (!equalBytes(invitation.run, run.id)) return 'other-run'",
      replace: "if (!equalBytes(invitation.run, invitation.run)) return 'other-run'",
      test: chainTest
    }
  ]),
  ...ofFile('protocols/admission.ts', [
    {
      name: 'uses are not counted',
      attack: 25,
      find: "if ((peers?.size ?? 0) >= uses) return 'used-up'",
      replace: "if ((peers?.size ?? 0) > 1e9 * uses) return 'used-up'",
      test: chainTest
    },
    {
      name: 'a revoked invitation lets in',
      attack: 25,
      find: "if (revoked.has(key)) return 'revoked'",
      replace: "if (revoked.has('')) return 'revoked'",
      test: chainTest
    },
    {
      name: 'a peer that comes back uses another',
      attack: 25,
      find: 'if (peers?.has(peer)) return null',
      replace: '',
      test: chainTest
    }
  ]),
  ...ofFile('protocols/link-body.ts', [
    {
      name: 'a link lets in whom it likes',
      attack: 25,
      find: 'if (unfounded !== null) throw refuse(unfounded)',
      replace: '',
      test: chainTest
    }
  ]),
  ...ofFile('node/round/newcomers.ts', [
    {
      name: 'anything brings a newcomer in',
      attack: 8,
      find: 'if (registers(tip, message) === null) return null\n    newcomers.push(message)',
      replace: 'newcomers.push(message)',
      test: attackTest('censored-header')
    },
    {
      name: 'a voter does not look at whom a proposal lets in',
      attack: 25,
      find: 'return fits(draft, record, admissionsAmong(run, newcomers)) ? newcomers : null',
      replace: 'return fits(draft, record, []) ? newcomers : null',
      test: replayed,
      grep: 'two at once'
    },
    {
      name: 'voters do not mind expiry',
      attack: 25,
      find: 'standingFault(draft, counted, admission, EXPIRY_TOLERANCE_MS)',
      replace: 'standingFault(draft, counted, admission, 1e9 * EXPIRY_TOLERANCE_MS)',
      test: replayed,
      grep: 'long after the expiry'
    },
    {
      name: 'whoever proposes does not mind expiry',
      attack: 25,
      find: 'standingFault(draft, record, admission, 0) !== null) return false',
      replace: 'standingFault(draft, record, admission, 1e15) !== null) return false',
      test: machineTest,
      grep: 'of whoever proposes'
    }
  ]),
  ...ofFile('node/round/turning-away.ts', [
    {
      name: 'a refusal is believed without what shows it',
      attack: 25,
      find: 'return new Set(others.map(({ peer }) => peer)).size >= invitation.uses',
      replace: 'return others.length >= 0',
      test: machineTest,
      grep: 'believes nobody'
    }
  ]),
  ...ofFile('protocols/orders.ts', [
    {
      name: 'an order of anybody',
      attack: 26,
      find: 'if (sender !== run.manifest.author) throw',
      replace: "if (sender === '') throw",
      test: attackTest('forged-order')
    },
    {
      name: 'an order of long ago',
      attack: 26,
      find: "if (!tip.orderLinks.some(hash => equalBytes(hash, boundTo))) return 'stale'",
      replace: "if (tip.orderLinks.length === 0 || boundTo.length === 0) return 'stale'",
      test: ordersTest
    },
    {
      name: 'an order to another run',
      attack: 26,
      find: "if (!equalBytes(context.run, run.id)) throw refuse('made for another run')",
      replace: '',
      test: ordersTest
    }
  ]),
  ...ofFile('node/round/survivors.ts', [
    {
      name: 'a voter does not look at the orders of a proposal',
      attack: 26,
      find: "if (orders === null) return 'invalid'\n  const record = withRevoked(attempt.tip.admission, orders)",
      replace: 'const record = withRevoked(attempt.tip.admission, orders ?? { revoked: new Map() })',
      test: attackTest('forged-order')
    }
  ])
]
