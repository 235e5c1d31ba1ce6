/** Checks a file of evidence against the manifest and the chain in a run's folder, long after the round. */
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import { linkHashOf } from '../../protocols/chain.ts'
import { equalBytes } from '../../protocols/codec.ts'
import { checkEvidence, type EvidenceChain, type EvidenceVerdict } from '../../protocols/evidence.ts'
import { fromHex } from '../../protocols/hex.ts'
import { CertifiedLink, Decision } from '../../protocols/messages.js'
import type { Files } from '../../protocols/ports.ts'
import { runId } from '../../protocols/run-manifest.ts'
import { verifyManifest } from '../../protocols/signed-manifest.ts'
import { PeerError } from './errors.ts'
import { readRecords } from './record-log.ts'

/**
 * The chain is taken from `chain.log` as it is: its peer has checked every link before it wrote it.
 * @param files - of the run's folder
 * @throws PeerError BROKEN_STORE if manifest, chain or evidence are not there; ProtocolError from the manifest; FilesError
 */
export async function checkEvidenceFile(
  files: Pick<Files, 'read'>,
  path: string,
  crypto: CryptoSuite
): Promise<EvidenceVerdict> {
  const manifest = verifyManifest(await present(files, 'manifest.json'), crypto)
  const chain = chainIn(await present(files, 'chain.log'), crypto)
  const baseModel = fromHex(manifest.model.sha256)!
  const run = { id: runId(manifest, crypto.sha256), baseModel, manifest }
  return checkEvidence(await present(files, path), run, chain, crypto)
}

/** All links, also those that evidence in a running round would be too late for. */
function chainIn(log: Uint8Array, crypto: CryptoSuite): EvidenceChain {
  const { places } = readRecords(log, crypto.sha256)
  const links = places.slice(1).flatMap(({ offset, length }) => {
    const { decision } = CertifiedLink.decode(log.slice(offset, offset + length))
    const { link } = Decision.decode(decision)
    return link === undefined ? [] : [{ hash: linkHashOf(decision, crypto), link }]
  })
  return {
    // A link of a larger network names the cohort of its root only.
    cohortAfter: (after, member) =>
      links.find(({ link }) => equalBytes(link.previous, after) && link.cohort.includes(member))?.link
        .cohort ?? null,
    has: hash => links.some(known => equalBytes(known.hash, hash))
  }
}

async function present(files: Pick<Files, 'read'>, path: string): Promise<Uint8Array> {
  const bytes = await files.read(path)
  if (bytes === null)
    throw new PeerError('BROKEN_STORE', { path }, `${path}: no such file in the run's folder`)
  return bytes
}
