/**
 * What one run leaves on one peer's disk, below `runs/<run id>/`: `manifest.json`, `chain.log`, `journal.log`,
 * `states/<hash>.bin`, `evidence/`, `adapter/` and under random-k `leftover.bin`. Written in an order that leaves something that
 * opens wherever a crash falls:
 * a state before the link that names it, a link before its journal is let go.
 */
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import type { RunContext } from '../../protocols/chain-tip.ts'
import { equalBytes } from '../../protocols/codec.ts'
import { toHex } from '../../protocols/hex.ts'
import type { Files } from '../../protocols/ports.ts'
import { encodeSignedManifest, type SignedManifest } from '../../protocols/signed-manifest.ts'
import { saveAdapter } from '../peft/peft-files.ts'
import type { Trainer } from '../train/trainer.ts'
import { ChainStore } from './chain-store.ts'
import { ErrorFeedback } from './error-feedback.ts'
import { EvidenceStore } from './evidence-store.ts'
import { JournalStore } from './journal-store.ts'
import { StateStore } from './state-store.ts'

export interface RunDisk {
  readonly chain: ChainStore
  readonly journal: JournalStore
  readonly states: StateStore
  readonly evidence: EvidenceStore
  /** Null without random-k. */
  readonly feedback: ErrorFeedback | null
  /** Writes the global adapter in Hugging Face PEFT format. @throws FilesError */
  saveAdapter(values: Float32Array): Promise<void>
}

/** The folder of a run, as a path of the port `Files`. */
export function runFolder(run: Uint8Array): string {
  return `runs/${toHex(run)}`
}

/** Where the adapter of a run lies. */
export function adapterFolder(run: Uint8Array): string {
  return `${runFolder(run)}/adapter`
}

/**
 * Opens what is there, or begins.
 * @param warn - told of what a crash left unfinished
 * @throws PeerError BROKEN_STORE; FilesError, also if the folder cannot be written to
 */
export async function openRunDisk(
  files: Files,
  signed: SignedManifest,
  run: RunContext,
  trainer: Pick<Trainer, 'layout' | 'adapterKind' | 'adapterConfigJson'>,
  crypto: CryptoSuite,
  warn: (message: string) => void
): Promise<RunDisk> {
  const folder = runFolder(run.id)
  const manifestPath = `${folder}/manifest.json`
  const manifestBytes = encodeSignedManifest(signed)
  const written = await files.read(manifestPath)
  if (written === null || !equalBytes(written, manifestBytes)) await files.write(manifestPath, manifestBytes)
  const chain = await ChainStore.open(files, `${folder}/chain.log`, run, crypto, warn)
  const journal = await JournalStore.open(files, `${folder}/journal.log`, chain.tip)
  const states = new StateStore(files, `${folder}/states`, crypto)
  const evidence = await EvidenceStore.open(files, `${folder}/evidence`)
  const { randomK } = run.manifest.secureSum
  const feedbackPath = `${folder}/leftover.bin`
  const feedback =
    randomK === 1 ? null : await ErrorFeedback.open(files, feedbackPath, trainer.layout, crypto, warn)
  return {
    chain,
    journal,
    states,
    evidence,
    feedback,
    saveAdapter: values =>
      saveAdapter(files, adapterFolder(run.id), {
        kind: trainer.adapterKind,
        configJson: trainer.adapterConfigJson(run.manifest.model.source),
        layout: trainer.layout,
        values
      })
  }
}
