import Mocha from 'mocha'

/**
 * Runs test files in this process.
 * @returns how many tests passed, failed and were skipped
 */
export async function runFiles(files, grep) {
  const mocha = new Mocha({
    timeout: 60_000,
    forbidOnly: Boolean(process.env.CI),
    reporter: 'spec',
    ...(grep ? { grep } : {})
  })
  for (const file of files) mocha.addFile(file)
  await mocha.loadFilesAsync()
  const counts = { passed: 0, failed: 0, skipped: 0 }
  const runner = mocha.run()
  await new Promise(resolve => {
    runner
      .on('pass', () => counts.passed++)
      .on('fail', () => counts.failed++)
      .on('pending', () => counts.skipped++)
      .on('end', resolve)
  })
  // Each runner hands unhandled rejections on to all other listeners: a hundred that stayed would do so for ever.
  runner.dispose()
  return counts
}

/** A handle left open would hang CI: say so instead of hiding it behind a forced exit. */
export function refuseToHang(failed) {
  setTimeout(() => {
    console.error('a test left a handle open:', process.getActiveResourcesInfo().join(', '))
    process.exit(failed > 0 ? 1 : 3)
  }, 20_000).unref()
  process.exitCode = failed > 0 ? 1 : 0
}
