/** What computes, as every command that trains or generates asks for it and tells of it. */
import { Option } from 'commander'
import { backendNames } from '../backend/backend.ts'
import type { BackendRequest } from '../platform/open-backend.ts'
import type { BackendReport } from '../platform/trainer-messages.ts'
import type { Output } from './output.ts'

/** The flags. */
export interface BackendOptions {
  readonly backend: BackendRequest['name']
  /** One per core by default. */
  readonly threads?: number
}

export function backendOption(): Option {
  return new Option('--backend <name>', 'what computes; auto takes the fastest that is here, see `doctor`')
    .choices(['auto', ...backendNames])
    .default('auto')
}

/** What is asked for of the backend by the flags. */
export function backendRequest({ backend: name, threads }: BackendOptions): BackendRequest {
  return { name, ...(threads === undefined ? {} : { threads }) }
}

export function tellBackend({ name, description, notes }: BackendReport, output: Output): void {
  output.say(`backend ${name}: ${description}`)
  // Plain JavaScript is some fifty times slower than the next: everybody wants to know why it is taken.
  for (const note of notes) {
    if (name === 'cpu') output.warn(note)
    else output.note(note)
  }
}
