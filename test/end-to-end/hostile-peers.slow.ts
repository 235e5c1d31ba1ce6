import { expect } from 'chai'
import { Besieged } from '../support/besieged.ts'

/**
 * A victim's memory, whatever is done to it: what it has anyway, and the most that all peers together may make it hold.
 */
const MEMORY_MIB = 900

/** Of an attack on a busy machine, until it is cut off. */
const PATIENCE_MS = 240_000

/** By attack, the reasons for which whoever does it may be cut off. */
const CUT_OFF: Readonly<Record<string, readonly string[]>> = {
  'oversized-requests': ['oversized-frame', 'request-quota'],
  'oversized-gossip': ['oversized-frame'],
  'oversized-frame-of-the-multiplexer': ['oversized-frame'],
  'malformed-gossip': ['malformed-gossip'],
  'unsigned-gossip': ['invalid-gossip'],
  'invalid-gossip': ['invalid-gossip'],
  'flooding-gossip': ['invalid-gossip', 'gossip-quota'],
  'flooding-with-subscriptions': ['gossip-quota'],
  'flooding-other-topics': ['gossip-quota'],
  'malformed-requests': ['malformed-request', 'request-quota'],
  'flooding-requests': ['request-quota'],
  'ten-thousand-streams': ['stream-quota'],
  'streams-that-stay-open': ['stream-quota'],
  pings: ['broken-muxing'],
  'no-multiplexer': ['broken-muxing'],
  'never-reading': ['slow-reading', 'stream-quota', 'request-quota', 'broken-muxing'],
  'writing-slowly': ['slow-writing', 'request-quota'],
  'answering-with-anything': ['wrong-answer', 'oversized-frame'],
  'answering-too-long': ['oversized-frame'],
  'connecting-again-and-again': ['connection-quota']
}

/**
 * Attacks that may leave nobody to cut off: they have no name yet, do nothing that an unlucky peer would not do, or say
 * again what is true, as fast as this machine lets them.
 */
const BORNE = [
  'replay',
  'never-answering',
  'answering-without-end',
  'answering-with-crowds',
  'identify-without-end',
  'wrong-blobs',
  'half-open',
  'ten-thousand-connections'
]

describe('a cohort that is attacked', function () {
  this.timeout(PATIENCE_MS + 60_000)
  const siege = new Besieged()
  before(() => siege.start())
  after(() => siege.close())

  /** Two more links are certified, with everyone in: the attack has not stopped the run. */
  async function goesOn(): Promise<void> {
    const from = siege.heightOf('p1')
    for (const name of ['p1', 'p2', 'p3', 'p4']) {
      await siege.program(name).waitFor('link', {}, ({ height }) => Number(height) >= from + 2)
    }
    for (const [name, program] of siege.victims) {
      expect(program.isRunning, name).to.equal(true)
      expect(siege.residentMiB(name), `memory of ${name}`).to.be.below(MEMORY_MIB)
      expect(program.stderr, name).to.not.match(/unhandled|uncaught|fault of the program/i)
      expect(program.stderr, name).to.not.include('survived:')
    }
  }

  for (const [attack, reasons] of Object.entries(CUT_OFF)) {
    it(`cuts off ${attack}, says why, and goes on`, async () => {
      const victim = siege.program('p2')
      const before = victim.named('cut-off').length
      const attacker = siege.attack(attack, 'p2')
      await victim.waitFor('cut-off', {}, event => victim.named('cut-off').indexOf(event) >= before)
      const { peer, reason } = victim.named('cut-off')[before]!
      expect(reasons).to.include(reason)
      await attacker.stop()
      await goesOn()
      expect(victim.stderr).to.match(new RegExp(`was cut off: ${reason} \\(${peer}\\)`))
    })
  }

  for (const attack of BORNE) {
    it(`goes on under ${attack}`, async () => {
      const attacker = siege.attack(attack, 'p2')
      await attacker.begun
      await goesOn()
      await attacker.stop()
    })
  }
})
