import { testBackends } from '../../support/test-backends.ts'
import { describeLeaks } from './leaks-suite.ts'

describe('a long training', () => {
  for (const name of testBackends) {
    // All kinds take 500 steps, also in plain JavaScript, in the slow suite.
    describeLeaks(name, ['lora'], name === 'cpu' ? 40 : 500)
    if (name !== 'cpu') describeLeaks(name, ['houlsby', 'pfeiffer', 'prefix'], 60)
  }
})
