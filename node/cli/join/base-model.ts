/**
 * Where a peer's base model comes from, in this order: `--model`; what came from peers before; the folder that the manifest
 * names, or the Hub's cache; the Hub; the other peers of the run. The Hub before the peers, since those pay for what they send.
 */
import { fromHex } from '../../../protocols/hex.ts'
import type { Redemption } from '../../../protocols/messages.js'
import type { RunManifest } from '../../../protocols/run-manifest.ts'
import { ModelError } from '../../model/errors.ts'
import { mayTakePart } from '../../peer/admission.ts'
import { fetchModel } from '../../peer/model-fetch.ts'
import type { ShareableModel } from '../../peer/model-sharing.ts'
import { embeddedModelName } from '../../platform/embedded-model.ts'
import { HubError } from '../../platform/hub/errors.ts'
import type { Libp2pNetwork } from '../../platform/libp2p-network.ts'
import { modelShelf, shareableFolder, shelvedModelDir } from '../../platform/model-shelf.ts'
import { nodeCrypto } from '../../platform/node-crypto.ts'
import { nodeFiles } from '../../platform/node-files.ts'
import { systemClock } from '../../platform/system-clock.ts'
import { DownloadLines } from '../download-lines.ts'
import type { CommandHost } from '../host.ts'
import { type BaseModel, checkBaseModel, openBaseModel } from '../open-trainer.ts'
import { type UploadOptions, uploadRates } from '../upload-options.ts'
import { baseModelHere, type WorkshopOptions } from './workshop.ts'

/** The word after `--model` that means: from the other peers, without asking the Hub. */
export const PEERS_WORD = 'peers'

/** This machine and the Hub do not have it; the other peers may. Told to the person if there are none to ask. */
export class LackingBaseModel extends Error {}

export interface BaseModelOptions extends WorkshopOptions, UploadOptions {
  /** False with --no-share-model. */
  readonly shareModel: boolean
}

/**
 * @throws LackingBaseModel if only peers can have it; else as baseModelHere
 */
export async function ownBaseModel(
  manifest: RunManifest,
  options: BaseModelOptions,
  host: CommandHost
): Promise<BaseModel> {
  if (options.model !== undefined && options.model !== PEERS_WORD)
    return baseModelHere(manifest, options, host)
  const shelved = await shelvedBaseModel(manifest, options)
  if (shelved !== null) return shelved
  if (options.model === PEERS_WORD)
    throw new LackingBaseModel('--model peers: it is fetched from the other peers')
  try {
    return await baseModelHere(manifest, options, host)
  } catch (error) {
    if (manifest.model.source === embeddedModelName || !isLacking(error)) throw error
    throw new LackingBaseModel((error as Error).message, { cause: error })
  }
}

/**
 * @param redemption - what lets this peer into a run by invitation, shown to those who are asked
 * @throws PeerError NO_BASE_MODEL; FilesError; the signal's reason
 */
export async function baseModelFromPeers(
  manifest: RunManifest,
  redemption: Redemption | undefined,
  options: BaseModelOptions,
  network: Libp2pNetwork,
  { output, signal }: CommandHost
): Promise<BaseModel> {
  const { sha256, source } = manifest.model
  const folder = shelvedModelDir(options.dir, sha256)
  const lines = new DownloadLines(output, `${source} from other peers`)
  const room = { root: options.dir, diskMaxBytes: options.disk ?? Number.POSITIVE_INFINITY }
  try {
    await fetchModel(
      {
        network,
        clock: systemClock,
        crypto: nodeCrypto(),
        shelf: modelShelf(folder, room),
        allow: peer => options.shareModel && mayTakePart(manifest, null, new Map(), peer),
        upload: uploadRates(options),
        log: output.note,
        onNotice: text => lines.notice(text),
        onProgress: step => lines.take(step)
      },
      { sha256: fromHex(sha256)!, name: source, redemption },
      signal
    )
  } catch (error) {
    lines.clear()
    if (signal.aborted && lines.hasBegun)
      output.say(`what has come of ${source} is kept; the same command goes on from there`)
    throw error
  } finally {
    lines.clear()
  }
  const base = await openBaseModel(shelvedPlace(folder))
  checkBaseModel(manifest, base)
  return base
}

/** What of it the other peers of the run may have: all of it, unless the person says no. */
export function shareableBase(
  base: BaseModel,
  { shareModel }: Pick<BaseModelOptions, 'shareModel'>
): ShareableModel | null {
  if (!shareModel || base.name === embeddedModelName) return null
  return shareableFolder(base.folder, base.digestedFiles, fromHex(base.sha256)!)
}

/** What came from peers before, if it is whole. */
async function shelvedBaseModel(manifest: RunManifest, { dir }: BaseModelOptions): Promise<BaseModel | null> {
  const folder = shelvedModelDir(dir, manifest.model.sha256)
  if ((await nodeFiles(folder).list('')).length === 0) return null
  try {
    const base = await openBaseModel(shelvedPlace(folder))
    if (base.sha256 !== manifest.model.sha256) return null
    checkBaseModel(manifest, base)
    return base
  } catch (error) {
    // Not whole yet, or damaged: fetching looks at each file.
    if (error instanceof ModelError) return null
    throw error
  }
}

function shelvedPlace(folder: string): { name: string; revision: null; folder: string } {
  return { name: folder, revision: null, folder }
}

/** The Hub does not give it, or there is no folder: not that what is there is broken, or another model. */
function isLacking(error: unknown): boolean {
  if (error instanceof HubError) return error.code !== 'BAD_SETTING'
  if (!(error instanceof ModelError) || error.code !== 'MISSING_FILE') return false
  const { missing } = error.data
  return Array.isArray(missing) && missing.length === 3
}
