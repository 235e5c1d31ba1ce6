/** A defence switched off: one change of one source file, and the test that must fail then. */
export interface Mutation {
  /** Unique; what `--only` takes. */
  readonly name: string
  /** Number of the attack in test/attacks/README.md. */
  readonly attack: number
  /** The source file, from the root of the project. */
  readonly file: string
  /** Exact text that occurs once in it. */
  readonly find: string
  readonly replace: string
  /** The test file that must fail. */
  readonly test: string
  /** Part of the titles of the tests to run, if not all of them; plain text. */
  readonly grep?: string
}

/** How many times the text to replace occurs: anything but one, and the mutation does not apply. */
export function occurrences(text: string, find: string): number {
  return find === '' ? 0 : text.split(find).length - 1
}

/** Mutations of one source file. */
export function ofFile(file: string, entries: ReadonlyArray<Omit<Mutation, 'file'>>): Mutation[] {
  return entries.map(entry => ({ ...entry, file }))
}

/** The file of an attack's test. */
export function attackTest(name: string): string {
  return `test/attacks/${name}.test.ts`
}
