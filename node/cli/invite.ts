/** The `invite` command: the author of a run makes, lists and revokes invitations. */
import { resolve } from 'node:path'
import { fromHex, toHex } from '../../protocols/hex.ts'
import {
  createInvitation,
  invitationText,
  readInvitationText,
  TOKEN_PREFIX
} from '../../protocols/invitation.ts'
import { readCommands } from '../peer/order-store.ts'
import { openIdentity } from '../platform/identity.ts'
import { ed25519Signer, nodeCrypto } from '../platform/node-crypto.ts'
import { nodeFiles, writeSecret } from '../platform/node-files.ts'
import { passphrasesHere } from '../platform/passphrase.ts'
import { givenWords, giveOrder } from './author-order.ts'
import type { CommandHost } from './host.ts'
import { chainWords } from './invite/chain-words.ts'
import { issuedInvitations, rememberInvitation } from './invite/issued.ts'
import { type ChosenRun, localRun } from './join/run-source.ts'
import { UserError } from './user-error.ts'

export interface RunFlags {
  readonly run: string
  readonly dir: string
}

export interface CreateFlags extends RunFlags {
  readonly uses: number
  /** Milliseconds from now, or since the epoch. */
  readonly expires: ExpiryFlag
  readonly label: string
  readonly out?: string
  readonly passphraseFile?: string
}

export type ExpiryFlag = { readonly inMs: number } | { readonly atMs: number }

/** @throws UserError if this peer is not the author, or the run takes no invitations; FilesError */
export async function createOne(flags: CreateFlags, { output, signal }: CommandHost): Promise<void> {
  const chosen = await ownRun(flags)
  const { manifest, id: runId } = chosen
  if (manifest.admission.kind !== 'invitation') {
    throw new UserError(
      `--run ${flags.run}: its manifest says admission.kind: ${manifest.admission.kind}, so invitations let nobody in. ` +
        'A run by invitation says kind: invitation (fedpeft-node init --admission invitation)',
      2
    )
  }
  const identity = await openIdentity(flags.dir, passphrasesHere(flags.passphraseFile, signal))
  if (identity.peerId !== manifest.author) {
    throw new UserError(
      `--run ${flags.run}: its author is ${manifest.author}, who alone signs invitations; this peer is ${identity.peerId}`,
      2
    )
  }
  const run = fromHex(runId)!
  const { expires, uses, label } = flags
  const expiresAtMs = 'atMs' in expires ? expires.atMs : Date.now() + expires.inMs
  if (expiresAtMs <= Date.now())
    throw new UserError(`--expires: ${dateText(expiresAtMs / 1000)} has passed already`, 2)
  const secret = nodeCrypto().randomBytes(32)
  const terms = { run, uses, label, expiresAtS: Math.ceil(expiresAtMs / 1000) }
  const invitation = createInvitation(terms, identity, ed25519Signer(secret))
  await rememberInvitation(nodeFiles(flags.dir), run, invitation)
  const text = invitationText(invitation, secret)
  const invitationId = toHex(invitation.id)
  if (flags.out !== undefined) {
    const written = await writeSecret(resolve(flags.out), new TextEncoder().encode(`${text}\n`), 'keep')
    if (!written) throw new UserError(`--out ${flags.out}: is there already; choose another name`, 2)
  }
  const peers = uses === 1 ? 'one peer' : `${uses} different peers`
  output.say(
    `invitation ${invitationId.slice(0, 12)}${label === '' ? '' : ` "${label}"`} for run "${manifest.name}": lets in ${peers}, ` +
      `until ${dateText(terms.expiresAtS)}`
  )
  output.say(flags.out === undefined ? `\n${text}\n` : `written to ${flags.out}`)
  output.say(
    'Hand it over like a password: whoever has it can come in. It is used with\n' +
      `  fedpeft-node join ADDRESS --run ${runId.slice(0, 12)} --data THEIR-TEXT --invitation ${flags.out ?? 'INVITATION'}`
  )
  output.event({
    event: 'done',
    run: runId,
    invitation: invitationId,
    uses,
    label,
    expiresAtS: terms.expiresAtS,
    text
  })
}

/** @throws UserError; FilesError */
export async function listAll(flags: RunFlags, { output }: CommandHost): Promise<void> {
  const { id: runId, manifest } = await ownRun(flags)
  const run = fromHex(runId)!
  const files = nodeFiles(flags.dir)
  const { redeemed, revoked } = await chainWords(files, run)
  const ordered = (await readCommands(files, run)).filter(({ kind }) => kind === 'revoke')
  const nowS = Date.now() / 1000
  const invitations = (await issuedInvitations(files, run)).map(issued => {
    const peers = [...(redeemed.get(issued.id) ?? [])]
    const isOrdered = ordered.some(order => order.kind === 'revoke' && order.invitation === issued.id)
    const standing = standingOf()
    return { ...issued, peers, standing }

    function standingOf(): string {
      if (revoked.has(issued.id)) return 'revoked'
      if (isOrdered) return 'revoked, on its way'
      if (peers.length >= issued.uses) return 'used up'
      return nowS >= issued.expiresAtS ? 'expired' : 'open'
    }
  })
  output.event({ event: 'done', run: runId, invitations })
  if (invitations.length === 0)
    return output.say(`no invitations to "${manifest.name}" were made from this folder`)
  for (const { id, label, uses, expiresAtS, peers, standing } of invitations) {
    const name = label === '' ? '' : ` "${label}"`
    output.say(
      `${id.slice(0, 12)}${name}: ${standing}; ${peers.length} of ${uses} used, until ${dateText(expiresAtS)}`
    )
    for (const peer of peers) output.say(`  ${peer}`)
  }
}

/** @param invitation - id, the beginning of one that was made here, or the text itself @throws UserError; as giveOrder */
export async function revokeOne(invitation: string, flags: RunFlags, { output }: CommandHost): Promise<void> {
  const chosen = await ownRun(flags)
  const id = await idOf(invitation, flags, fromHex(chosen.id)!)
  const given = await giveOrder(flags.dir, chosen, { kind: 'revoke', invitation: id })
  output.say(
    `invitation ${id.slice(0, 12)} is revoked: ${givenWords[given]}. Who came by it stays a member; nobody else comes, and ` +
      'nobody comes back, by it.'
  )
  output.event({ event: 'done', run: chosen.id, invitation: id, order: 'revoke', given })
}

async function idOf(invitation: string, { dir }: RunFlags, run: Uint8Array): Promise<string> {
  if (invitation.startsWith(TOKEN_PREFIX)) {
    const read = readInvitationText(invitation)
    if (read !== null) return toHex(read.invitation.id)
    throw new UserError('that invitation is not whole: copy all of it', 2)
  }
  if (fromHex(invitation)?.length === 32) return invitation
  const known = (await issuedInvitations(nodeFiles(dir), run)).filter(({ id }) => id.startsWith(invitation))
  const [only] = known
  if (only !== undefined && known.length === 1) return only.id
  const how =
    known.length === 0 ? 'no invitation made from this folder begins so' : 'several begin so: give more'
  throw new UserError(`${invitation}: ${how} (fedpeft-node invite list)`, 2)
}

/** A run whose manifest is here. */
export async function ownRun({ run, dir }: RunFlags): Promise<ChosenRun> {
  const chosen = await localRun(run, dir)
  if (chosen !== null) return chosen
  throw new UserError(`--run ${run}: no such file, and no run in ${dir} has an id that begins so`, 2)
}

function dateText(seconds: number): string {
  return `${new Date(1000 * seconds).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
