/** Reading a manifest file: YAML, then the schema, then the author's signature; every fault with its line. */
import { type Document, isMap, isNode, LineCounter, parseDocument } from 'yaml'
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import { ProtocolError } from '../../protocols/errors.ts'
import { fromHex } from '../../protocols/hex.ts'
import { MANIFEST_BYTES } from '../../protocols/limits.ts'
import type { Files } from '../../protocols/ports.ts'
import type { ManifestProblem, RunManifest } from '../../protocols/run-manifest.ts'
import { type SignedManifest, verifyManifest } from '../../protocols/signed-manifest.ts'
import { UserError } from './user-error.ts'

export interface ManifestDocument {
  /** The YAML with its comments: set values in it and print it again. */
  readonly document: Document
  /** Everything but the signature, not yet checked. */
  readonly fields: Readonly<Record<string, unknown>>
  readonly signature: unknown
  /** Rethrows a ProtocolError of the manifest as a UserError that names the file and the lines. */
  readonly explain: (error: unknown) => never
}

/**
 * Reads the YAML of a manifest without judging its values.
 * @param files - rooted in the file's folder
 * @param where - the file as the person named it
 * @throws UserError if there is no such file, or it is not YAML with named fields; FilesError
 */
export async function readManifestDocument(
  files: Files,
  name: string,
  where: string
): Promise<ManifestDocument> {
  const bytes = await files.read(name)
  if (bytes === null) {
    throw new UserError(`${where}: no such file. Write one with: fedpeft-node init ${where}`, 2)
  }
  if (bytes.length > MANIFEST_BYTES) {
    throw new UserError(`${where}: ${bytes.length} bytes, and a manifest has at most ${MANIFEST_BYTES}`, 2)
  }
  const lineCounter = new LineCounter()
  const document = parseDocument(decodeText(bytes, where), { lineCounter, prettyErrors: false })
  const fault = document.errors[0]
  if (fault !== undefined) {
    const { line, col } = lineCounter.linePos(fault.pos[0])
    throw new UserError(`${where}, line ${line}, column ${col}: not YAML: ${fault.message}`, 2)
  }
  if (!isMap(document.contents)) {
    throw new UserError(
      `${where}: not a run manifest (no named fields). Write one with: fedpeft-node init`,
      2
    )
  }
  const { signature, ...fields } = toPlain(document, where)
  const explain = (error: unknown): never => {
    if (!(error instanceof ProtocolError)) throw error
    const problems = error.data['problems'] as readonly ManifestProblem[] | undefined
    if (problems === undefined) throw new UserError(`${where}: ${error.message}`, 2, { cause: error })
    const lines = problems.map(problem => {
      const at = lineOf(document, lineCounter, problem.path)
      const subject = problem.path === '' ? 'the manifest' : problem.path
      const got = problem.got === null ? '' : `got ${problem.got}; `
      return `${where}${at === null ? '' : `, line ${at}`}: ${subject}: ${got}allowed: ${problem.allowed}`
    })
    throw new UserError(lines.join('\n'), 2, { cause: error })
  }
  return { document, fields, signature, explain }
}

/**
 * Reads a manifest that its author has signed.
 * @throws UserError naming the file, the line, what stands there and what may; FilesError
 */
export async function loadManifestFile(
  files: Files,
  name: string,
  where: string,
  crypto: Pick<CryptoSuite, 'ed25519Verify'>
): Promise<SignedManifest> {
  const { fields, signature: text, explain } = await readManifestDocument(files, name, where)
  const signature = (typeof text === 'string' ? fromHex(text) : null) ?? new Uint8Array(0)
  return { manifest: verified(), signature }

  function verified(): RunManifest {
    try {
      return verifyManifest({ manifest: fields, signature }, crypto)
    } catch (error) {
      if (!(error instanceof ProtocolError && error.code === 'BAD_SIGNATURE')) return explain(error)
      const what = text === undefined ? 'not signed yet' : 'changed after it was signed, or signed by another'
      throw new UserError(
        `${where}: ${what}. If it is yours, sign it: fedpeft-node init --sign ${where}. ` +
          `If it came from ${error.data['signer']}, get it again as they signed it.`,
        2,
        { cause: error }
      )
    }
  }
}

function decodeText(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new UserError(`${where}: not a text file in UTF-8`, 2, { cause: error })
  }
}

function toPlain(document: Document, where: string): Record<string, unknown> {
  try {
    return document.toJS({ maxAliasCount: 100 }) as Record<string, unknown>
  } catch (error) {
    throw new UserError(`${where}: not usable YAML: ${(error as Error).message}`, 2, { cause: error })
  }
}

/** The line of a field, or of the nearest section around it. */
function lineOf(document: Document, lineCounter: LineCounter, path: string): number | null {
  const keys = path === '' ? [] : path.split('.')
  for (let depth = keys.length; depth > 0; depth--) {
    const parent = document.getIn(keys.slice(0, depth - 1), true)
    const last = keys[depth - 1]!
    const pair = isMap(parent) ? parent.items.find(item => String(item.key) === last) : undefined
    const node = pair?.key ?? document.getIn(keys.slice(0, depth), true)
    if (isNode(node) && node.range) return lineCounter.linePos(node.range[0]).line
  }
  return null
}
