/** Defences of admission: who gets in, and what the author may order. */
import { attackTest, type Mutation, ofFile } from './mutation.ts'

export const admissionMutations: readonly Mutation[] = [
  ...ofFile('node/round/newcomers.ts', [
    {
      name: 'anything brings a newcomer in',
      attack: 8,
      find: 'if (registers(tip, message) === null) return null\n    newcomers.push(message)',
      replace: 'newcomers.push(message)',
      test: attackTest('censored-header')
    }
  ])
]
