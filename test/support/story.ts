/**
 * Makes the tests of a `describe` the chapters of one story: after one has failed the others are skipped, as they
 * stand where it should have ended.
 * @param end - called at once after the failure
 */
export function tellsOneStory(end: () => Promise<void>): void {
  let isOver = false
  beforeEach(function () {
    if (isOver) this.skip()
  })
  afterEach(async function () {
    if (!this.currentTest?.isFailed()) return
    isOver = true
    await end()
  })
}
