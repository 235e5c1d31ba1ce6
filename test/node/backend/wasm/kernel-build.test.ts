import { itIsBuiltFromSource } from '../../../support/kernel-build.ts'

// The other one, of the same sources, is among the slow tests: each takes two seconds.
describe('the compiled kernels that are committed', () => itIsBuiltFromSource('relaxed'))
