/** The scenario that a command line asks for: a file or a name, and flags over it. */
import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { parseScenario, type Scenario, type ScenarioFields } from '../../../sim/scenario.ts'
import { privacyFields } from '../privacy-options.ts'
import { UserError } from '../user-error.ts'
import type { SimOptions } from './sim-options.ts'

/** @throws UserError; SimError BAD_SCENARIO */
export async function scenarioOf(name: string, options: SimOptions): Promise<Scenario> {
  const fields = name === 'presidents' ? {} : await readScenarioFile(name)
  return parseScenario(withFlags(fields, options))
}

async function readScenarioFile(path: string): Promise<ScenarioFields> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    const message = `${path}: neither a scenario's name ("presidents") nor a file that can be read (${(cause as Error).message})`
    throw new UserError(message, 2, { cause })
  }
  try {
    const fields: unknown = parse(text)
    if (typeof fields === 'object' && fields !== null && !Array.isArray(fields))
      return fields as ScenarioFields
  } catch (cause) {
    throw new UserError(`${path}: not YAML: ${(cause as Error).message}`, 2, { cause })
  }
  throw new UserError(
    `${path}: not a scenario: it has no named fields (peers, rounds, model, data, manifest, …)`,
    2
  )
}

function withFlags(fields: ScenarioFields, options: SimOptions): ScenarioFields {
  const { peers, rounds, model, data, seed, strategy, steps, learningRate } = options
  const manifest = { ...fields.manifest }
  const training = {
    ...(manifest['training'] as object | undefined),
    ...(steps === undefined ? {} : { steps }),
    ...(learningRate === undefined ? {} : { learningRate })
  }
  if (Object.keys(training).length > 0) manifest['training'] = training
  if (options.adapter !== undefined)
    manifest['adapter'] = { ...(manifest['adapter'] as object | undefined), kind: options.adapter }
  if (strategy !== undefined) manifest['strategy'] = strategy
  for (const [section, values] of Object.entries(privacyFields(options))) {
    manifest[section] = { ...(manifest[section] as object | undefined), ...values }
  }
  if (options.verifiers !== undefined)
    manifest['secureSum'] = { ...(manifest['secureSum'] as object | undefined), verifiers: options.verifiers }
  if (options.cohort !== undefined || options.fanIn !== undefined) {
    manifest['cohort'] = {
      ...(manifest['cohort'] as object | undefined),
      larger: 'tree',
      ...(options.cohort === undefined ? {} : { size: options.cohort }),
      ...(options.fanIn === undefined ? {} : { fanIn: options.fanIn })
    }
  }
  if (options.allowThree === true) {
    manifest['cohort'] = { ...(manifest['cohort'] as object | undefined), allowThree: true }
  }
  return {
    ...fields,
    manifest,
    ...(peers === undefined ? {} : { peers }),
    ...(rounds === undefined ? {} : { rounds }),
    ...(model === undefined ? {} : { model }),
    ...(data === undefined ? {} : { data }),
    ...(seed === undefined ? {} : { seed }),
    ...(options.baselines ? {} : { baselines: { ...fields.baselines, run: false } })
  }
}
