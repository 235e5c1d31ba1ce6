/** From what stands after `--run` to a signed manifest: a file, this peer's own folder, or the network. */
import { basename, dirname, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { toHex } from '../../../protocols/hex.ts'
import { type RunManifest, runId } from '../../../protocols/run-manifest.ts'
import type { OfferedRun } from '../../../protocols/run-registry.ts'
import {
  decodeSignedManifest,
  type SignedManifest,
  verifyManifest
} from '../../../protocols/signed-manifest.ts'
import { nodeCrypto } from '../../platform/node-crypto.ts'
import { nodeFiles } from '../../platform/node-files.ts'
import { loadManifestFile } from '../manifest-file.ts'
import { UserError } from '../user-error.ts'
import type { Entry } from './entry.ts'

export interface ChosenRun {
  readonly signed: SignedManifest
  readonly manifest: RunManifest
  /** Hexadecimal. */
  readonly id: string
  readonly source: 'file' | 'folder' | 'network'
}

/** Of a peer's folder: below it one folder for each run, as the peer's disk has them. */
const runsFolder = 'runs'

/** The beginning of an id is enough where only one run begins so. */
const idPattern = /^[0-9a-f]{4,64}$/

/** A run that was offered a moment ago has reached whoever we ask within this time. */
const SEARCH_MS = 10_000

const ASK_AGAIN_MS = 500

/**
 * A run that is known without asking anybody.
 * @param run - as given: the path of a manifest, or (the beginning of) a run id
 * @param dir - the peer's folder, where the runs that it took part in lie
 * @returns null for an id that is not among those: the network may know it
 * @throws UserError; ProtocolError; FilesError
 */
export async function localRun(run: string, dir: string): Promise<ChosenRun | null> {
  const path = resolve(run)
  const files = nodeFiles(dirname(path))
  const isFile = (await files.size(basename(path))) !== null
  if (!isFile && idPattern.test(run)) return runInFolder(run, dir)
  return chosen(await loadManifestFile(files, basename(path), run, nodeCrypto()), 'file')
}

/** @throws UserError if no offered run, or more than one, has an id that begins so; the signal's reason */
export async function offeredRun(prefix: string, entry: Entry, signal: AbortSignal): Promise<ChosenRun> {
  let offered: OfferedRun[] = []
  for (let waitedMs = 0; waitedMs < SEARCH_MS; waitedMs += ASK_AGAIN_MS) {
    offered = await askEveryone(entry)
    const found = offered.filter(({ run }) => run.startsWith(prefix))
    if (found.length > 1)
      throw ambiguous(
        prefix,
        found.map(({ run }) => run)
      )
    if (found[0] !== undefined) return chosen(decodeSignedManifest(found[0].manifest), 'network')
    await delay(ASK_AGAIN_MS, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
  const names = offered.map(({ run, manifest }) => {
    return `  ${run.slice(0, 16)}  "${decodeSignedManifest(manifest).manifest.name}"`
  })
  const there = names.length === 0 ? 'No run is offered there now.' : `Offered there:\n${names.join('\n')}`
  throw new UserError(
    `--run ${prefix}: no such file, and nobody offers a run whose id begins so. ${there}\n` +
      'Someone who has the manifest offers it with: fedpeft-node join ADDRESS --run FILE --data THEIR-TEXT',
    2
  )
}

/** What all connected peers list together, each run once. */
export async function askEveryone({ network, registry }: Entry): Promise<OfferedRun[]> {
  const lists = await Promise.allSettled(network.peers().map(peer => registry.ask(peer)))
  const found = new Map(registry.runs().map(offered => [offered.run, offered]))
  for (const list of lists) {
    if (list.status === 'fulfilled') for (const offered of list.value) found.set(offered.run, offered)
  }
  return [...found.values()]
}

async function runInFolder(prefix: string, dir: string): Promise<ChosenRun | null> {
  const files = nodeFiles(dir)
  const ids = (await files.list(runsFolder)).filter(id => id.startsWith(prefix))
  if (ids.length > 1) throw ambiguous(prefix, ids)
  const [id] = ids
  if (id === undefined) return null
  const bytes = await files.read(`${runsFolder}/${id}/manifest.json`)
  if (bytes === null) return null
  const signed = decodeSignedManifest(bytes)
  verifyManifest(signed, nodeCrypto())
  return chosen(signed, 'folder')
}

function chosen(signed: SignedManifest, source: ChosenRun['source']): ChosenRun {
  const { manifest } = signed
  return { signed, manifest, id: toHex(runId(manifest, nodeCrypto().sha256)), source }
}

function ambiguous(prefix: string, ids: readonly string[]): UserError {
  return new UserError(
    `--run ${prefix}: more than one run begins so; give more of it:\n  ${ids.join('\n  ')}`,
    2
  )
}
