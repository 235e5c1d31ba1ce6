/** `--invitation`: from the text or file that the author handed over to what this peer shows the others. */
import { readFile } from 'node:fs/promises'
import { decodeCanonical } from '../../../protocols/codec.ts'
import { fromHex } from '../../../protocols/hex.ts'
import { readInvitationText, redeem, TOKEN_PREFIX } from '../../../protocols/invitation.ts'
import { INVITATION_TEXT } from '../../../protocols/limits.ts'
import { Redemption } from '../../../protocols/messages.js'
import type { Files, PeerId } from '../../../protocols/ports.ts'
import { checkAdmission } from '../../peer/admission.ts'
import { runFolder } from '../../peer/run-disk.ts'
import { ed25519Signer, nodeCrypto } from '../../platform/node-crypto.ts'
import { UserError } from '../user-error.ts'
import type { ChosenRun } from './run-source.ts'

/**
 * What this peer shows in this run: made from what is given now, or as it was kept before.
 * @throws UserError for what is no invitation; PeerError NOT_ADMITTED with what to do; FilesError
 */
export async function redemptionFor(
  { manifest, id }: ChosenRun,
  given: string | undefined,
  self: PeerId,
  files: Files
): Promise<Redemption | undefined> {
  const folder = runFolder(fromHex(id)!)
  const kept = `${folder}/invitation`
  const redemption =
    given === undefined ? await readKept(files, kept) : redeemedBy(await textOf(given), given, self)
  const isKnown = (await files.size(`${folder}/chain.log`)) !== null
  checkAdmission(manifest, self, { redemption, isKnown, nowMs: Date.now() }, nodeCrypto())
  if (manifest.admission.kind !== 'invitation') return undefined
  // Good for this peer only: the invitation itself is not kept.
  if (given !== undefined && redemption !== undefined) await files.write(kept, Redemption.encode(redemption))
  return redemption
}

async function readKept(files: Files, path: string): Promise<Redemption | undefined> {
  const bytes = await files.read(path)
  return bytes === null ? undefined : decodeCanonical(Redemption, bytes, path)
}

function redeemedBy(text: string, given: string, self: PeerId): Redemption {
  const token = readInvitationText(text)
  if (token !== null) return redeem(token.invitation, self, ed25519Signer(token.secret))
  throw new UserError(
    `--invitation ${given.slice(0, 32)}${given.length > 32 ? '…' : ''}: that is no whole invitation. It is one long word that ` +
      `begins with ${TOKEN_PREFIX}: copy all of it, or give the file that it lies in`,
    2
  )
}

async function textOf(given: string): Promise<string> {
  if (given.trim().startsWith(TOKEN_PREFIX)) return given
  try {
    const bytes = await readFile(given)
    return new TextDecoder().decode(bytes.subarray(0, 2 * INVITATION_TEXT))
  } catch (error) {
    throw new UserError(
      `--invitation ${given}: no invitation (they begin with ${TOKEN_PREFIX}), and no file that can be read: ` +
        `${(error as Error).message}`,
      2
    )
  }
}
