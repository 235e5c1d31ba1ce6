import { describeGolden } from './golden-suite.ts'

describeGolden('cpu', true)
