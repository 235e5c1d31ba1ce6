import { admissionMutations } from './admission-mutations.ts'
import { agreementMutations } from './agreement-mutations.ts'
import { blameMutations } from './blame-mutations.ts'
import { erasureMutations } from './erasure-mutations.ts'
import { inputMutations } from './input-mutations.ts'
import { keyMutations } from './key-mutations.ts'
import { maskMutations } from './mask-mutations.ts'
import type { Mutation } from './mutation.ts'
import { releaseMutations } from './release-mutations.ts'
import { standingDownMutations } from './standing-down-mutations.ts'
import { treeMutations } from './tree-mutations.ts'
import { wordMutations } from './word-mutations.ts'

/** Every defence that is switched off by `npm run test:mutations`. */
export const mutations: readonly Mutation[] = [
  ...releaseMutations,
  ...agreementMutations,
  ...inputMutations,
  ...blameMutations,
  ...wordMutations,
  ...keyMutations,
  ...maskMutations,
  ...erasureMutations,
  ...treeMutations,
  ...admissionMutations,
  ...standingDownMutations
]
