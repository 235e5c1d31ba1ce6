/** Moves and states in words, for a trace that a person can follow. */
import { lockOf } from './member.ts'
import type { Event } from './member-step.ts'
import type { Move, RoundState } from './round-model.ts'
import { lockText, valueNamed } from './words.ts'

export function moveText({ place, event, crash }: Move, { stage, pool }: RoundState): string {
  const where = `attempt ${stage.attempt}, ${stage.subject}`
  if (event === null) {
    const over = pool.certificates.find(({ kind }) => stage.rules.voting.decides(kind))
    return `${where}: a quorum has committed to ${over?.value}; the next agreement begins`
  }
  const crashed = {
    none: '',
    unsent: ', writes it down, dies before it is sent, and comes back',
    unwritten: ', sends it, dies before it is written down, and comes back'
  }[crash]
  return `${where}: member ${place} ${eventText(event)}${crashed}`
}

function eventText(event: Event): string {
  switch (event.type) {
    case 'timeout':
      return 'gives up on its view'
    case 'join':
      return `gets ${event.newViews} new-views and enters view ${event.view}`
    case 'propose':
      return `proposes ${event.value} in view ${event.view} on ${event.reports.length} new-views (${event.reports.map(lockText).join('; ')})`
    case 'proposal':
      return `gets the proposal of ${event.value} in view ${event.view} (${event.grounds.fresh ? 'new' : 'repeated'}) and votes`
    case 'certificate':
      return `gets a ${event.kind} certificate for ${event.value} of view ${event.view}`
    case 'compute':
      return 'opens the sum and has a result'
    case 'step':
      return 'does once more what it may do'
    case 'catch-up':
      return `hears that ${event.value} was decided`
    case 'restart':
      return `dies and comes back with ${event.keep} entries of its journal${event.unknown ? '; others hold more of its words' : ''}`
  }
}

export function stateText({ members, pool }: RoundState): string[] {
  const lines = [...members].map(([place, member]) => {
    const { agreement, participation, releases, hasResult, said } = member
    const decided =
      agreement.decided === null ? '' : `, decided ${valueNamed(agreement.decided.certificate.valueHash)}`
    const released = releases.length === 0 ? '' : `, released shares for ${releases.join(' and ')}`
    const result = hasResult ? ', has a result' : ''
    const words = said.size === 0 ? 'nothing' : [...said.keys()].join(', ')
    return `   member ${place}: ${participation}, view ${agreement.view}, ${lockText(lockOf(agreement.lock))}${decided}${released}${result}; said ${words}`
  })
  const certificates = pool.certificates.map(({ kind, view, value }) => `${kind} ${view} ${value}`)
  return [...lines, `   certificates: ${certificates.join(', ') || 'none'}`]
}
