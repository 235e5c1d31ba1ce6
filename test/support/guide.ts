/** A guide for people as a program reads it: what is typed on which machine, what is seen there, what is carried over. */

export interface TypedBlock {
  readonly kind: 'type'
  readonly machines: readonly string[]
  readonly script: string
  /** What is seen may take a while, and the reader looks again. */
  readonly again: boolean
  readonly line: number
}

export interface SeenBlock {
  readonly kind: 'see'
  /** Empty: where the last block was typed, on the terminal. */
  readonly machines: readonly string[]
  /** Or in this file there. */
  readonly file: string | null
  /** In this order, with others between them; `…` stands for anything within a line. */
  readonly lines: readonly string[]
  readonly line: number
}

export interface CarriedFile {
  readonly kind: 'carry'
  readonly file: string
  readonly from: string
  readonly to: readonly string[]
  readonly line: number
}

export type GuideStep = TypedBlock | SeenBlock | CarriedFile

const CARRY = /^- Carry `([^`]+)` from `([^`]+)` to ((?:`[^`]+`(?:, )?)+)/
const FENCE = /^```(.*)$/

/** @throws Error with the line of what cannot be read: nothing of a guide is passed over */
export function guideSteps(markdown: string): GuideStep[] {
  const lines = markdown.split('\n')
  const steps: GuideStep[] = []
  for (let i = 0; i < lines.length; i++) {
    const line = i + 1
    const carried = CARRY.exec(lines[i]!)
    if (carried !== null) {
      const to = [...carried[3]!.matchAll(/`([^`]+)`/g)].map(match => match[1]!)
      steps.push({ kind: 'carry', file: carried[1]!, from: carried[2]!, to, line })
      continue
    }
    const info = FENCE.exec(lines[i]!)?.[1]
    if (info === undefined) continue
    const end = lines.indexOf('```', i + 1)
    if (end < 0) throw new Error(`line ${line}: a block that does not end`)
    steps.push(blockOf(info.split(' '), lines.slice(i + 1, end), line))
    i = end
  }
  return steps
}

function blockOf([language, ...words]: string[], body: string[], line: number): GuideStep {
  const isMachine = (word: string): boolean => /^(?:bootstrap|hospital-\d)$/.test(word)
  const machines = words.filter(isMachine)
  const others = words.filter(word => !isMachine(word))
  if (language === 'sh' && machines.length > 0 && others.every(word => word === 'again')) {
    return { kind: 'type', machines, script: body.join('\n'), again: others.length > 0, line }
  }
  if (language === 'text' && others.length === (machines.length > 0 ? 1 : 0)) {
    return { kind: 'see', machines, file: others[0] ?? null, lines: body, line }
  }
  throw new Error(`line ${line}: a block of which nobody can tell where it is typed or seen`)
}

/** What stands in the first column of the table under `What you put in the place of:`. */
export function placeholders(markdown: string): string[] {
  const table = /^\| here \| yours \|\n.*\n((?:\|.*\n)+)/m.exec(markdown)?.[1] ?? ''
  return table
    .split('\n')
    .flatMap(row => [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(at => at[1]!))
}

/** Every `fedpeft-node …` of a script, as words; quotes keep words together, and what the shell would put in stays as it is. */
export function nodeCommands(script: string): string[][] {
  const whole = script.replaceAll('\\\n', ' ')
  return [...whole.matchAll(/\bfedpeft-node ((?:"[^"]*"|[^;&|>\n"])*)/g)].map(match =>
    [...match[1]!.matchAll(/"([^"]*)"|(\S+)/g)].map(word => word[1] ?? word[2]!)
  )
}

/** Whether a text has these lines, in this order. @returns null, or the first that is not there */
export function firstUnseen(lines: readonly string[], text: string): string | null {
  const seen = text.split('\n').map(each => each.trim())
  let from = 0
  for (const wanted of lines) {
    const pattern = new RegExp(`^${wanted.trim().split('…').map(escaped).join('.*')}$`)
    const at = seen.findIndex((each, i) => i >= from && pattern.test(each))
    if (at < 0) return wanted
    from = at + 1
  }
  return null
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
