/** Parsers of flag values: commander turns what they throw into wrong usage that names the flag and the value. */
import { type Command, InvalidArgumentError } from 'commander'
import { COHORT_MAX, VERIFIERS_MIN } from '../../protocols/limits.ts'

export function wholeNumber(min: number, max: number): (text: string) => number {
  return text => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return value
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`)
  }
}

export function number(min: number, max: number): (text: string) => number {
  return text => {
    const value = text.trim() === '' ? Number.NaN : Number(text)
    if (value >= min && value <= max) return value
    throw new InvalidArgumentError(`It must be a number from ${min} to ${max}.`)
  }
}

/** Who re-adds the sum: `everyone`, or the size of the committee. */
export function verifiers(text: string): number | 'everyone' {
  if (text === 'everyone') return text
  try {
    return wholeNumber(VERIFIERS_MIN, COHORT_MAX)(text)
  } catch {
    throw new InvalidArgumentError(
      `It must be everyone, or a whole number from ${VERIFIERS_MIN} to ${COHORT_MAX}.`
    )
  }
}

/** For a flag that may be repeated. */
export function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value]
}

/** Adds the examples that every command's help ends with: pairs of a command line and what it does. */
export function withExamples(
  command: Command,
  examples: ReadonlyArray<readonly [line: string, does: string]>
): Command {
  const lines = examples.map(([line, does]) => `  $ ${line}\n      ${does}`)
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`)
}
