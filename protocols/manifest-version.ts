/** Versions of the manifest's format: who takes part with whom, and which fields a version has. */

import { ATTEMPTS_DEFAULT, FAN_IN_MAX } from './limits.ts'

/** The format that this version writes. One minor version apart takes part, any other does not. */
export const MANIFEST_VERSION = '1.1'

/** The command that fixes a version mismatch, named in the message. */
export const UPGRADE_COMMAND = 'npm install fedpeft@latest'

interface LaterField {
  readonly path: readonly [section: string, field: string]
  readonly since: string
  /** What goes without saying in an earlier manifest. */
  readonly before: unknown
}

const later = (since: string, section: string, fields: Readonly<Record<string, unknown>>): LaterField[] =>
  Object.entries(fields).map(([field, before]) => ({ path: [section, field], since, before }))

/** Fields that a version before the present one does not have. */
const laterThanFirst: readonly LaterField[] = [
  ...later('1.1', 'cohort', { attempts: ATTEMPTS_DEFAULT }),
  ...later('1.1', 'adapter', { rankStabilized: false, dropout: 0 }),
  ...later('1.1', 'training', {
    stepSchedule: 'constant',
    warmupSteps: 0,
    optimizer: 'adamw',
    momentum: 0.9,
    proximalMu: 0
  }),
  ...later('1.1', 'cohort', { larger: 'draw', fanIn: FAN_IN_MAX }),
  ...later('1.1', 'secureSum', { randomK: 1 })
]

/** Fields that every version has, and values of them that an earlier one has no words for. */
const wider: ReadonlyArray<Omit<LaterField, 'before'> & { hasWordsFor(value: unknown): boolean }> = [
  { path: ['adapter', 'kind'], since: '1.1', hasWordsFor: kind => kind === 'lora' },
  { path: ['secureSum', 'ringBits'], since: '1.1', hasWordsFor: bits => bits !== 20 },
  { path: ['secureSum', 'verifiers'], since: '1.1', hasWordsFor: verifiers => verifiers === 'everyone' },
  { path: ['privacy', 'mechanism'], since: '1.1', hasWordsFor: mechanism => mechanism === 'none' },
  { path: ['admission', 'kind'], since: '1.1', hasWordsFor: kind => kind !== 'invitation' }
]

/** Fields whose default was another one before. */
const formerDefaults: readonly LaterField[] = later('1.1', 'secureSum', { verifiers: 'everyone' })

type Sections = Readonly<Record<string, unknown>>

/**
 * The manifest with the fields that its version has: older programs, which know no others, encode it to the same bytes.
 * @param manifest - whole, without `laterFields`
 */
export function asWrittenIn(version: string, manifest: object): object {
  const written: Record<string, unknown> = { ...manifest }
  for (const { path, since } of laterThanFirst) {
    if (minorOf(version) >= minorOf(since)) continue
    const [section, field] = path
    const { [field]: _, ...rest } = written[section] as Record<string, unknown>
    written[section] = rest
  }
  return written
}

/**
 * What a person wrote, with the defaults of its own version where the present one has others.
 * @param given - unchecked
 */
export function withFormerDefaults(given: unknown): unknown {
  const version = (given as { formatVersion?: unknown } | null)?.formatVersion
  if (partsOf(version) === null) return given
  return formerDefaults.reduce((manifest, { path: [section, field], since, before }) => {
    const { [section]: written = {} } = manifest as Record<string, unknown>
    const isLeftOut = typeof written === 'object' && written !== null && !(field in written)
    if (!isLeftOut || minorOf(String(version)) >= minorOf(since)) return manifest
    return { ...(manifest as object), [section]: { ...written, [field]: before } }
  }, given)
}

/** What a manifest says that its version has no words for. */
export function laterFields(
  version: string,
  manifest: object
): Array<{ readonly path: string; readonly got: unknown; readonly since: string }> {
  const sections = manifest as Sections
  const got = ([section, field]: LaterField['path']): unknown => (sections[section] as Sections)[field]
  const isEarlier = ({ since }: { readonly since: string }): boolean => minorOf(version) < minorOf(since)
  const fields = laterThanFirst.filter(
    later => isEarlier(later) && got(later.path) !== undefined && got(later.path) !== later.before
  )
  const values = wider.filter(later => isEarlier(later) && !later.hasWordsFor(got(later.path)))
  return [...fields, ...values].map(({ path, since }) => ({ path: path.join('.'), got: got(path), since }))
}

/**
 * Why a manifest of this version is refused, or null if we take part.
 * @param version - as given; undefined is the present one
 */
export function versionFault(
  version: unknown
): { readonly isForm: boolean; readonly message: string } | null {
  if (version === undefined) return null
  const parts = partsOf(version)
  // YAML reads an unquoted 1.0 as the number 1.
  if (parts === null) return { isForm: true, message: `a version in quotes, such as "${MANIFEST_VERSION}"` }
  const [major, minor] = partsOf(MANIFEST_VERSION)!
  if (parts[0] === major && Math.abs(parts[1] - minor) <= 1) return null
  const message =
    `the manifest has format version ${version}, this fedpeft-node takes part in ${major}.${Math.max(0, minor - 1)} to ` +
    `${major}.${minor + 1}: everyone in the run needs the same version (${UPGRADE_COMMAND})`
  return { isForm: false, message }
}

/** True of a version that has what a format brought. */
export function hasFormat(version: string, format: string): boolean {
  return minorOf(version) >= minorOf(format)
}

/** Whether a version that we take part in is later than ours. */
export function isNewer(version: unknown): boolean {
  return partsOf(version) !== null && minorOf(String(version)) > minorOf(MANIFEST_VERSION)
}

function minorOf(version: string): number {
  return partsOf(version)![1]
}

function partsOf(version: unknown): [major: number, minor: number] | null {
  const parts = typeof version === 'string' ? /^(\d{1,4})\.(\d{1,4})$/.exec(version) : null
  return parts === null ? null : [Number(parts[1]), Number(parts[2])]
}
