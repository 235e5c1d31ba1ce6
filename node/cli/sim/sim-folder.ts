/** Where a simulation keeps its peers, its adapter and its report; and whether a run there is to be gone on with. */
import { join, resolve } from 'node:path'
import { toHex } from '../../../protocols/hex.ts'
import { type RunManifest, runId } from '../../../protocols/run-manifest.ts'
import { type SignedManifest, signManifest } from '../../../protocols/signed-manifest.ts'
import type { SimReport } from '../../../sim/report.ts'
import type { Identity } from '../../platform/identity.ts'
import { nodeCrypto } from '../../platform/node-crypto.ts'
import { nodeFiles } from '../../platform/node-files.ts'
import { manifestYaml } from '../manifest-yaml.ts'
import type { Output } from '../output.ts'
import { UserError } from '../user-error.ts'
import { reportText } from './print-report.ts'

const MANIFEST = 'manifest.yaml'
const RUN = 'run-id.txt'
const REPORT = 'report.json'

/**
 * The folder as asked for, or, if a finished simulation lies there, the next free one beside it.
 * @throws FilesError
 */
export async function freshFolder(asked: string): Promise<string> {
  for (let number = 1; ; number++) {
    const dir = resolve(number === 1 ? asked : `${asked}-${number}`)
    if ((await nodeFiles(dir).size(REPORT)) === null) return dir
  }
}

/**
 * Signs the run's manifest and writes it down for other processes to join with.
 * @returns it, its file, and whether this folder already has that run
 * @throws UserError if the folder holds another unfinished run; FilesError
 */
export async function writeRun(
  out: string,
  manifest: RunManifest,
  author: Identity
): Promise<{ signed: SignedManifest; file: string; resumed: boolean }> {
  const files = nodeFiles(out)
  const id = toHex(runId(manifest, nodeCrypto().sha256))
  const before = await files.read(RUN)
  const known = before === null ? null : new TextDecoder().decode(before).trim()
  if (known !== null && known !== id) {
    throw new UserError(
      `--out ${out}: holds an unfinished run with other settings (${known.slice(0, 12)}…). ` +
        'Repeat the command that began it to go on with it, delete the folder, or choose another --out.',
      2
    )
  }
  const signed = signManifest(manifest, author)
  await files.write(MANIFEST, new TextEncoder().encode(manifestYaml(manifest, toHex(signed.signature))))
  await files.write(RUN, new TextEncoder().encode(`${id}\n`))
  return { signed, file: join(out, MANIFEST), resumed: known === id }
}

/** @returns the report's file, for people; `report.json` beside it has all the figures */
export async function writeReport(out: string, report: SimReport): Promise<string> {
  const files = nodeFiles(out)
  const encode = (text: string) => new TextEncoder().encode(`${text}\n`)
  await files.write('report.txt', encode(reportText(report)))
  await files.write(REPORT, encode(JSON.stringify(report, null, 2)))
  return join(out, 'report.txt')
}

/** Keeps what libp2p and the peers had to say, for whoever looks for a fault. */
export async function writeLog(out: string, lines: readonly string[], output: Output): Promise<void> {
  try {
    await nodeFiles(out).write('sim.log', new TextEncoder().encode(lines.map(line => `${line}\n`).join('')))
  } catch (error) {
    output.warn(`the log could not be written: ${(error as Error).message}`)
  }
}
