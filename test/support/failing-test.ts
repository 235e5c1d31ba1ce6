/** No test of ours: what a broken checkout looks like to `npm run test:mutations`. */
describe('a test', () => {
  it('fails, for the tests of mutations', () => {
    throw new Error('as it should')
  })
})
