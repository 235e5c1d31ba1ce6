/**
 * What a peer's events come to for whoever runs it: a level, a few words, and fields that are the same in the log, in the
 * status and in every version. Nothing private is in it: no text, no key, no share, and no loss of this peer's own training.
 */
import { giveUpWords, isGiveUpReason, pauseWords } from '../../../protocols/pause.ts'
import type { PeerEvent } from '../../peer/peer-types.ts'
import type { Notice } from '../../round/round-types.ts'

export type ToldLevel = 'debug' | 'info' | 'warn' | 'error'

export interface Told {
  readonly level: ToldLevel
  /** A few words that never change: what a program looks for. */
  readonly msg: string
  /** Rounds and attempts count from 0, as everywhere in JSON. */
  readonly fields: Readonly<Record<string, unknown>>
  /** For a person, if something did not go as it should: kept among the last reasons. */
  readonly reason?: string
}

/** @returns null for what is not worth a line */
export function toldOf(event: PeerEvent): Told | null {
  switch (event.type) {
    case 'notice':
      return toldOfNotice(event)
    case 'training':
      return null
    case 'trained': {
      const { round, attempt, steps, ofSteps, endedBy, seconds } = event
      return { level: 'info', msg: 'trained', fields: { round, attempt, steps, ofSteps, endedBy, seconds } }
    }
    case 'founded':
      return { level: 'info', msg: 'run founded', fields: { members: event.tip.members.length } }
    case 'link':
      return toldOfLink(event)
    case 'caught-up': {
      const { from, links, tip } = event
      return {
        level: 'info',
        msg: 'caught up',
        fields: { from, links, height: tip.height, completedRounds: tip.completedRounds }
      }
    }
    case 'sum-refused': {
      const { round, attempt, reason } = event
      const words = `round ${round + 1}: the sum opened to nonsense: ${reason}`
      return { level: 'warn', msg: 'sum refused', fields: { round, attempt, reason }, reason: words }
    }
    case 'blamed': {
      const { peer, kind, what, round, attempt, file } = event
      return {
        level: 'warn',
        msg: 'member blamed',
        fields: { member: peer, reason: kind, round, attempt, file },
        reason: `${peer} cheated in round ${round + 1}: ${what}`
      }
    }
    case 'disk-full': {
      const { path, freeBytes, neededBytes, message } = event
      const fields = { path, freeBytes, neededBytes }
      return { level: 'error', msg: 'disk full', fields, reason: `paused, as the disk is full: ${message}` }
    }
    case 'disk-ready':
      return { level: 'info', msg: 'disk ready', fields: { pausedMs: event.pausedMs } }
    case 'warning':
      return { level: 'warn', msg: 'warning', fields: { reason: event.message }, reason: event.message }
    case 'error': {
      const { message } = event.error
      return { level: 'error', msg: 'peer failed', fields: { reason: message }, reason: message }
    }
    case 'finished': {
      const { completedRounds, end, privacySpent } = event.result
      const fields = { completedRounds, end, epsilon: privacySpent?.epsilon ?? null }
      return { level: 'info', msg: 'run finished', fields }
    }
  }
}

function toldOfNotice(notice: Notice): Told | null {
  switch (notice.notice) {
    case 'phase': {
      const { phase, round, attempt, aggregator, cohort } = notice
      const fields = { phase, round, attempt, aggregator, cohort: cohort.length }
      return { level: 'info', msg: 'phase', fields }
    }
    case 'waiting': {
      const { have, need, missing } = notice
      return { level: 'info', msg: 'waiting for members', fields: { have, need, missing } }
    }
    case 'new-view': {
      const { subject, view, aggregator } = notice
      const reason = `${aggregator} takes over as aggregator (${subject}, view ${view})`
      return { level: 'warn', msg: 'aggregator replaced', fields: { aggregator, subject, view }, reason }
    }
    case 'given-up': {
      const { round, attempt, kind, reason, missing } = notice
      const who = missing.length === 0 ? '' : `; not heard from: ${missing.join(', ')}`
      const words = `round ${round + 1}, attempt ${attempt + 1}: ${giveUpWords[reason]}${who}`
      return {
        level: 'warn',
        msg: 'attempt given up',
        fields: { round, attempt, kind, reason, missing },
        reason: words
      }
    }
    case 'stood-down': {
      const { have, need, locked } = notice
      return { level: 'warn', msg: 'members stand down', fields: { have, need, locked } }
    }
    case 'paused': {
      const { pause, missing } = notice
      const reason = pauseWords(pause, missing)
      return { level: 'warn', msg: 'run paused', fields: { reason: pause.code, missing }, reason }
    }
    case 'refused': {
      const { peer, what, reason } = notice
      return {
        level: 'info',
        msg: 'message refused',
        fields: { from: peer, what, reason },
        reason: `refused ${what} of ${peer}: ${reason}`
      }
    }
    case 'ordered':
      return { level: 'info', msg: 'the author orders', fields: { ...notice.order } }
    case 'turned-away': {
      const { by, fault, isProven } = notice
      const reason = `${by} says that this peer is not let in: ${fault}`
      return { level: 'warn', msg: 'not let in', fields: { from: by, fault, isProven }, reason }
    }
    case 'without-secrets': {
      const { round, attempt, reason } = notice
      const words = `round ${round + 1}: only watching: ${reason}`
      return { level: 'warn', msg: 'only watching', fields: { round, attempt, reason }, reason: words }
    }
    case 'privacy-spent': {
      const { round, attempt, epsilon, delta } = notice
      return { level: 'info', msg: 'privacy spent', fields: { round, attempt, epsilon, delta } }
    }
    case 'cohort-sum': {
      const { round, attempt, level, index, kind, survivors } = notice
      const fields = { round, attempt, treeLevel: level, cohort: index, kind, survivors }
      return { level: kind === 'sum' ? 'info' : 'warn', msg: 'cohort done', fields }
    }
    case 'placed': {
      const { round, attempt, leaf, leaves, levels } = notice
      return { level: 'debug', msg: 'placed in the tree', fields: { round, attempt, leaf, leaves, levels } }
    }
    case 'input-announced':
    case 'input-held': {
      const { round, attempt, peer } = notice
      return { level: 'debug', msg: notice.notice, fields: { round, attempt, member: peer } }
    }
    case 'decided':
      return { level: 'debug', msg: 'decided', fields: { subject: notice.subject, view: notice.view } }
    case 'link':
      // The peer's own event of the link says more.
      return null
  }
}

function toldOfLink({ kind, link, tip }: PeerEvent & { type: 'link' }): Told {
  const { round, attempt, height, survivors, members, completedRounds } = link
  const expelled = link.expulsions.map(({ peer, kind }) => ({ peer, kind }))
  const fields = {
    kind,
    round,
    attempt,
    height,
    survivors: survivors.length,
    members: members.length,
    completedRounds,
    ...(link.reason === '' ? {} : { reason: link.reason }),
    ...(expelled.length === 0 ? {} : { expelled }),
    ...(tip.privacy === null ? {} : { epsilon: link.epsilonSpent })
  }
  const lines = expelled.map(({ peer, kind }) => `${peer} is expelled for ${kind}`)
  if (isGiveUpReason(link.reason)) {
    const what = kind === 'abort' ? 'was given up' : 'is lost'
    lines.unshift(`round ${round + 1}, attempt ${attempt + 1}, ${what}: ${giveUpWords[link.reason]}`)
  }
  const isFine = lines.length === 0
  return {
    level: isFine ? 'info' : 'warn',
    msg: 'link',
    fields,
    ...(isFine ? {} : { reason: lines.join('; ') })
  }
}
