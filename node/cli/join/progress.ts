/** What a peer tells of itself, as lines for a person and as JSON lines for a program. */
import { join } from 'node:path'
import { toHex } from '../../../protocols/hex.ts'
import { type Admission, type Invitation, type LinkBody, Order } from '../../../protocols/messages.js'
import type { AuthorOrder } from '../../../protocols/orders.ts'
import { giveUpWords, isGiveUpReason, pauseWords } from '../../../protocols/pause.ts'
import type { ByteCount, RoundBytes } from '../../peer/byte-account.ts'
import type { DiskFull, PeerEvent } from '../../peer/peer-types.ts'
import type { Notice } from '../../round/round-types.ts'
import type { Output } from '../output.ts'
import { spentText } from '../privacy/run-privacy.ts'
import { bytesText, durationText, energyText, peerList, shortPeer } from './words.ts'

/** `total` of a byte account beside its parts. */
export function totalBytes(bytes: RoundBytes): ByteCount {
  const counts = Object.values(bytes)
  return {
    sent: counts.reduce((sum, { sent }) => sum + sent, 0),
    received: counts.reduce((sum, { received }) => sum + received, 0)
  }
}

export class JoinProgress {
  readonly #output: Output
  readonly #self: string
  readonly #rounds: number
  readonly #privacy: { readonly delta: number } | null
  /** Where files of the peer lie that are named by their path below its folder. */
  readonly #dir: string
  /** On a terminal the line of the training under way is drawn over itself. */
  readonly #live: boolean
  #isLineOpen = false
  #waitingText = ''
  #aggregator: string | null = null
  /** Of the round under way. */
  #members = 0

  /**
   * @param privacy - the run's terms; null without noise
   * @param dir - where the peer's files lie
   */
  constructor(
    output: Output,
    self: string,
    rounds: number,
    privacy: { readonly delta: number } | null = null,
    dir = ''
  ) {
    this.#privacy = privacy
    this.#output = output
    this.#self = self
    this.#rounds = rounds
    this.#dir = dir
    this.#live = output.words.isTTY === true
  }

  /** A line that stays. */
  line(text: string): void {
    if (this.#isLineOpen) this.#output.words.write('\r\u001b[2K')
    this.#isLineOpen = false
    this.#output.say(text)
  }

  take(event: PeerEvent): void {
    const json = jsonOf(event)
    if (json !== null) this.#output.event(json)
    switch (event.type) {
      case 'notice':
        return this.#notice(event)
      case 'training':
        return this.#training(event)
      case 'trained':
        return this.#trained(event)
      case 'founded':
        this.#members = event.tip.members.length
        return this.line(
          `the run begins with ${event.tip.members.length} members: ${this.#names(event.tip.members)}`
        )
      case 'link':
        return this.#link(event)
      case 'caught-up': {
        const { links, tip, from } = event
        this.#members = tip.members.length
        return this.line(
          `caught up: ${links} links from ${shortPeer(from)}, ${tip.completedRounds} of ${this.#rounds} rounds are done`
        )
      }
      case 'sum-refused':
        return this.line(
          `round ${event.round + 1}: the sum opened to nonsense and is thrown away: ${event.reason}`
        )
      case 'blamed': {
        const { peer, what, round, file } = event
        if (peer === this.#self) {
          return this.#output.warn(
            `this identity has contradicted itself in round ${round + 1} (${what}; see ${this.#placeOf(file)}), and the others ` +
              'expel it. A second process acts with it, or its folder was restored from an old copy: see docs/folder.md'
          )
        }
        return this.line(
          `${this.#name(peer)} cheated in round ${round + 1}: ${what}; see ${this.#placeOf(file)}`
        )
      }
      case 'disk-full':
        return this.line(diskFullWords(event, this.#dir))
      case 'disk-ready':
        return this.line(
          `there is space again: going on, after a pause of ${durationText(event.pausedMs / 1000)}`
        )
      case 'warning':
        return this.#output.warn(event.message)
      case 'error':
      case 'finished':
        // Told by whoever waits for the end.
        return
    }
  }

  #notice(notice: Notice): void {
    switch (notice.notice) {
      case 'phase':
        return this.#phase(notice)
      case 'waiting': {
        const { have, need, missing } = notice
        const who = missing.length === 0 ? '' : `; missing ${this.#names(missing)}`
        const text = `waiting for members: ${have} of ${need} are here${who}`
        if (text !== this.#waitingText) this.line(text)
        this.#waitingText = text
        return
      }
      case 'new-view':
        return this.line(
          `  ${this.#name(notice.aggregator)} takes over (${notice.subject}, view ${notice.view})`
        )
      case 'without-secrets':
        return this.line(`  round ${notice.round + 1}: only watching: ${notice.reason}`)
      case 'refused':
        return this.#output.note(`refused ${notice.what} of ${notice.peer}: ${notice.reason}`)
      case 'ordered': {
        const { order } = notice
        return this.line(`the author orders: ${orderWords(order)}; it takes effect with the next link`)
      }
      case 'turned-away': {
        const { fault, isProven, by } = notice
        // What ends the waiting is told at its end.
        if (isProven) return
        return this.#output.warn(
          `${shortPeer(by)} says that the run does not let this peer in (${fault}), and nothing shows it; still asking`
        )
      }
      case 'placed': {
        const { leaf, leaves, levels, adds } = notice
        const above = adds.length === 0 ? '' : `; this peer adds up at level ${adds.join(', ')} too`
        return this.line(`cohort ${leaf + 1} of ${leaves}, in a tree of ${levels} levels${above}`)
      }
      case 'cohort-sum':
        return this.line(`  ${cohortSumWords(notice)}`)
      case 'given-up': {
        // The link that follows says why.
        const { missing } = notice
        return missing.length === 0 ? undefined : this.line(`  not heard from here: ${this.#names(missing)}`)
      }
      case 'stood-down': {
        const { have, need } = notice
        return this.line(
          `  ${have} of ${need} members have stood down, for the author to name the members anew`
        )
      }
      case 'paused':
        return this.line(
          pauseWords(
            notice.pause,
            notice.missing.map(peer => this.#name(peer))
          )
        )
      case 'input-announced':
      case 'input-held':
      case 'decided':
      case 'link':
      case 'privacy-spent':
        return
    }
  }

  #phase({ phase, round, attempt, aggregator, cohort }: Notice & { notice: 'phase' }): void {
    this.#waitingText = ''
    if (phase === 'AdvertiseKeys') {
      this.#aggregator = null
      const again = attempt === 0 ? '' : `, attempt ${attempt + 1}`
      this.line(`round ${round + 1} of ${this.#rounds}${again}: ${cohort.length} in: ${this.#names(cohort)}`)
    }
    if (phase === 'Finished' || phase === 'WaitingForMembers') return
    // Said once a round, and again when it changes.
    const leads =
      aggregator === null || aggregator === this.#aggregator ? '' : `, aggregator ${this.#name(aggregator)}`
    this.#aggregator = aggregator
    this.line(`  ${phase}${leads}`)
  }

  #training({ steps, ofSteps, loss }: PeerEvent & { type: 'training' }): void {
    const text = `  step ${steps} of ${ofSteps}, loss ${loss.toFixed(3)} nats per token`
    if (steps === ofSteps) return this.line(text)
    if (!this.#live) return
    this.#output.words.write(`\r\u001b[2K${text}`)
    this.#isLineOpen = true
  }

  #trained({ steps, ofSteps, endedBy, seconds, energyJoules }: PeerEvent & { type: 'trained' }): void {
    const isCut = endedBy === 'seconds' || endedBy === 'power'
    if (!isCut && energyJoules === null) return
    const time = seconds === null ? '' : ` in ${durationText(seconds)}`
    const energy = energyJoules === null ? '' : `, ${energyText(energyJoules)}`
    const why = endedBy === 'power' ? 'the battery is low' : 'the time allowed for a round is over'
    this.line(`  ${steps} of ${ofSteps} steps done${time}${energy}${isCut ? `: ${why}` : ''}`)
  }

  #link({ kind, link, bytes }: PeerEvent & { type: 'link' }): void {
    const { sent, received } = totalBytes(bytes)
    const cost = `${bytesText(sent)} sent, ${bytesText(received)} received`
    if (kind === 'result') {
      const { survivors, cohort, node, meanLoss, stateHash } = link
      const could = node === undefined ? cohort.length : this.#members
      this.#members = link.members.length
      const loss = this.#privacy === null ? `, mean training loss ${meanLoss.toFixed(2)}` : ''
      this.line(
        `round ${link.round + 1} of ${this.#rounds} done: ${survivors.length} of ${could} in the sum${loss}, ` +
          `state ${toHex(stateHash).slice(0, 12)}; ${cost}${this.#spent(link.epsilonSpent)}`
      )
    } else if (kind === 'reconfiguration') {
      this.line(`the author has set new members: ${link.members.length}`)
    } else {
      const what = kind === 'abort' ? 'was given up' : 'is lost'
      const why = isGiveUpReason(link.reason) ? `: ${giveUpWords[link.reason]}` : ''
      const where = `round ${link.round + 1}, attempt ${link.attempt + 1}`
      this.line(
        `${where}, ${what}${why}; the adapter stays as it was; ${cost}${this.#spent(link.epsilonSpent)}`
      )
    }
    for (const { peer, redemption } of link.admissions)
      this.line(`${this.#name(peer)} comes in ${invitationWords(redemption?.invitation)}`)
    for (const order of ordersOf(link)) this.line(`by order of the author: ${orderWords(order)}`)
    for (const { peer, kind: reason } of link.expulsions)
      this.line(`${this.#name(peer)} is expelled for ${reason}; ${link.members.length} members are left`)
  }

  #placeOf(file: string): string {
    return this.#dir === '' ? file : join(this.#dir, file)
  }

  #spent(epsilon: number): string {
    if (this.#privacy === null) return ''
    return `; privacy spent: ${spentText({ epsilon, delta: this.#privacy.delta })}`
  }

  #name(peer: string): string {
    return peer === this.#self ? 'this peer' : shortPeer(peer)
  }

  #names(peers: readonly string[]): string {
    const others = peers.filter(peer => peer !== this.#self)
    return [...(others.length < peers.length ? ['this peer'] : []), peerList(others)].join(' ')
  }
}

/** What keeps a peer from taking part, and what to do. */
export function diskFullWords({ message, freeBytes, neededBytes }: DiskFull, dir: string): string {
  const free = freeBytes === null ? '' : `, and ${bytesText(freeBytes)} are free`
  return (
    `paused, as the disk is full: ${message}\n  ${dir} needs ${bytesText(neededBytes)}${free}. Delete something else on that ` +
    'disk; this peer then goes on by itself, and says nothing to the others until then'
  )
}

function invitationWords(invitation: Invitation | undefined): string {
  const label = invitation?.label ?? ''
  const id = toHex(invitation?.id ?? new Uint8Array()).slice(0, 12)
  return `by invitation ${id}${label === '' ? '' : ` "${label}"`}`
}

function admittedOf({ peer, redemption }: Admission): object {
  const { id = new Uint8Array(), label = '' } = redemption?.invitation ?? {}
  return { peer, invitation: toHex(id), label }
}

/** What a link that was checked carries out. */
function ordersOf({ orders }: LinkBody): AuthorOrder[] {
  return orders.map(({ payload }) => {
    const { kind, invitation } = Order.decode(payload)
    return kind === 'revoke' ? { kind, invitation: toHex(invitation) } : { kind: kind as 'pause' | 'end' }
  })
}

function orderWords(order: AuthorOrder): string {
  if (order.kind === 'revoke') return `invitation ${order.invitation.slice(0, 12)} is revoked`
  return order.kind === 'pause' ? 'the run is paused' : 'the run ends'
}

/** What a cohort of a larger network has come to. */
function cohortSumWords(notice: Notice & { notice: 'cohort-sum' }): string {
  const { level, index, kind, survivors, children, ofChildren } = notice
  const which = level === 0 ? `cohort ${index + 1}` : `parent cohort ${index + 1} of level ${level}`
  if (kind === 'abort') return `${which} has given up: it is left out of this round`
  if (kind === 'lost') return `${which} has come to no sum: it is left out of this round`
  const of = level === 0 ? '' : `, of ${children} of ${ofChildren} cohorts`
  return `${which} has certified its sum of ${survivors} inputs${of}`
}

/** An event as one JSON object: hashes in hexadecimal, and of a link what a program asks for. Null if another says it. */
export function jsonOf(event: PeerEvent): { event: string; [field: string]: unknown } | null {
  switch (event.type) {
    case 'notice': {
      const { type: _, notice, ...fields } = event
      // The peer's own event of the link has what it cost too.
      if (notice === 'paused') {
        const { pause, missing } = event
        return { event: 'paused', ...pause, missing, words: pauseWords(pause, missing) }
      }
      return notice === 'link' ? null : { event: notice, ...fields }
    }
    case 'link': {
      const { kind, link, tip, bytes } = event
      const { height, round, attempt, survivors, cohort, members, meanLoss, completedRounds, reason } = link
      const { epsilonSpent } = link
      const isNoised = tip.privacy !== null
      return {
        event: 'link',
        kind,
        height,
        round,
        attempt,
        cohort,
        survivors: survivors.map(({ peer }) => peer),
        members,
        expelled: link.expulsions.map(({ peer, kind, evidenceHash }) => ({
          peer,
          kind,
          evidenceSha256: toHex(evidenceHash)
        })),
        ...(link.admissions.length === 0 ? {} : { admitted: link.admissions.map(admittedOf) }),
        ...(link.orders.length === 0 ? {} : { orders: ordersOf(link) }),
        ...(reason === '' ? {} : { reason }),
        // Published by no round with noise.
        meanLoss: isNoised ? null : meanLoss,
        completedRounds,
        ...(isNoised ? { epsilonSpent } : {}),
        linkSha256: toHex(tip.linkHash),
        stateSha256: toHex(link.stateHash),
        // Of the next round: with the members it gives the aggregator and the order of its stand-ins.
        beacon: toHex(tip.beacon),
        bytes
      }
    }
    case 'founded':
    case 'caught-up': {
      const { type, tip, ...fields } = event
      const { height, round, attempt, members, completedRounds, linkHash, stateHash, beacon } = tip
      const hashes = { linkSha256: toHex(linkHash), stateSha256: toHex(stateHash), beacon: toHex(beacon) }
      const spent = tip.privacy === null ? {} : { epsilonSpent: tip.privacy.epsilon }
      return { event: type, ...fields, height, round, attempt, members, completedRounds, ...spent, ...hashes }
    }
    case 'error':
      return { event: 'failed', message: event.error.message }
    case 'finished': {
      const { completedRounds, stateHash, end, privacySpent } = event.result
      return { event: 'finished', completedRounds, stateSha256: toHex(stateHash), end, privacySpent }
    }
    default: {
      const { type, ...fields } = event
      return { event: type, ...fields }
    }
  }
}
