/** What a person got wrong on the command line of a bench. */
export class UsageError extends Error {}

/** Runs a bench. Wrong usage is told with how it is meant, exit code 2. */
export async function runBench(main: () => Promise<void>, usage: string): Promise<void> {
  try {
    await main()
  } catch (error) {
    const code = (error as { code?: unknown }).code
    const isUsage = error instanceof UsageError || String(code).startsWith('ERR_PARSE_ARGS')
    if (!isUsage) throw error
    console.error(`${(error as Error).message}\n\n${usage}`)
    process.exitCode = 2
  }
}
