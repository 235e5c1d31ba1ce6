/** Renaming the two survivor sets: what may happen does not depend on which of them is called A. */
import { type AgreementState, copyAgreement } from '../../node/round/agreement.ts'
import type { VoteKind } from '../../protocols/certificate.ts'
import { toHex } from '../../protocols/hex.ts'
import { Certificate } from '../../protocols/messages.js'
import { type Member, withWords } from './member.ts'
import {
  type AgreementSubject,
  certificateOf,
  decisionOf,
  hashOf,
  type Lock,
  type Value,
  valueNamed
} from './words.ts'

const swapped: Partial<Record<Value, Value>> = { A: 'B', B: 'A' }
const swap = (value: Value): Value => swapped[value] ?? value

/** The member as it were if the two survivor sets had each other's names. */
export function withValuesSwapped(member: Member, subject: AgreementSubject): Member {
  const swapHash = (hash: string) => toHex(hashOf(swap(valueNamed(hash))))
  const swapMap = (votes: ReadonlyMap<number, string>) =>
    new Map([...votes].map(([view, hash]) => [view, swapHash(hash)]))
  const swapLock = (lock: Lock | null) => (lock === null ? null : { ...lock, value: swap(lock.value) })
  const { agreement } = member
  const swapCertified = (certified: AgreementState['lock']): AgreementState['lock'] => {
    if (certified === null) return null
    const { kind, view, valueHash } = certified.certificate
    const value = swap(valueNamed(valueHash))
    return {
      certificate: certificateOf(subject, kind as VoteKind, { view, value }, []),
      decision: decisionOf(value)
    }
  }
  return {
    ...member,
    agreement: {
      ...copyAgreement(agreement),
      prepared: swapMap(agreement.prepared),
      committed: swapMap(agreement.committed),
      lock: swapCertified(agreement.lock),
      decided: swapCertified(agreement.decided)
    },
    journal: member.journal.map(entry => {
      if (entry.kind === 'release')
        return { ...entry, survivorsHash: hashOf(swap(valueNamed(entry.survivorsHash))) }
      if (entry.kind !== 'vote') return entry
      const valueHash = hashOf(swap(valueNamed(entry.valueHash)))
      if (entry.lock === undefined) return { ...entry, valueHash }
      const of = Certificate.decode(entry.lock.certificate)
      const value = swap(valueNamed(of.valueHash))
      const certificate = Certificate.encode(certificateOf(subject, 'prepare', { view: of.view, value }, []))
      return { ...entry, valueHash, lock: { certificate, decision: decisionOf(value) } }
    }),
    said: withWords(
      new Map(),
      [...member.said.values()].map(word => {
        if (word.type === 'new-view') return { ...word, lock: swapLock(word.lock) }
        return { ...word, value: swap(word.value) }
      })
    ),
    survivors: member.survivors === null ? null : swap(member.survivors),
    releases: member.releases.map(swap)
  }
}
