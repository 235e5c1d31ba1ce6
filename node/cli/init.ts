/** Writing and signing run manifests. */
import { basename, dirname, resolve } from 'node:path'
import type { AdapterLayout } from '../../aggregation/adapter-layout.ts'
import { toHex } from '../../protocols/hex.ts'
import { COHORT_MAX } from '../../protocols/limits.ts'
import { peerIdOf } from '../../protocols/peer-id.ts'
import type { Files } from '../../protocols/ports.ts'
import { parseManifest, type RunManifest, runId } from '../../protocols/run-manifest.ts'
import { signManifest } from '../../protocols/signed-manifest.ts'
import { adapterOf } from '../peft/adapter-of.ts'
import { openIdentity } from '../platform/identity.ts'
import { nodeCrypto } from '../platform/node-crypto.ts'
import { nodeFiles } from '../platform/node-files.ts'
import { passphrasesHere } from '../platform/passphrase.ts'
import type { CommandHost } from './host.ts'
import { readManifestDocument } from './manifest-file.ts'
import { manifestYaml } from './manifest-yaml.ts'
import { openBaseModel } from './open-trainer.ts'
import type { Output } from './output.ts'
import { runPrivacyOf } from './privacy/run-privacy.ts'
import {
  asksForNoise,
  type PrivacyFlags,
  privacyFields,
  tellRunPrivacy,
  withLeastNoise
} from './privacy-options.ts'
import { resolveModel } from './resolve-model.ts'
import { UserError } from './user-error.ts'

/** The flags of the command. */
export interface InitOptions extends PrivacyFlags {
  readonly dir: string
  readonly passphraseFile?: string
  readonly sign?: string
  readonly force?: boolean
  readonly name?: string
  readonly model?: string
  readonly rounds?: number
  readonly founders?: number
  readonly allowThree?: boolean
  readonly cohort?: number
  readonly strategy?: string
  readonly adapter?: 'lora' | 'bottleneck' | 'prefix'
  readonly rank?: number
  readonly steps?: number
  readonly verifiers?: number | 'everyone'
  readonly admission?: 'open' | 'list' | 'invitation'
  readonly peer?: readonly string[]
}

/** Stands in the manifest while its other fields are checked, before the model is read. */
const digestUnknown = '0'.repeat(64)

/** @throws UserError if the file is there already; ProtocolError, ModelError, FilesError */
export async function writeManifest(file: string, options: InitOptions, host: CommandHost): Promise<void> {
  const { files, name } = beside(file)
  if (!options.force && (await files.size(name)) !== null) {
    throw new UserError(`${file}: is there already. Choose another name, or overwrite it with --force.`, 2)
  }
  const signer = await openIdentity(options.dir, passphrasesHere(options.passphraseFile, host.signal))
  const author = peerIdOf(signer.publicKey)
  const draft = parseManifest(draftOf(options, author))
  const { manifest, layout } = await withBaseModel(draft, host, asksForNoise(options))
  const { signature } = signManifest(manifest, signer)
  await files.write(name, new TextEncoder().encode(manifestYaml(manifest, toHex(signature))))
  report(file, manifest, layout, 'wrote', host.output)
}

/** @throws UserError naming the line of what is wrong; ModelError, FilesError */
export async function signAgain(file: string, options: InitOptions, host: CommandHost): Promise<void> {
  const { files, name } = beside(file)
  const { document, fields, explain } = await readManifestDocument(files, name, file)
  const signer = await openIdentity(options.dir, passphrasesHere(options.passphraseFile, host.signal))
  const author = peerIdOf(signer.publicKey)
  if (fields['author'] !== undefined && fields['author'] !== author) {
    host.output.warn(
      `${file}: the author was ${fields['author']} and is now this identity, ${author}: another run`
    )
  }
  const model = fields['model'] ?? {}
  const isSection = typeof model === 'object' && !Array.isArray(model)
  const draft = checked({ ...fields, author, model: isSection ? { ...model, sha256: digestUnknown } : model })
  const { manifest, layout } = await withBaseModel(draft, host, false)
  const { signature } = signManifest(manifest, signer)
  document.set('author', author)
  for (const [field, value] of Object.entries(manifest.model)) {
    if (document.getIn(['model', field]) !== value) document.setIn(['model', field], value)
  }
  document.set('signature', toHex(signature))
  await files.write(name, new TextEncoder().encode(document.toString({ lineWidth: 0 })))
  report(file, manifest, layout, 'signed', host.output)

  function checked(given: unknown): RunManifest {
    try {
      return parseManifest(given)
    } catch (error) {
      return explain(error)
    }
  }
}

/** What the flags say; the schema adds the rest. */
function draftOf(options: InitOptions, author: string): unknown {
  const { founders, allowThree, cohort: size } = options
  const cohort = {
    ...(founders === undefined ? {} : { founders, size: Math.min(COHORT_MAX, Math.max(16, founders)) }),
    ...(size === undefined ? {} : { size, larger: 'tree' }),
    ...(allowThree ? { allowThree } : {})
  }
  return {
    name: options.name ?? 'a run of fedpeft',
    author,
    model: { source: options.model ?? 'embedded', sha256: digestUnknown },
    adapter: {
      ...(options.adapter === undefined ? {} : { kind: options.adapter }),
      ...(options.rank === undefined ? {} : { rank: options.rank, alpha: options.rank })
    },
    training: options.steps === undefined ? {} : { steps: options.steps },
    secureSum: options.verifiers === undefined ? {} : { verifiers: options.verifiers },
    cohort,
    ...admissionField(options),
    ...privacyFields(options),
    ...(options.rounds === undefined ? {} : { rounds: options.rounds }),
    // A prefix has no two factors to take in turns.
    ...(options.adapter === 'prefix' ? { strategy: 'fedit' as const } : {}),
    ...(options.strategy === undefined ? {} : { strategy: options.strategy })
  }
}

/** @throws UserError if peers are listed in a run that takes anybody */
function admissionField({ admission, peer }: InitOptions): object {
  if (peer !== undefined && (admission === undefined || admission === 'open')) {
    throw new UserError('--peer: lists who may join, and an open run takes anybody: add --admission list', 2)
  }
  if (admission === undefined) return {}
  return { admission: { kind: admission, ...(peer === undefined ? {} : { peers: peer }) } }
}

/**
 * The manifest with the digest of the base model that it names, opened so that a broken one is found now. Of a model of
 * the Hub the manifest names the commit: a branch is another model tomorrow. Privacy noise is fitted to the adapter.
 * @throws PeftError UNKNOWN_TARGET; PeerError NOISE_DOES_NOT_FIT
 */
async function withBaseModel(
  manifest: RunManifest,
  host: CommandHost,
  findsNoise: boolean
): Promise<{ readonly manifest: RunManifest; readonly layout: AdapterLayout }> {
  const { source, revision } = manifest.model
  host.output.say(`reading the base model ${source}`)
  const base = await openBaseModel(await resolveModel(source, host, { revision }))
  const model = { source: base.name, revision: base.revision ?? revision, sha256: base.sha256 }
  const { seed: _, ...settings } = manifest.adapter
  const { layout } = adapterOf(base.config, settings)
  const named = { ...manifest, model }
  return { manifest: findsNoise ? withLeastNoise(named, layout) : named, layout }
}

function report(
  file: string,
  manifest: RunManifest,
  layout: AdapterLayout,
  did: string,
  output: Output
): void {
  // Before anything is said to be done: noise that does not fit is refused.
  const privacy = runPrivacyOf(manifest, layout, manifest.cohort.founders)
  const run = toHex(runId(manifest, nodeCrypto().sha256))
  const { founders } = manifest.cohort
  if (founders < 4) output.warn('a cohort of three tolerates no loss and leaves no room for privacy noise')
  output.say(
    `${did} ${file}: run ${run}\n` +
      `author ${manifest.author}, base model ${manifest.model.source} (sha256 ${manifest.model.sha256})\n` +
      `${founders} founding members begin it, each with: fedpeft-node join ADDRESS --run ${file} --data THEIR-TEXT`
  )
  tellRunPrivacy(privacy, output)
  const { author, model } = manifest
  output.event({ event: 'done', file, run, author, modelSha256: model.sha256, privacy })
}

function beside(file: string): { files: Files; name: string } {
  const path = resolve(file)
  return { files: nodeFiles(dirname(path)), name: basename(path) }
}
