/** The major version that all our protocol ids end with, and what is said to a peer that speaks another. */
import { UPGRADE_COMMAND } from './manifest-version.ts'

export const PROTOCOL_MAJOR = 1

/**
 * The major version that a peer speaks instead of ours.
 * @param protocols - ids that it says it speaks
 * @returns null if it speaks ours, or none of fedpeft's
 */
export function otherMajorOf(protocols: readonly string[]): number | null {
  const majors = protocols.flatMap(id => {
    const [, major] = /^\/fedpeft\/[a-z]{1,32}\/(\d{1,4})$/.exec(id) ?? []
    return major === undefined ? [] : [Number(major)]
  })
  return majors.length === 0 || majors.includes(PROTOCOL_MAJOR) ? null : Math.max(...majors)
}

/** As the end of a sentence that begins with the peer. */
export function otherMajorWords(theirs: number): string {
  const where = theirs > PROTOCOL_MAJOR ? 'upgrade this one' : 'that one must be upgraded'
  return (
    `it speaks version ${theirs} of fedpeft's protocols and this fedpeft-node version ${PROTOCOL_MAJOR}, so ${where} ` +
    `(${UPGRADE_COMMAND})`
  )
}
