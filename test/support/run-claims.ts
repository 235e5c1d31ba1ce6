import { expect } from 'chai'
import type { Program, ProgramEvent } from './program.ts'

export function idOf(program: Program): string {
  return String(program.named('listening')[0]!['peer'])
}

/** Of the last link that it told of; null before the first. */
export function heightOf(program: Program): number | null {
  const told = program.events.findLast(({ event }) => event === 'link' || event === 'caught-up')
  return told === undefined ? null : Number(told['height'])
}

/** Nothing has forked: whatever processes there were, all that saw a link at a height saw the same one. */
export function expectOneChain(programs: readonly Program[]): void {
  const byHeight = new Map<number, Map<unknown, string[]>>()
  for (const program of programs) {
    for (const { height, linkSha256 } of [...program.named('link'), ...program.named('caught-up')]) {
      const seen = byHeight.get(Number(height)) ?? new Map<unknown, string[]>()
      seen.set(linkSha256, [...(seen.get(linkSha256) ?? []), program.name])
      byHeight.set(Number(height), seen)
    }
  }
  expect(byHeight.size, 'links seen').to.be.above(0)
  for (const [height, seen] of byHeight) {
    expect(Object.fromEntries(seen), `links at height ${height}`).to.satisfy(() => seen.size === 1)
  }
}

/**
 * Every round up to `rounds` has its result, in one link; every other link says why it is none.
 * @returns what those other links say
 */
export function expectEveryRound(programs: readonly Program[], rounds: number): string[] {
  const links = new Map<number, ProgramEvent>()
  for (const link of programs.flatMap(program => program.named('link')))
    links.set(Number(link['height']), link)
  const inOrder = [...links].sort(([a], [b]) => a - b)
  expect(inOrder.map(([height]) => height)).to.deep.equal(inOrder.map((_, i) => i + 1))
  const results = inOrder.filter(([, { kind }]) => kind === 'result').map(([, { round }]) => round)
  expect(results).to.deep.equal(Array.from({ length: rounds }, (_, i) => i))
  const others = inOrder.map(([, link]) => link).filter(({ kind }) => kind !== 'result')
  return others.map(({ kind, round, attempt, reason }) => {
    expect(reason, `why round ${round} was restarted after attempt ${attempt}`)
      .to.be.a('string')
      .and.not.equal('')
    return `round ${round}, attempt ${attempt}: ${kind}, ${reason}`
  })
}

/** No link has expelled anyone. */
export function expectNobodyExpelled(programs: readonly Program[]): void {
  const expelled = programs
    .flatMap(program => program.named('link'))
    .flatMap(link => link['expelled'] as object[])
  expect(expelled).to.deep.equal([])
}

/** All have come to the end, with one adapter: one state, one last link. @returns what the first told of it */
export async function untilOneEnd(programs: readonly Program[], rounds: number): Promise<ProgramEvent> {
  const ends = await Promise.all(programs.map(program => program.waitFor('done')))
  const [first] = ends as [ProgramEvent]
  for (const end of ends) {
    expect(end).to.include({ completedRounds: rounds })
    expect(end['stateSha256']).to.equal(first['stateSha256'])
    expect(end['linkSha256']).to.equal(first['linkSha256'])
  }
  expectOneChain(programs)
  return first
}

/** Resolves once every one of them has a link of at least that height: its own, or pulled from others. */
export async function untilHeight(programs: readonly Program[], height: number): Promise<ProgramEvent[]> {
  const isThere = (event: ProgramEvent): boolean => Number(event['height']) >= height
  return Promise.all(
    programs.map(program =>
      Promise.race(['link', 'caught-up'].map(name => program.waitFor(name, {}, isThere)))
    )
  )
}

/** Resolves once a program says that it waits, for these peers and no other. */
export async function untilWaitingFor(
  program: Program,
  need: number,
  others: readonly Program[]
): Promise<void> {
  const ids = others.map(idOf).sort()
  await program.waitFor('waiting', { need }, ({ missing }) => {
    const named = [...(missing as string[])].sort()
    return named.length === ids.length && named.every((id, i) => id === ids[i])
  })
}
