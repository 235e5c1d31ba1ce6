/** Skips a test, or all of a `describe` from its `before`, and says why: what is skipped without a word is not missed. */
export function skipBecause(context: Mocha.Context, reason: string): never {
  console.log(`      SKIPPED: ${reason}`)
  return context.skip()
}
